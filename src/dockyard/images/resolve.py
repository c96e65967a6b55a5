"""What a name that a user types can mean: decided visibly, in one order. Pure.

A short name (``python:3.11``) means the local image of exactly that name, then the bootstrapped
image that stands for it, then what the registry has, which is pulled.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from dockyard.errors import InvalidInput, NotFound
from dockyard.images import bases
from dockyard.images.model import Image
from dockyard.oci import digest as digests
from dockyard.oci.reference import LOCAL_REGISTRY, Reference


class Candidate(msgspec.Struct, frozen=True):
    """A stored name that the text may mean; ``note`` is for the user where it is another name.

    ``version`` is what the image says its version is, where only that one is meant.
    """

    reference: Reference
    note: str | None = None
    version: str = ""

    def admits(self, image: Image) -> bool:
        """Whether the image that has this name is meant."""
        if not self.version:
            return True
        from dockyard.images.stock import tags

        return tags.within(image.version, self.version)


def candidates(text: str) -> Iterator[Candidate]:
    """The names that ``text`` may mean, best first.

    Raises:
        InvalidInput: ``text`` is not a valid reference.
    """
    reference = Reference.parse(text)
    yield Candidate(reference)
    from dockyard.images.stock import catalog  # most names are there

    for fit in catalog.fits(reference):
        stored = fit.base.reference
        unlike = f" from Debian, not {' '.join(fit.variants)}" if fit.variants else ""
        yield Candidate(stored, f"{text} resolves to {stored} (bootstrapped{unlike})", fit.version)


def not_found(text: str) -> NotFound:
    """The error for a name that nothing has; its hint says what would get it."""
    from dockyard.images.stock import catalog

    reference = Reference.parse(text)
    made = _made_by(reference)
    if made is None:
        made = "dockyard images lists what is there; dockyard pull gets more from a registry, "
        made += catalog.others(reference)
    return NotFound(f"No such image: {reference.familiar}", hint=made, reference="no-such-image")


def remedy(reference: Reference, advice: str | None) -> str | None:
    """The hint for a name that is not here, and that its registry doesn't give.

    Args:
        advice: what to do about the registry.
    """
    from dockyard.images.stock import catalog

    made = _made_by(reference)
    if made is not None:
        return f"{made} makes it from packages"
    if not catalog.knows(reference):
        return advice
    return "; ".join(filter(None, (advice, catalog.others(reference))))


def _made_by(reference: Reference) -> str | None:
    """The command that makes the image, if one does."""
    from dockyard.images.stock import catalog

    fits = catalog.fits(reference)
    base = fits[0].base if fits else _stored_base(reference)
    if base is None:
        return None
    exactly = fits and fits[0].version
    return f"dockyard bootstrap {reference.familiar if exactly else base.name}"


def pullable(text: str) -> Reference | None:
    """A name that a registry may have; ``None`` for an id, or a name that only this host gives."""
    if text.startswith(digests.PREFIX):
        return None
    try:
        reference = Reference.parse(text)
    except InvalidInput:
        return None
    return None if reference.registry == LOCAL_REGISTRY else reference


def _stored_base(reference: Reference) -> bases.Base | None:
    """What is made under this name of the local registry."""
    from dockyard.images.stock import catalog

    return next((base for base in catalog.everything() if base.reference == reference), None)
