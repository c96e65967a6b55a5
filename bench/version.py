"""How long does the program take to start and say who it is?"""

from __future__ import annotations

from bench.question import Question
from bench.tools import Tool


class Version(Question):
    """What every command costs before it does anything."""

    title = "`version`"
    repeat = 25

    def measure(self, tool: Tool) -> float:
        return tool.time("version").seconds
