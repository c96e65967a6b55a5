"""What a name that a user types can mean: decided visibly, in one order. Pure.

A short name (``python:3.11``) means the local image of exactly that name, then the bootstrapped
base of that name. Other places to look come after these.
"""

from __future__ import annotations

import msgspec

from dockyard.errors import NotFound
from dockyard.images import bases
from dockyard.oci.reference import DEFAULT_REGISTRY, Reference


class Candidate(msgspec.Struct, frozen=True):
    """A stored name that the text may mean; ``note`` is for the user where it is another name."""

    reference: Reference
    note: str | None = None


def candidates(text: str) -> tuple[Candidate, ...]:
    """The names that ``text`` may mean, best first.

    Raises:
        InvalidInput: ``text`` is not a valid reference.
    """
    reference = Reference.parse(text)
    exact = Candidate(reference)
    base = _base(reference)
    if base is None:
        return (exact,)
    stored = base.reference
    return exact, Candidate(stored, f"{text} resolves to {stored} (bootstrapped)")


def not_found(text: str) -> NotFound:
    """The error for a name that nothing has; its hint says what would get it."""
    reference = Reference.parse(text)
    base = _base(reference) or _stored_base(reference)
    if base is not None:
        hint = f"dockyard bootstrap {base.name}"
    else:
        hint = (
            "dockyard images lists what is there; load it (dockyard load), build it"
            " (dockyard build -t), or make a base with dockyard bootstrap"
            f" ({bases.names()}); pulling from a registry is not possible in this version yet"
        )
    return NotFound(f"No such image: {reference.familiar}", hint=hint, reference="no-such-image")


def _base(reference: Reference) -> bases.Base | None:
    """The base of a short name, or of the same name in full (``docker.io/library/...``)."""
    elsewhere = reference.registry != DEFAULT_REGISTRY
    return None if elsewhere or reference.digest else bases.find(reference.familiar)


def _stored_base(reference: Reference) -> bases.Base | None:
    return next((base for base in bases.BASES if base.reference == reference), None)
