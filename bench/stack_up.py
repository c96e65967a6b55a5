"""How long until a Compose file with 50 services runs, and until it is gone again?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.question import IMAGE, Figures, Question
from bench.tools import BenchmarkError, Tool

_SERVICES = 50
_WIDE = 5
"""So many services don't need each other; each needs one of the row before."""
_PLACE = "/var/tmp/dockyard-bench-stack"


def compose_file() -> str:
    """Ten rows of five services, each of which needs the one above it."""
    lines = ["name: bench-stack", "services:"]
    for number in range(_SERVICES):
        lines += [
            f"  s{number}:",
            f"    image: {IMAGE}",
            "    command: sleep 600",
            "    stop_signal: SIGKILL",
        ]
        if number >= _WIDE:
            lines.append(f"    depends_on: [s{number - _WIDE}]")
    return "\n".join(lines) + "\n"


class StackUp(Question):
    """``compose up -d`` of a network and 50 containers; ``compose down`` beside it."""

    title = f"compose up of {_SERVICES} services"
    repeat = 3

    def __init__(self) -> None:
        self._down: dict[str, list[float]] = {}

    def prepare(self, tool: Tool) -> None:
        if tool.name not in {"docker", "dockyard"}:
            raise BenchmarkError("it has no compose of its own")
        tool.place(_PLACE, {"compose.yaml": compose_file()})

    def measure(self, tool: Tool) -> float:
        try:
            return self._compose(tool, "up", "-d")
        finally:
            self._down.setdefault(tool.name, []).append(self._compose(tool, "down"))

    def more(self) -> Sequence[Figures]:
        samples: Mapping[str, Sequence[float]] = self._down
        return (Figures(f"compose down of {_SERVICES} services", "seconds", samples),)

    def clean(self, tool: Tool) -> None:
        if tool.name in self._down:
            self._compose(tool, "down")
            tool.shell(("rm", "-rf", _PLACE))

    def _compose(self, tool: Tool, *arguments: str) -> float:
        return tool.time("compose", "-f", f"{_PLACE}/compose.yaml", *arguments).seconds
