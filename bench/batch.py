"""``python -m bench.batch``: how fast 100,000 records go through containers. As root.

The same program and the same image three ways: one container whose standard input is the file (a
plain loop, which has no second try and no second processor), GNU parallel, which cuts the file and
starts a container for each part, and ``batch run``. They take turns. All write what comes out to
files; only the last one checks that each record came back once, and would go on after a crash.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from bench.question import IMAGE
from bench.tools import HOME
from dockyard import Engine

_PROGRAM = """\
import hashlib, json, sys
for line in sys.stdin:
    record = json.loads(line)
    text = record["text"].encode()
    for _ in range(ROUNDS):
        text = hashlib.sha256(text).digest()
    print(json.dumps({"id": record["id"], "digest": text.hex()}))
"""
_WORDS = "the ship lies in the harbour, and cranes load it by night and by day "

Way = Callable[[Path, Path], list[str]]


def main() -> int:
    """Prints a table in Markdown."""
    parser = argparse.ArgumentParser(prog="python -m bench.batch", description=__doc__)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--shards", type=int, default=8)
    parser.add_argument("--parallel", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--rounds", type=int, default=100, help="work for each record")
    parser.add_argument("--repeat", type=int, default=3)
    asked = parser.parse_args()
    if shutil.which("parallel") is None:
        print("GNU parallel is missing: apt-get install parallel", file=sys.stderr)
        return 1
    os.environ |= {"DOCKYARD_ROOT": f"{HOME}/root", "DOCKYARD_RUN": f"{HOME}/run"}
    with Engine() as engine:
        engine.bootstrap(IMAGE.removeprefix("localhost/"))
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        return compare(Path(name), asked)


def compare(directory: Path, asked: argparse.Namespace) -> int:
    """Asks each way in turn, and prints what it took."""
    data = directory / "data.jsonl"
    with data.open("w") as stream:
        for number in range(asked.records):
            stream.write(json.dumps({"id": f"record-{number}", "text": _WORDS * 2}) + "\n")
    program = directory / "program.py"
    program.write_text(_PROGRAM.replace("ROUNDS", str(asked.rounds)))
    found = ways(program, asked.shards, asked.parallel)
    took: dict[str, list[float]] = {name: [] for name in found}
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"- {os.cpu_count()} CPUs, load average at the start {load}; {asked.records} records,"
          f" {asked.shards} shards, {asked.parallel} at a time\n")  # fmt: skip
    for turn in range(asked.repeat):
        for name, words in found.items():
            output = directory / f"{turn}-{list(found).index(name)}"
            took[name].append(timed(words(data, output)))
            check(output, asked.records)
    print(table(took, asked.records))
    return 0


def ways(program: Path, shards: int, parallel: int) -> Mapping[str, Way]:
    """Command lines of a shell, by what they are."""
    container = f"--network none -v {program}:/program.py:ro {IMAGE} python -S /program.py"
    dockyard = f"{sys.executable} -m dockyard.cli.main"

    def loop(data: Path, output: Path) -> list[str]:
        return [f"mkdir {output}", f"{dockyard} run --rm -i {container} < {data} > {output}/all"]

    def gnu(data: Path, output: Path) -> list[str]:
        each = f"{dockyard} run --rm -i {container} > {output}/{{#}}"
        block = -(-data.stat().st_size // shards)
        cut = f"parallel --pipepart -a {data} --block {block} -j {parallel}"
        return [f"mkdir {output}", f"{cut} '{each}'"]

    def batch(data: Path, output: Path) -> list[str]:
        where = f"--input {data} --output {output}"
        how = f"--shards {shards} --parallel {parallel}"
        return [f"{dockyard} batch run -q {where} {how} {container}"]

    return {
        "one container, a plain loop": loop,
        "GNU parallel and `run`": gnu,
        "`batch run`": batch,
    }


def timed(words: list[str]) -> float:
    """Seconds that lines of a shell take."""
    begun = time.monotonic()
    subprocess.run(["bash", "-ec", "\n".join(words)], check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - begun


def check(output: Path, records: int) -> None:
    """Stops where a way has lost something: its time would mean nothing."""
    ids = {json.loads(line)["id"] for path in output.glob("[a0-9s]*") for line in path.open()}
    if len(ids) != records:
        sys.exit(f"{output}: {len(ids)} of {records} records came back")


def table(took: Mapping[str, list[float]], records: int) -> str:
    """Medians, with least and most."""
    lines = ["| way | seconds | records a second |", "| --- | ---: | ---: |"]
    for name, seconds in took.items():
        middle = statistics.median(seconds)
        span = f"{middle:.1f} ({min(seconds):.1f} to {max(seconds):.1f})"
        lines.append(f"| {name} | {span} | {records / middle:,.0f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
