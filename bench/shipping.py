"""An application with PyTorch on its way to a registry and back: whole, and after one changed line.

Each tool builds the image from the same wheels and pulls what it pushed itself.
"""

from __future__ import annotations

import abc
import contextlib
import os
import subprocess
from collections.abc import Sequence

from bench import tools, wheels
from bench.local_registry import LocalRegistry, Traffic, options
from bench.question import IMAGE, Figures, Question, build_options
from bench.tools import Tool

_DIRECTORY = "/tmp/dockyard-bench-ship"
_WHEELS = "/tmp/dockyard-bench-wheels"
_DOCKERFILE = f"""\
FROM {IMAGE}
WORKDIR /app
COPY requirements.txt .
RUN --mount=type=bind,from=wheels,target=/wheels \\
    pip install --no-cache-dir --no-index --find-links /wheels -r requirements.txt
COPY app.py .
CMD ["python", "app.py"]
"""
_BEFORE, _AFTER = "v1", "v2"
_WANTED = {_BEFORE: wheels.REQUIREMENTS, _AFTER: wheels.after_the_change()}


class _Shipping(Question):
    """What all have in common: the images, and the registry."""

    repeat = 3
    images: tuple[str, ...] = (_BEFORE, _AFTER)
    """Tags of those that are built first."""

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()
        self._registry: LocalRegistry | None = None
        self._tools: dict[str, Tool] = {}
        self._moved: dict[str, list[float]] = {}

    @property
    def registry(self) -> LocalRegistry:
        """The one of this question."""
        if self._registry is None:
            peers = tools.find(tools.PEERS)[0]
            neighbour = next(iter(peers), None)
            self._registry = self._stack.enter_context(LocalRegistry(neighbour))
        return self._registry

    def prepare(self, tool: Tool) -> None:
        self._tools[tool.name] = self.registry.accepted_by(tool)
        _place_wheels(tool)
        for tag in self.images:
            self._build(tool, tag, _WANTED[tag])

    def measure(self, tool: Tool) -> float:
        tool = self._tools[tool.name]
        self.arrange(tool)
        os.sync()  # what other tools wrote is not to be written on this one's time
        before = self.registry.traffic()
        seconds = self.act(tool)
        moved = self.moved(self.registry.traffic() - before)
        self._moved.setdefault(tool.name, []).append(moved)
        return seconds

    def more(self) -> Sequence[Figures]:
        return (Figures(f"{self.title}, on the wire", "bytes", self._moved),)

    def arrange(self, tool: Tool) -> None:
        """What has to be so before each repetition."""

    @abc.abstractmethod
    def act(self, tool: Tool) -> float:
        """The repetition; its seconds."""

    @abc.abstractmethod
    def moved(self, traffic: Traffic) -> float:
        """What counts of it."""

    def clean(self, tool: Tool) -> None:
        for tag in self.images:
            tool.call("rmi", "-f", self.name(tool, tag), check=False)
        tool.shell(("rm", "-rf", _DIRECTORY, _WHEELS))
        self._tools.pop(tool.name, None)
        if not self._tools:
            self._stack.close()
            self._registry = None

    def name(self, tool: Tool, tag: str) -> str:
        """What the tool calls its image."""
        return f"{self.registry.host}/{tool.name}/app:{tag}"

    def push(self, tool: Tool, tag: str) -> float:
        """Seconds of a push."""
        return tool.time("push", *options(tool), self.name(tool, tag)).seconds

    def pull(self, tool: Tool, tag: str) -> float:
        """Seconds of a pull."""
        return tool.time("pull", *options(tool), self.name(tool, tag)).seconds

    def forget(self, tool: Tool, *tags: str) -> None:
        """The tool's images, and what its build cache keeps of them."""
        for tag in tags:
            tool.call("rmi", "-f", self.name(tool, tag), check=False)
        if tool.name != "podman":
            tool.call("builder", "prune", "-af")

    def _build(self, tool: Tool, tag: str, requirements: tuple[str, ...]) -> None:
        files = {
            "Dockerfile": _DOCKERFILE,
            "requirements.txt": "\n".join((*requirements, "")),
            "app.py": "import torch\nprint(torch.ones(2))\n",
        }
        tool.place(_DIRECTORY, files)
        context = ("--build-context", f"wheels={_WHEELS}")
        name = ("-t", self.name(tool, tag))
        tool.call("build", "-q", *build_options(tool), *context, *name, _DIRECTORY)


class _Pushing(_Shipping):
    def moved(self, traffic: Traffic) -> float:
        return traffic.received


class _Pulling(_Shipping):
    def moved(self, traffic: Traffic) -> float:
        return traffic.sent


class PushWhole(_Pushing):
    """To a registry that has nothing."""

    title = "push of a PyTorch image"
    images = (_BEFORE,)

    def arrange(self, tool: Tool) -> None:
        del tool
        self.registry.empty()

    def act(self, tool: Tool) -> float:
        return self.push(tool, _BEFORE)


class PullWhole(_Pulling):
    """By a tool that has only the base image."""

    title = "pull of a PyTorch image"
    images = (_BEFORE,)

    def prepare(self, tool: Tool) -> None:
        super().prepare(tool)
        self.push(self._tools[tool.name], _BEFORE)

    def arrange(self, tool: Tool) -> None:
        self.forget(tool, _BEFORE)

    def act(self, tool: Tool) -> float:
        return self.pull(tool, _BEFORE)


class PushChange(_Pushing):
    """To a registry that has the image of before one line of requirements changed."""

    title = "push after one changed requirement"

    def arrange(self, tool: Tool) -> None:
        self.registry.empty()
        self.push(tool, _BEFORE)

    def act(self, tool: Tool) -> float:
        return self.push(tool, _AFTER)


class PullChange(_Pulling):
    """By a tool that has the image of before one line of requirements changed."""

    title = "pull after one changed requirement"

    def prepare(self, tool: Tool) -> None:
        super().prepare(tool)
        for tag in (_BEFORE, _AFTER):
            self.push(self._tools[tool.name], tag)
        self.forget(tool, _BEFORE)
        self.pull(self._tools[tool.name], _BEFORE)

    def arrange(self, tool: Tool) -> None:
        self.forget(tool, _AFTER)

    def act(self, tool: Tool) -> float:
        return self.pull(tool, _AFTER)


def _place_wheels(tool: Tool) -> None:
    """Copies the wheels to where the tool sees them, unless they are there."""
    source = wheels.fetch()
    script = 'test -e "$1/.complete" || { mkdir -p "$1" && exec tar -xf - -C "$1"; }'
    archive = subprocess.run(
        ("tar", "-cf", "-", "-C", source, "."), capture_output=True, check=True
    ).stdout
    tool.shell(("sh", "-c", script, "place", _WHEELS), data=archive)
