"""A program that is to run, and what there is of it."""

from __future__ import annotations

import msgspec

from dockyard.system.host import ProcessIdentity


class Program(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept running."""

    name: str
    argv: tuple[str, ...]
    """Its absolute path first."""
    env: dict[str, str] = {}
    """All of its environment."""
    capabilities: tuple[int, ...] | None = None
    """Numbers of those that it keeps (capabilities(7)), and no new privileges then; ``None`` for
    all that the command has."""
    stop_seconds: float = 10.0
    """How long it may take to end when it is asked to."""
    version: str = ""
    """Another one is to take its place."""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A program that was started, as it is written down beside it."""

    program: Program
    process: ProcessIdentity | None = None
    monitor: ProcessIdentity | None = None
    started: float = 0.0
    """Seconds since 1970."""
    restarts: int = 0
    """Since a command started it."""
    failures: int = 0
    """Ends in a row, each soon after the start: what the next one waits for."""

    @property
    def alive(self) -> bool:
        """True while the program runs, whatever became of its monitor."""
        return self.process is not None and self.process.alive()
