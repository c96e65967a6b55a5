"""Blobs that tests send, as commands do: not at all where they are there."""

from __future__ import annotations

from collections.abc import Sequence

from dockyard.observability.transfers import UNHEARD, Hearer
from dockyard.oci.image import Descriptor
from dockyard.oci.reference import Reference
from dockyard.registry.ledger import Ledger
from dockyard.registry.remote import Remote
from dockyard.registry.upload import OpenAt, present, transmit


def send_blob(
    remote: Remote, blob: Descriptor, open_at: OpenAt, *, counter: Hearer = UNHEARD,
    sources: Sequence[Reference] = (), ledger: Ledger | None = None,
) -> bool:  # fmt: skip
    """Sees to it that a repository has a blob; True where its bytes were sent."""
    found = present(remote, blob, sources, ledger)
    if found is None:
        transmit(remote, blob, open_at, counter=counter, ledger=ledger)
    return found is None
