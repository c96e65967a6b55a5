"""How long is ``commit`` of a container that wrote 1 GiB?"""

from __future__ import annotations

from bench.question import IMAGE, Question
from bench.tools import Tool

_NAME = "bench-commit"
_TAG = "localhost/bench-commit:latest"


class LargeCommit(Question):
    """Random bytes in one file of a running container."""

    title = "`commit` of a container that wrote 1 GiB"
    repeat = 5

    def prepare(self, tool: Tool) -> None:
        self.clean(tool)
        tool.call("run", "-d", "--name", _NAME, IMAGE, "sleep", "3600")
        tool.call("exec", _NAME, "dd", "if=/dev/urandom", "of=/weights", "bs=1M", "count=1024",
                  "status=none")  # fmt: skip

    def measure(self, tool: Tool) -> float:
        tool.shell(("sync",))
        timing = tool.time("commit", _NAME, _TAG)
        tool.call("rmi", "-f", _TAG)
        return timing.seconds

    def clean(self, tool: Tool) -> None:
        tool.call("rm", "-f", _NAME, check=False)
        tool.call("rmi", "-f", _TAG, check=False)
