"""How long until 100 containers run, started 8 at a time?"""

from __future__ import annotations

from bench.question import IMAGE, Question
from bench.tools import Tool

_START = (
    'seq 100 | xargs -P 8 -I N "$1" run -d --name bench-N "$2" sleep 600 >/dev/null'
    ' && test "$("$1" ps -q | wc -l)" -ge 100'
)
_REMOVE = 'seq 100 | xargs -I N echo bench-N | xargs -P 8 -n 13 "$1" rm -f >/dev/null'


class ManyContainers(Question):
    """With a bridge network, all running at the end."""

    title = "100 containers up, 8 at a time"
    repeat = 3

    def measure(self, tool: Tool) -> float:
        command = ("sh", "-c", _START, "start", tool.program, IMAGE)
        try:
            return tool.time_command(command).seconds
        finally:
            self.clean(tool)

    def clean(self, tool: Tool) -> None:
        tool.shell(("sh", "-c", _REMOVE, "remove", tool.program), check=False)
