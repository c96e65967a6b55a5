"""How long is ``cp`` of a 1 GiB file into a container?"""

from __future__ import annotations

from bench.question import IMAGE, Question
from bench.tools import Tool

_NAME = "bench-copy"
_FILE = "/var/tmp/dockyard-bench-file"


class LargeCopy(Question):
    """Random bytes, in the page cache; what was copied is removed before the next repetition."""

    title = "`cp` of a 1 GiB file into a container"
    repeat = 5

    def prepare(self, tool: Tool) -> None:
        self.clean(tool)
        make = ("dd", "if=/dev/urandom", f"of={_FILE}", "bs=1M", "count=1024", "status=none")
        tool.shell(make)
        tool.call("run", "-d", "--name", _NAME, IMAGE, "sleep", "3600")

    def measure(self, tool: Tool) -> float:
        tool.shell(("sync",))
        timing = tool.time("cp", _FILE, f"{_NAME}:/weights")
        tool.call("exec", _NAME, "rm", "/weights")
        return timing.seconds

    def clean(self, tool: Tool) -> None:
        tool.call("rm", "-f", _NAME, check=False)
        tool.shell(("rm", "-f", _FILE))
