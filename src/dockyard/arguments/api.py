"""Checks what a Python program gives, whatever its annotations say.

A list where a mapping belongs, or a string where a list does, is what one writes who knows
another library; it gets a sentence, not an ``AttributeError`` from the depths.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from dockyard.arguments.errors import invalid


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
        raise invalid(f"the command is {_kind(command)}, and has to be a list of words")
    for word in command:
        if not isinstance(word, str):
            raise invalid(
                f"the command has {word!r}, which is {_kind(word)}, not a string",
                "give str(...) of it",
            )
    return tuple(command)


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
