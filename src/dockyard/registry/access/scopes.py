"""What a client wants a token for: ``repository:team-a/app:pull,push`` (Docker's words). Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from dockyard.oci.reference import is_path

_MOST: Final = 64
"""As many repositories as one token is for; all have to fit into a header."""
_LONGEST: Final = 512


class Scope(msgspec.Struct, frozen=True):
    """One thing, and what is to be done with it."""

    kind: str
    name: str
    actions: frozenset[str]

    def wants(self, action: str) -> bool:
        return action in self.actions or "*" in self.actions


def parse(texts: Iterable[str]) -> tuple[Scope, ...]:
    """What is asked for, each thing once; what makes no sense here is left out, as for no right.

    Args:
        texts: each may have several, with spaces between.
    """
    found: dict[tuple[str, str], frozenset[str]] = {}
    for word in (word for text in texts for word in text.split()):
        kind, _, rest = word.partition(":")
        name, colon, actions = rest.rpartition(":")
        if not colon or len(word) > _LONGEST or not _is_known(kind, name):
            continue
        key = (kind, name)
        if key in found or len(found) < _MOST:
            found[key] = found.get(key, frozenset()) | frozenset(filter(None, actions.split(",")))
    return tuple(Scope(kind, name, actions) for (kind, name), actions in found.items())


def wants_catalog(scopes: Iterable[Scope]) -> bool:
    """True where repositories are to be listed."""
    return any(one.kind == "registry" and one.wants("*") for one in scopes)


def _is_known(kind: str, name: str) -> bool:
    if kind == "registry":
        return name == "catalog"
    return kind == "repository" and is_path(name)
