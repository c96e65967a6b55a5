"""How long is ``run --rm IMAGE true`` with a network of its own?"""

from __future__ import annotations

from bench.question import IMAGE, Question
from bench.tools import Tool


class RunBridge(Question):
    """A bridge network, an address, NAT, and all of it taken away again."""

    title = "`run --rm IMAGE true`, bridge"

    def measure(self, tool: Tool) -> float:
        return tool.time("run", "--rm", "--network", "bridge", IMAGE, "true").seconds
