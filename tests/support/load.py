"""A load beside a test, in a process of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import msgspec
from bench.load.model import Plan, Record
from tests.support.bases import CHECKOUT

_END_SECONDS = 60
"""Beyond a plan's own time and its timeout."""


class Load:
    """One that is under way, from its making to :meth:`stop` or :meth:`wait`."""

    def __init__(self, plan: Plan, directory: Path) -> None:
        number = len(list(directory.glob("plan-*")))
        self._records = directory / f"records-{number}"
        self._seconds = sum(step.seconds for step in plan.steps) + plan.timeout + _END_SECONDS
        plan_file = directory / f"plan-{number}"
        plan_file.write_bytes(msgspec.json.encode(plan))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.load", "--plan", str(plan_file), "--output",
             str(self._records)],
            cwd=CHECKOUT, stdout=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip

    def stop(self) -> list[Record]:
        """Sends nothing more; what came of all that was sent."""
        self._process.send_signal(signal.SIGINT)
        return self.wait()

    def wait(self) -> list[Record]:
        """What came of all requests."""
        try:
            code = self._process.wait(self._seconds)
        finally:
            self.end()
        assert code in {0, 1}, code
        lines = self._records.read_bytes().splitlines()
        return [msgspec.json.decode(line, type=Record) for line in lines]

    def end(self) -> None:
        """Kills it, where it still runs."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
