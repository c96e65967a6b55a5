"""Access rules of a registry for tests: its own directory, a clock that is set, cheap passwords."""

from __future__ import annotations

import base64
import time
from pathlib import Path

from dockyard.registry.access.audit import AuditLog, Event
from dockyard.registry.access.manage import Manager
from dockyard.registry.access.passwords import Cost, Passwords
from dockyard.registry.access.service import Access
from dockyard.registry.access.store import AccessStore
from dockyard.registry.access.throttle import Throttle

CHEAP = Cost(exponent=4, block=1, rounds=1)


class Clock:
    """Seconds since 1970, as of now, that a test moves on."""

    def __init__(self) -> None:
        self.now = float(int(time.time()))

    def __call__(self) -> float:
        return self.now


class Registry:
    """What its owner has (``manager``) and what its server has (``access``), on one directory."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(mode=0o700, exist_ok=True)
        self.clock = Clock()
        self.path = str(directory / "access.db")
        self.log = AuditLog(str(directory), clock=self.clock)
        passwords = Passwords(CHEAP)
        self.manager = Manager(
            AccessStore(self.path), self.log, who="host:test", passwords=passwords, clock=self.clock
        )
        self.access = Access(
            AccessStore(self.path), AuditLog(str(directory), clock=self.clock),
            passwords=passwords, throttle=Throttle(self.clock), clock=self.clock,
        )  # fmt: skip

    def events(self) -> list[Event]:
        """What the audit log has."""
        return list(self.log.read())

    def close(self) -> None:
        self.manager.close()
        self.access.close()


def basic(name: str, password: str) -> str:
    """The header of who logs in."""
    return f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"
