"""Kinds of elements of a Compose file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import msgspec


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """What all have in common."""


class Text(Kind, frozen=True, kw_only=True):
    """A text; where ``choices`` are given one of them, else one in which ``pattern`` is found."""

    choices: tuple[str, ...] = ()
    pattern: re.Pattern[str] | None = None
    form: str = ""
    """What a text that doesn't fit should have been, for messages."""


class Number(Kind, frozen=True, kw_only=True):
    """A number, ``whole`` or not."""

    whole: bool = False
    least: int | None = None
    most: int | None = None


class Truth(Kind, frozen=True, kw_only=True):
    """``true`` or ``false``."""


class Nothing(Kind, frozen=True, kw_only=True):
    """``null``."""


class Anything(Kind, frozen=True, kw_only=True):
    """Whatever YAML can say."""


class Listed(Kind, frozen=True, kw_only=True):
    """A list."""

    of: Kind
    unique: bool = False


class Mapped(Kind, frozen=True, kw_only=True):
    """A mapping from names, which the file chooses, to values of one kind.

    A name that doesn't fit is refused, or is ``free``: its value may be anything.
    """

    of: Kind
    names: re.Pattern[str]
    free: bool = False


class Held(Kind, frozen=True, kw_only=True):
    """A mapping with properties that the specification names, and such as begin with ``x-``."""

    what: str
    """What it is called in messages: ``a service``."""
    properties: Mapping[str, Kind]
    required: tuple[str, ...] = ()
    extensible: bool = True
    open: bool = False
    """True where other properties are taken too."""


class Either(Kind, frozen=True, kw_only=True):
    """One of several kinds of which at most one fits."""

    kinds: tuple[Kind, ...]


NAME: Final = re.compile(r"[a-zA-Z0-9._-]+")
SOME: Final = re.compile(r"[\s\S]*[^\n][\s\S]*")
LINE: Final = re.compile(r".+")

TEXT: Final = Text()
NUMBER: Final = Number()
WHOLE: Final = Number(whole=True)
TRUTH: Final = Truth()
NOTHING: Final = Nothing()
ANYTHING: Final = Anything()


def either(*kinds: Kind) -> Either:
    """One of several kinds."""
    return Either(kinds=kinds)


def listed(of: Kind) -> Listed:
    """A list."""
    return Listed(of=of)


def mapped(of: Kind, names: re.Pattern[str] = NAME, *, free: bool = False) -> Mapped:
    """A mapping from names."""
    return Mapped(of=of, names=names, free=free)


def choice(*words: str) -> Text:
    """One of several words."""
    return Text(choices=words)
