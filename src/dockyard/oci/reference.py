"""Image references: ``[host[:port]/]path[:tag][@digest]`` as Docker and the OCI write them."""

from __future__ import annotations

import functools
import re
from typing import Self

import msgspec

from dockyard.errors import InvalidInput
from dockyard.oci import digest as digests

DEFAULT_REGISTRY = "docker.io"
DEFAULT_TAG = "latest"
_DEFAULT_ALIASES = frozenset({"docker.io", "index.docker.io"})
LOCAL_REGISTRY = "localhost"
"""Where ``bootstrap`` puts its images: names that no registry serves."""

_MAX_PATH = 255


@functools.cache
def _path_pattern() -> re.Pattern[str]:
    component = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
    return re.compile(rf"{component}(?:/{component})*")


@functools.cache
def _registry_pattern() -> re.Pattern[str]:
    label = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
    return re.compile(rf"{label}(?:\.{label})*(?::[0-9]+)?")


@functools.cache
def _tag_pattern() -> re.Pattern[str]:
    return re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


def require_text(given: str, what: str) -> str:
    """What a Python program gave, which may be of another type whatever is written beside it.

    Args:
        what: it has to be, such as ``a name``.

    Raises:
        InvalidInput: it is no text.
    """
    if not isinstance(given, str):
        raise InvalidInput(
            f"{what} has to be a str, and {type(given).__name__} was given", hint="give its text"
        )
    return given


def is_path(text: str) -> bool:
    """Whether it can be a repository, as clients and registries know it.

    Most need no pattern, which takes 1 ms to compile.
    """
    if not 0 < len(text) <= _MAX_PATH:
        return False
    words = text.replace("/", "x") if "//" not in f"/{text}/" else ""
    plain = words.isascii() and words.isalnum() and words == words.lower()
    return plain or _path_pattern().fullmatch(text) is not None


def is_tag(text: str) -> bool:
    """Whether it can be a tag."""
    return _tag_pattern().fullmatch(text) is not None


def _is_host(text: str) -> bool:
    known = text in {DEFAULT_REGISTRY, LOCAL_REGISTRY}
    return known or _registry_pattern().fullmatch(text) is not None


class Reference(msgspec.Struct, frozen=True):
    """A parsed reference. ``registry`` is a host with an optional port."""

    registry: str
    path: str
    tag: str | None = None
    digest: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parses a name as a user types it; a missing tag becomes ``latest``.

        Raises:
            InvalidInput: it is not a valid reference.
        """
        name, _, digest = require_text(text, "a name").partition("@")
        if digest and not digests.is_digest(digest):
            raise _invalid(text, "the part after @ is not a sha256 digest")
        head, slash, last = name.rpartition("/")
        last, colon, tag = last.partition(":")
        if (colon and not tag) or (tag and not is_tag(tag)):
            raise _invalid(text, "a tag has letters, digits, '_', '.', '-' and at most 128 of them")
        registry, path = _split_registry(f"{head}{slash}{last}")
        if not _is_host(registry):
            raise _invalid(text, "what is before the first / is not a host with an optional port")
        if not is_path(path):
            hint = "a repository name is lower-case letters and digits with . _ - between them"
            raise _invalid(text, hint)
        if not tag and not digest:
            tag = DEFAULT_TAG
        return cls(registry, path, tag or None, digest or None)

    def __str__(self) -> str:
        """The full form, with registry."""
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.registry}/{self.path}{tag}{digest}"

    @property
    def repository(self) -> str:
        """The full name without tag and digest."""
        return f"{self.registry}/{self.path}"

    @property
    def familiar_repository(self) -> str:
        """The repository as Docker prints it: without what is implied."""
        first, _, rest = self.path.partition("/")
        if self.registry != DEFAULT_REGISTRY or (rest and _is_registry(first)):
            return self.repository
        return rest if first == "library" and "/" not in rest else self.path

    @property
    def familiar(self) -> str:
        """The whole reference as Docker prints it."""
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.familiar_repository}{tag}{digest}"

    @property
    def in_local_registry(self) -> Self:
        """The same name under ``localhost/``, where bootstrapped images live."""
        path = self.path.removeprefix("library/")
        return type(self)(LOCAL_REGISTRY, path, self.tag, self.digest)


def _split_registry(name: str) -> tuple[str, str]:
    first, slash, rest = name.partition("/")
    if not slash or not _is_registry(first):
        first, rest = DEFAULT_REGISTRY, name
    if first in _DEFAULT_ALIASES:
        first = DEFAULT_REGISTRY
    if first == DEFAULT_REGISTRY and "/" not in rest:
        rest = f"library/{rest}"
    return first, rest


def _is_registry(first: str) -> bool:
    """True where the first part of a name is a host; else it belongs to the path."""
    return "." in first or ":" in first or first == LOCAL_REGISTRY or first != first.lower()


def _invalid(text: str, hint: str) -> InvalidInput:
    return InvalidInput(f"invalid reference format: {text!r}", hint=hint, reference="bad-reference")
