"""How much disk do five images take that share a base?"""

from __future__ import annotations

import time

from bench.question import IMAGE, Question, build_options
from bench.tools import HOME, BenchmarkError, Tool

_DIRECTORY = "/tmp/dockyard-bench-disk"
_BASE = "localhost/bench-disk-base:latest"
_STORES = {"docker": "/var/lib/docker", "podman": "/var/lib/containers"}


class DiskUse(Question):
    """A base of 200 MiB and 20 MiB more in each image, all random; what ``du`` says of the store.

    Docker's and Podman's figures hold what their builders keep for the next build, as ours do.
    """

    title = "disk used by five images on a base of 200 MiB, 300 MiB in all"
    repeat = 1
    unit = "bytes"

    def _place(self, tool: Tool) -> None:
        self.clean(tool)
        files = {"base/Dockerfile": f"FROM {IMAGE}\n{_writing('base', 200)}"}
        for n in range(5):
            files[f"{n}/Dockerfile"] = f"FROM {_BASE}\n{_writing(f'own-{n}', 20)}ENV N={n}\n"
        tool.place(_DIRECTORY, files)

    def measure(self, tool: Tool) -> float:
        self._place(tool)
        before = _used(tool)
        options = build_options(tool)
        tool.call("build", "-q", *options, "-t", _BASE, f"{_DIRECTORY}/base")
        for n in range(5):
            tag = f"localhost/bench-disk-{n}:latest"
            tool.call("build", "-q", *options, "-t", tag, f"{_DIRECTORY}/{n}")
        return _used(tool) - before

    def clean(self, tool: Tool) -> None:
        for n in range(5):
            tool.call("rmi", "-f", f"localhost/bench-disk-{n}:latest", check=False)
        tool.call("rmi", "-f", _BASE, check=False)
        prune = ("image", "prune") if tool.name == "podman" else ("builder", "prune")
        tool.call(*prune, "-f", check=False)
        tool.shell(("rm", "-rf", _DIRECTORY))


def _writing(name: str, megabytes: int) -> str:
    once = time.time_ns()  # no earlier build may have made it
    return f"RUN : {once}; dd if=/dev/urandom of=/{name} bs=1M count={megabytes} status=none\n"


def _used(tool: Tool) -> float:
    store = _STORES.get(tool.name, f"{HOME}/root")
    tool.shell(("sync",))
    words = tool.shell(("du", "-s", "--block-size=1", store), check=False).split()
    if not words:
        raise BenchmarkError(f"{store} can't be measured")
    return float(words[0])
