"""From a name and a password to who that is: users by scrypt, robots by their token's SHA-256.

A user that isn't there costs the same time as one that is. What was right is remembered for a
short while, under a key that dies with the process, so that not every request pays for scrypt; it
is forgotten at once when the user gets another password or is disabled.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from dockyard.registry.access import refusal
from dockyard.registry.access.header import Login
from dockyard.registry.access.model import ROBOT, Principal
from dockyard.registry.access.passwords import Passwords
from dockyard.registry.access.records import Snapshot
from dockyard.registry.access.throttle import Throttle

_REMEMBERED_SECONDS: Final = 120.0
_MOST_REMEMBERED: Final = 4096
_LOCKS: Final = 64
_TOKEN_BYTES: Final = 32
_TOKEN_MARK: Final = "dyr_"  # noqa: S105  # what a robot's token begins with, for those who scan for leaks


class Logins:
    """Who proved to be whom. Safe between threads."""

    def __init__(
        self, passwords: Passwords, throttle: Throttle,
        *, clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self._passwords = passwords
        self._throttle = throttle
        self._clock = clock
        self._secret = secrets.token_bytes(32)
        self._guard = threading.Lock()
        self._remembered: OrderedDict[bytes, tuple[int, float]] = OrderedDict()
        self._locks = tuple(threading.Lock() for _ in range(_LOCKS))

    def remembered(self, snapshot: Snapshot, login: Login) -> Principal | None:
        """Who it is where that was found out a moment ago; never takes long."""
        found = self._remembered.get(self._mark(login))
        principal = snapshot.principal(login.name, self._clock())
        if found is None or principal is None:
            return None
        generation, until = found
        good = generation == principal.generation and until > time.monotonic()
        return principal if good else None

    def check(self, snapshot: Snapshot, login: Login, address: str) -> Principal:
        """Works out who it is: one guess at a time of a name from an address.

        Raises:
            Refusal: it is nobody, there were too many wrong guesses, or there are too many at once.
        """
        with self._locks[hash((login.name, address)) % _LOCKS]:
            known = self.remembered(snapshot, login)
            if known is not None:
                return known
            wait = self._throttle.wait(login.name, address)
            if wait > 0:
                raise refusal.too_fast(wait)
            if not self._matches(snapshot, login):
                self._throttle.failed(login.name, address)
                raise refusal.unknown()
            principal = snapshot.principal(login.name, self._clock())
            ended = snapshot.ended(login.name, self._clock())
            if ended is not None:  # the token was right: nobody guesses
                raise refusal.expired(login.name, ended)
            if principal is None:
                self._throttle.failed(login.name, address)
                raise refusal.unknown()
            self._throttle.succeeded(login.name, address)
            self._remember(login, principal)
            return principal

    def _matches(self, snapshot: Snapshot, login: Login) -> bool:
        if login.name.startswith(ROBOT):
            robot = snapshot.robots.get(login.name.removeprefix(ROBOT))
            kept = robot.secret if robot is not None else bytes(_TOKEN_BYTES)
            return hmac.compare_digest(digest(login.password), kept)
        user = snapshot.users.get(login.name)
        return self._passwords.match(login.password, user.password if user is not None else None)

    def _remember(self, login: Login, principal: Principal) -> None:
        until = time.monotonic() + _REMEMBERED_SECONDS
        with self._guard:
            self._remembered[self._mark(login)] = (principal.generation, until)
            while len(self._remembered) > _MOST_REMEMBERED:
                self._remembered.popitem(last=False)

    def _mark(self, login: Login) -> bytes:
        text = f"{login.name}\0{login.password}".encode()
        return hmac.digest(self._secret, text, "sha256")


def new_secret() -> str:
    """A token that nobody guesses: 256 bits."""
    return _TOKEN_MARK + secrets.token_urlsafe(_TOKEN_BYTES)


def digest(secret: str) -> bytes:
    """How such a token is kept."""
    return hashlib.sha256(secret.encode()).digest()
