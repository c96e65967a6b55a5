"""Images that a build begins with: found here, or pulled before its steps are laid out."""

from __future__ import annotations

import time
from typing import Literal

from dockyard.build.progress import Event, Listener
from dockyard.containers.parts import Parts
from dockyard.errors import DockyardError, NotFound
from dockyard.images import resolve
from dockyard.images.store import Resolution
from dockyard.observability.transfers import ENDS, Transfer
from dockyard.oci import digest as digests
from dockyard.oci.reference import Reference

_STEP = 0
_NAME = "[internal] pull images"


class Pulling:
    """The images of one build; all pulls are one step of its progress.

    Args:
        platform: what the build is for; this host's where ``None``.
        always: pull what is here as well, unless no registry can have it.
    """

    def __init__(
        self, parts: Parts, platform: str | None, listener: Listener, *, always: bool
    ) -> None:
        self._parts = parts
        self._platform = platform
        self._listener = listener
        self._always = always
        self._started = False

    def resolve(self, name: str) -> Resolution:
        """What an image's name means.

        Raises:
            NotFound: it isn't here, and no registry has it.
            DockyardError: it can't be pulled; the hint says what else would get it.
        """
        reference = resolve.pullable(name)
        error = None
        try:
            found = self._parts.images.resolve(name)
            if reference is None or not self._always:
                return found
        except NotFound as missing:
            if reference is None:
                raise
            error = missing
        try:
            self._pull(reference)
        except DockyardError as failure:
            if error is not None:
                failure.hint = resolve.remedy(reference, failure.hint)
            self._tell("failed")
            raise
        return self._parts.images.resolve(str(reference))

    def finish(self) -> None:
        """No more images are needed."""
        if self._started:
            self._tell("done")

    def _pull(self, reference: Reference) -> None:
        from dockyard.registry.pull import Puller

        if not self._started:
            self._started = True
            self._tell("started")
        self._say(f"{reference.digest or reference.tag}: Pulling from {reference.path}")
        parts = self._parts
        with parts.client() as client:
            puller = Puller(
                client, parts.paths, parts.database, parts.layers, parts.images, self._hear
            )
            pulled = puller.pull(reference, self._platform)
        self._say(f"Digest: {pulled.digest}")

    def _hear(self, transfer: Transfer) -> None:
        if transfer.phase in ENDS:
            what = "Pull complete" if transfer.phase == "pulled" else "Already exists"
            self._say(f"{digests.short(transfer.digest)}: {what}")

    def _say(self, line: str) -> None:
        self._listener(Event(
            kind="output", step=_STEP, name=_NAME, time=time.monotonic(),
            data=f"{line}\n".encode(),
        ))  # fmt: skip

    def _tell(self, kind: Literal["started", "done", "failed"]) -> None:
        self._listener(Event(kind=kind, step=_STEP, name=_NAME, time=time.monotonic()))
