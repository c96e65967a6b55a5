"""Where ``cp`` puts things: Docker's rules for files, directories and slashes. Pure."""

from __future__ import annotations

import posixpath

import msgspec

from dockyard.errors import InvalidInput


class Source(msgspec.Struct, frozen=True):
    """What is copied: its last name, and what it is."""

    name: str
    is_directory: bool
    contents_only: bool = False
    """The path ends with ``/.``: what is in the directory, not itself."""


class Destination(msgspec.Struct, frozen=True):
    """What there is at the place to copy to."""

    path: str
    exists: bool
    is_directory: bool = False
    must_be_directory: bool = False
    """The path ends with a slash or with ``/.``."""


class Target(msgspec.Struct, frozen=True):
    """The directory to write in (it exists), and the name in it.

    An empty name stands for the directory itself: what the source holds goes into it.
    """

    directory: str
    name: str


def asserts_directory(path: str) -> bool:
    """True where the way a path is written says that it is a directory."""
    return path.endswith("/") or posixpath.basename(path) == "."


def source_name(path: str) -> str:
    """The name under which a source is known at its new place; empty for a root."""
    name = posixpath.basename(posixpath.normpath(path))
    return "" if name in {"", ".", ".."} else name


def contents_only(path: str) -> bool:
    """True where only what is in a directory is meant."""
    return posixpath.basename(path) == "." or source_name(path) == ""


def plan(source: Source, destination: Destination) -> Target:
    """Where the source goes.

    Raises:
        InvalidInput: a directory can't become a file, or there is no such directory.
    """
    path = posixpath.normpath(destination.path) if destination.path else "."
    if destination.exists and destination.is_directory:
        inner = "" if source.contents_only and source.is_directory else source.name
        return Target(path, inner)
    if destination.exists:
        if source.is_directory:
            raise InvalidInput("cannot copy directory", hint=f"{destination.path} is a file")
        if destination.must_be_directory:
            raise _no_directory(destination)
    elif destination.must_be_directory and not source.is_directory:
        raise _no_directory(destination)
    return Target(posixpath.dirname(path) or ".", posixpath.basename(path))


def _no_directory(destination: Destination) -> InvalidInput:
    return InvalidInput("no such directory", hint=f"{destination.path} has to be one")
