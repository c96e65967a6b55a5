"""Checks what a Python program gives, whatever its annotations say.

A list where a mapping belongs, or a string where a list does, is what one writes who knows
another library; it gets a sentence, not an ``AttributeError`` from the depths.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import msgspec

from dockyard import decoding
from dockyard.arguments.errors import invalid
from dockyard.images.model import Image


class HasDescriptor(Protocol):
    """An open file, a socket, a pipe."""

    def fileno(self) -> int:
        """Its descriptor."""


Source = int | bytes | HasDescriptor
"""What a command reads: a descriptor, or all there is."""
T = TypeVar("T")
C = TypeVar("C", bound=Callable[..., object] | None)


def words(command: Sequence[str]) -> tuple[str, ...]:
    """A command as its words.

    Raises:
        InvalidInput: it is one string, or a word is none.
    """
    if isinstance(command, str | bytes):
        raise invalid(
            f"the command {command!r} is one string, and has to be a list of words",
            'give a list, such as ["echo", "hi"], or shlex.split(text);'
            ' for a shell ["sh", "-c", text]',
        )
    if not isinstance(command, Sequence):
        raise invalid(
            f"the command is {_kind(command)}, and has to be a list of words",
            'such as ["echo", "hi"]',
        )
    for word in command:
        if not isinstance(word, str):
            raise invalid(
                f"the command has {word!r}, which is {_kind(word)}, not a string",
                "give str(...) of it",
            )
    return tuple(command)


def image(given: Image | str) -> Image | str:
    """An image, or what names one.

    Raises:
        InvalidInput: it is neither.
    """
    if not isinstance(given, Image | str):
        raise invalid(
            f"the image is {_kind(given)}, and has to be a name, an id or an Image",
            'such as "debian:bookworm", or what engine.build() returned',
        )
    return given


def pairs(name: str, given: Mapping[Any, Any] | None, form: str) -> Mapping[Any, Any]:
    """An argument that maps one thing to another; empty where it is ``None``.

    Args:
        form: an example for the message.

    Raises:
        InvalidInput: it is no mapping.
    """
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise invalid(f"{name} is {_kind(given)}, and has to be a dict", f"such as {name}={form}")
    return given


def texts(name: str, given: Mapping[str, str] | None, form: str) -> Mapping[str, str]:
    """As :func:`pairs`, of strings to strings; a path object counts for its text."""
    found = {}
    for key, value in pairs(name, given, form).items():
        found[_text(name, key, form)] = _text(name, value, form)
    return found


def variables(env: Mapping[str, str] | None) -> tuple[str, ...]:
    """Variables as ``NAME=VALUE``.

    Raises:
        InvalidInput: no mapping of strings to strings, or a name that can't be one.
    """
    given = texts("env", env, '{"NAME": "value"}')
    for name in given:
        if not name or "=" in name:
            raise invalid(f"{name!r} can't be the name of a variable", 'env={"NAME": "value"}')
    return tuple(f"{name}={value}" for name, value in given.items())


def options(name: str, given: T | None, kind: type[T]) -> T | None:
    """A value of ours such as ``Options``, looked at as :func:`checked` does.

    Raises:
        InvalidInput: it is something else, or a field has another type.
    """
    if given is not None and not isinstance(given, kind):
        raise invalid(
            f"{name} is {_kind(given)}, and has to be of dockyard.{kind.__name__}",
            f"such as {name}={kind.__name__}(...)",
        )
    return None if given is None else checked(given)


def checked(options: T) -> T:
    """Options whose fields, and theirs in turn, have the types of their annotations.

    A record with another type could be written, but never be read again.

    Raises:
        InvalidInput: one has not; the message names it.
    """
    try:
        plain = msgspec.to_builtins(options, builtin_types=(bytes, bytearray, memoryview))
        return decoding.from_builtins(plain, type(options))
    except (TypeError, msgspec.ValidationError) as error:
        said, _, place = str(error).partition(" - at `$.")
        subject = place.rstrip("`") or type(options).__name__
        raise invalid(
            f"{subject}: {said[:1].lower()}{said[1:]}",
            "give a value of the expected type; null is None",
        ) from None


def source(name: str, given: object) -> int | bytes | None:
    """What is read: bytes, or the descriptor of a number or of an open file.

    Raises:
        InvalidInput: it is neither.
    """
    return bytes(given) if isinstance(given, bytes | bytearray) else descriptor(name, given)


def descriptor(name: str, given: object) -> int | None:
    """The descriptor that a number is, or that an open file has.

    Raises:
        InvalidInput: it is none, or that of no open file.
    """
    if given is None:
        return None
    try:
        number = given if isinstance(given, int) else given.fileno()  # type: ignore[attr-defined]  # it may have one
        os.fstat(number)
    except (AttributeError, OSError, ValueError, TypeError, OverflowError) as error:
        raise invalid(
            f"{name} is {_kind(given)} that is no open file: {error}",
            "give a descriptor, such as sys.stdin.fileno(), or an open file; exec takes bytes too",
        ) from None
    return int(number)


def callback(name: str, given: C) -> C:
    """A function that gets what is printed, or ``None``.

    Raises:
        InvalidInput: it can't be called.
    """
    if given is not None and not callable(given):
        raise invalid(
            f"{name} is {_kind(given)}, and has to be a function",
            f"such as {name}=lambda stream, data: ..., with 1 or 2 and bytes",
        )
    return given


def _text(name: str, value: object, form: str) -> str:
    found = os.fspath(value) if isinstance(value, os.PathLike) else value
    if not isinstance(found, str):
        raise invalid(
            f"{name} has {value!r}, which is {_kind(value)}, not a string",
            f"such as {name}={form}",
        )
    return found


def _kind(value: object) -> str:
    kind = type(value).__name__
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
