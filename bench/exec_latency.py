"""How long is ``exec CONTAINER true``?"""

from __future__ import annotations

from bench.question import IMAGE, Question
from bench.tools import Tool

_NAME = "bench-exec"


class ExecLatency(Question):
    """A program in a container that runs already."""

    title = "`exec CONTAINER true`"

    def prepare(self, tool: Tool) -> None:
        self.clean(tool)
        tool.call("run", "-d", "--name", _NAME, IMAGE, "sleep", "3600")

    def measure(self, tool: Tool) -> float:
        return tool.time("exec", _NAME, "true").seconds

    def clean(self, tool: Tool) -> None:
        tool.call("rm", "-f", _NAME, check=False)
