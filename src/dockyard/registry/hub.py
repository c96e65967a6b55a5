"""Names without a registry, which are Docker Hub's: few who push one mean that."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Final

from dockyard.oci.reference import DEFAULT_REGISTRY, Reference
from dockyard.registry.client import Client
from dockyard.registry.problems import Denied, Unauthorized

_OFFICIAL: Final = "library/"
"""Whose images only Docker's own people push."""


@contextlib.contextmanager
def explained(client: Client, reference: Reference, tag: str) -> Iterator[None]:
    """What pushes something under a name.

    Args:
        tag: the command that gives it another one.

    Raises:
        Denied: the name leads to Docker Hub's own images, and the user isn't known there.
    """
    if reference.registry != DEFAULT_REGISTRY or not reference.path.startswith(_OFFICIAL):
        yield
        return
    name = reference.familiar
    hint = f"give it a name with a registry, and push that: {tag} {name} HOST/{name}"
    if client.known(DEFAULT_REGISTRY) is None:
        raise Denied(
            f"{name} names no registry, so it would go to Docker Hub's own images"
            f" ({reference.repository})",
            hint=hint,
        )
    try:
        yield
    except (Denied, Unauthorized) as error:
        error.hint = hint
        raise
