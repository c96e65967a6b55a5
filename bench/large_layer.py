"""What does the engine itself cost around a RUN that writes 1 GB?

The data is random, so that no compression helps. The step prints how long its command took; the
engine's own time is the rest of the build: starting, mounting, and turning the result into a layer
of a finished image (BuildKit's "exporting layers", Podman's commit).
"""

from __future__ import annotations

import re

from bench.question import IMAGE, Question, build_options
from bench.tools import BenchmarkError, Tool

_DIRECTORY = "/tmp/dockyard-bench-large"
_TAG = "localhost/bench-large:latest"
_DOCKERFILE = f"""\
FROM {IMAGE}
RUN begin=$(date +%s%N); \\
    dd if=/dev/urandom of=/weights bs=1M count=1024 status=none; \\
    echo "the command took <$(($(date +%s%N) - begin))> ns"
"""
_COMMAND_TIME = re.compile(r"the command took <(\d+)> ns")


class LargeLayer(Question):
    """The whole build, less the command."""

    title = "engine's own time around a RUN that writes 1 GiB"
    repeat = 5

    def prepare(self, tool: Tool) -> None:
        tool.place(_DIRECTORY, {"Dockerfile": _DOCKERFILE})

    def measure(self, tool: Tool) -> float:
        options = ("--progress", "plain") if tool.name == "docker" else build_options(tool)
        tool.shell(("sync",))
        built = tool.time("build", "--no-cache", *options, "-t", _TAG, _DIRECTORY)
        spent = _COMMAND_TIME.search(built.output)
        if spent is None:
            raise BenchmarkError(f"{tool.name} does not show what the step printed")
        self.clean(tool)
        return built.seconds - int(spent[1]) / 1e9

    def clean(self, tool: Tool) -> None:
        tool.call("rmi", "-f", _TAG, check=False)
        prune = ("image", "prune") if tool.name == "podman" else ("builder", "prune")
        tool.call(*prune, "-f", check=False)
