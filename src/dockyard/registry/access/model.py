"""Who asks, what he may, and what is known of him: frozen values, without I/O."""

from __future__ import annotations

import re
from typing import Final, Literal

import msgspec

from dockyard.errors import InvalidInput

Action = Literal["pull", "push", "delete"]
Kind = Literal["anonymous", "user", "robot"]

ACTIONS: Final[tuple[Action, ...]] = ("pull", "push", "delete")
EVERYBODY: Final = "anonymous"
"""The subject of rules for everybody, logged in or not."""
KNOWN: Final = "*"
"""The subject of rules for every user who is logged in."""
ROBOT: Final = "robot$"
"""What the names of robots begin with where they log in."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,127}")


class Grant(msgspec.Struct, frozen=True):
    """Actions on the repositories that a pattern matches."""

    pattern: str
    actions: tuple[Action, ...]

    def __str__(self) -> str:
        """``team-a/**:pull,push``."""
        return f"{self.pattern}:{','.join(self.actions)}"


class Rule(msgspec.Struct, frozen=True):
    """What somebody may: ``subject`` is ``user:NAME``, ``group:NAME``, ``*`` or ``anonymous``."""

    subject: str
    pattern: str
    actions: tuple[Action, ...]


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, as far as he proved it."""

    name: str = ""
    groups: tuple[str, ...] = ()
    kind: Kind = "anonymous"
    admin: bool = False
    grants: tuple[Grant, ...] = ()
    """What a robot may."""
    scope: tuple[Grant, ...] | None = None
    """Besides all else, the token that he shows allows this only; ``None`` where it is none."""
    catalog: bool = True
    """The token that he shows allows to list repositories."""
    generation: int = 0
    """What is issued to him is void once he has another one."""

    @property
    def identity(self) -> str:
        """Tells him from all others: ``user:anna``, ``robot:robot$ci``, ``anonymous:``."""
        return f"{self.kind}:{self.name}"


ANYBODY: Final = Principal()
"""Who shows nothing."""


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A person with a password."""

    name: str
    password: str
    """As :mod:`dockyard.registry.access.passwords` writes it down."""
    groups: tuple[str, ...]
    admin: bool
    disabled: bool
    generation: int
    """What was issued for an earlier one is void."""
    created: int


class Robot(msgspec.Struct, frozen=True, kw_only=True):
    """A program with a token. Times are seconds since 1970."""

    name: str
    """Without ``robot$``."""
    secret: bytes
    """SHA-256 of the token."""
    grants: tuple[Grant, ...]
    generation: int
    created: int
    expires: int | None
    last_used: int | None

    @property
    def login(self) -> str:
        """The name that it logs in by."""
        return f"{ROBOT}{self.name}"

    def expired(self, now: float) -> bool:
        return self.expires is not None and self.expires <= now


def check_name(text: str, what: str) -> str:
    """The name of a user, a group or a robot.

    Raises:
        InvalidInput: it can't be one.
    """
    if not _NAME.fullmatch(text):
        raise InvalidInput(
            f"invalid {what} name: {text!r}",
            hint="it begins with a letter or digit, then come letters, digits and . _ @ - (at most"
            " 128 in all)",
        )
    return text


def parse_actions(text: str) -> tuple[Action, ...]:
    """``pull,push`` or ``*`` as actions in their usual order.

    Raises:
        InvalidInput: one isn't known, or there is none.
    """
    words = set(ACTIONS) if text == "*" else set(text.split(","))
    if not words or words - set(ACTIONS):
        raise InvalidInput(
            f"invalid actions: {text!r}", hint="some of pull,push,delete with commas between, or *"
        )
    return tuple(one for one in ACTIONS if one in words)


def parse_subject(text: str) -> str:
    """Whom a rule is for.

    Raises:
        InvalidInput: it is nobody.
    """
    kind, colon, name = text.partition(":")
    if text in {EVERYBODY, KNOWN}:
        return text
    if colon and kind in {"user", "group"}:
        check_name(name, kind)
        return text
    raise InvalidInput(
        f"invalid subject: {text!r}",
        hint="user:NAME, group:NAME, * for every user who is logged in, or anonymous for everybody",
    )
