"""How long is ``run --rm IMAGE true`` without a network?"""

from __future__ import annotations

from bench.question import IMAGE, Question
from bench.tools import Tool


class RunIsolated(Question):
    """What is left when the network costs nothing."""

    title = "`run --rm --network none IMAGE true`"

    def measure(self, tool: Tool) -> float:
        return tool.time("run", "--rm", "--network", "none", IMAGE, "true").seconds
