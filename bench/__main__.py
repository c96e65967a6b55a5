"""``python -m bench``: answers the questions side by side and prints a table in Markdown.

The tools take turns (A B C A B C), so that whatever else the machine does hits all of them. As
root; Docker and Podman are compared where they are there, see :func:`bench.tools.find`.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from bench import report, tools
from bench.disk_use import DiskUse
from bench.exec_latency import ExecLatency
from bench.large_commit import LargeCommit
from bench.large_copy import LargeCopy
from bench.large_layer import LargeLayer
from bench.many_containers import ManyContainers
from bench.question import IMAGE, Question
from bench.rebuild import Rebuild
from bench.run_bridge import RunBridge
from bench.run_isolated import RunIsolated
from bench.shipping import (
    PullChange,
    PullWhole,
    PushChange,
    PushWhole,
)
from bench.stack_up import StackUp
from bench.version import Version

QUESTIONS: dict[str, type[Question]] = {
    "run": RunBridge,
    "run-none": RunIsolated,
    "version": Version,
    "rebuild": Rebuild,
    "large-layer": LargeLayer,
    "many": ManyContainers,
    "stack": StackUp,
    "exec": ExecLatency,
    "copy": LargeCopy,
    "commit": LargeCommit,
    "disk": DiskUse,
    "push": PushWhole,
    "pull": PullWhole,
    "push-change": PushChange,
    "pull-change": PullChange,
}

_PAUSE_SECONDS = 0.25
"""What a tool still does after it has answered must not slow the next one."""


def main() -> int:
    """Prints the machine, the versions and a row for each question."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("questions", nargs="*", metavar="QUESTION", help=", ".join(QUESTIONS))
    parser.add_argument("--repeat", type=int, help="repetitions, instead of each question's own")
    parser.add_argument("--tools", default="dockyard,docker,podman", help="which to compare")
    options = parser.parse_args()
    asked = options.questions or list(QUESTIONS)
    if unknown := sorted(set(asked) - QUESTIONS.keys()):
        parser.error(f"no such question: {unknown[0]}; there are {', '.join(QUESTIONS)}")
    found, missing = tools.find(["dockyard", *_peers(options.tools)])
    for sentence in missing:
        print(sentence, file=sys.stderr)
    if not found or found[0].name != "dockyard":
        return 1
    tools.share_image(IMAGE, found)
    order = [tool.name for tool in found]
    print(report.machine(found), "", report.heading(order), sep="\n", flush=True)
    for name in asked:
        question = QUESTIONS[name]()
        samples = ask(question, found, options.repeat or question.repeat)
        print(report.row(question, samples, order), flush=True)
        for each in question.more():
            print(report.row(each, each.samples, order), flush=True)
    return 0


def ask(question: Question, found: Sequence[tools.Tool], repeat: int) -> dict[str, list[float]]:
    """What each repetition gave, by tool; a tool that fails drops out and says why."""
    samples: dict[str, list[float]] = {tool.name: [] for tool in found}
    active = [tool for tool in found if _succeeds(question, tool, samples)]
    for _ in range(repeat):
        for tool in list(active):
            try:
                samples[tool.name].append(question.measure(tool))
                time.sleep(_PAUSE_SECONDS)
            except tools.BenchmarkError as error:
                print(f"{tool.name} drops out of {question.title}: {error}", file=sys.stderr)
                active.remove(tool)
    for tool in found:
        question.clean(tool)
    return samples


def _succeeds(question: Question, tool: tools.Tool, samples: dict[str, list[float]]) -> bool:
    try:
        question.prepare(tool)
    except tools.BenchmarkError as error:
        print(f"{tool.name} drops out of {question.title}: {error}", file=sys.stderr)
        del samples[tool.name]
        return False
    return True


def _peers(text: str) -> list[str]:
    return [name for name in text.split(",") if name in tools.PEERS]


if __name__ == "__main__":
    sys.exit(main())
