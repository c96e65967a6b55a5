"""Kinds of forms, and what reads a value as one of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec


class Unfit(Exception):
    """A value can't be read as what it should be."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """What all have in common."""


class Scalar(Form, frozen=True, kw_only=True):
    """One value, or several that are read at once.

    ``empty`` is what isn't printed unless a field says so.
    """

    read: Callable[[Any], Any]
    empty: Any


class Rows(Form, frozen=True, kw_only=True):
    """A list."""

    of: Form


class Table(Form, frozen=True, kw_only=True):
    """A mapping from names that a file chooses; ``null`` stays where it is ``nullable``."""

    of: Form
    nullable: bool = False


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """A property of a record.

    - ``printed``: its name in JSON, and in a normalised tree;
    - ``kept``: printed where it was given, empty or not;
    - ``always``: printed even where it wasn't given, by JSON at least.
    """

    name: str
    form: Form
    printed: str
    kept: bool = False
    always: bool = False


class Record(Form, frozen=True, kw_only=True):
    """A mapping with properties of the specification, in the order in which they are printed."""

    fields: tuple[Field, ...]


def record(*fields: Field) -> Record:
    """A record of these fields, in this order."""
    return Record(fields=fields)


def field(name: str, form: Form) -> Field:
    """A property that is left out where it is empty."""
    return Field(name=name, form=form, printed=name)


def kept(name: str, form: Form) -> Field:
    """A property that is printed where it was given, even if empty."""
    return Field(name=name, form=form, printed=name, kept=True)


def always(name: str, form: Form, printed: str = "") -> Field:
    """A property that is there in any case."""
    return Field(name=name, form=form, printed=printed or name, kept=True, always=True)
