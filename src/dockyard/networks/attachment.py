"""A network namespace that waits for its container."""

from __future__ import annotations

import contextlib

from dockyard.errors import DockyardError
from dockyard.networks import reserve
from dockyard.networks.model import Endpoint
from dockyard.networks.namespace import Namespace
from dockyard.system.closing import Closing
from dockyard.system.task import Task


class Attachment(Closing):
    """A network namespace that waits for its container. A context manager.

    The OCI runtime opens ``namespace_path`` while this is open; from then on the container's
    processes keep the namespace. ``port_descriptors`` are for the container's monitor to inherit:
    as long as it has them, nobody else gets the ports.
    """

    def __init__(
        self,
        space: Namespace,
        endpoints: tuple[Endpoint, ...] = (),
        port_descriptors: tuple[int, ...] = (),
        joining: Task[None] | None = None,
    ) -> None:
        self._space: Namespace | None = space
        self._joining = joining
        self.endpoints = endpoints
        """In the order of the container's interfaces."""
        self.port_descriptors = port_descriptors
        self.namespace_path = space.path

    @property
    def endpoint(self) -> Endpoint | None:
        """The first endpoint."""
        return self.endpoints[0] if self.endpoints else None

    def complete(self) -> None:
        """Waits until the rules lead to the namespace. Idempotent.

        Raises:
            ComponentFailed, ComponentMissing, PermissionMissing: see ``Networks.attach``; the
                endpoints are still there then.
        """
        if self._joining is not None:
            self._joining.result()

    def close(self) -> None:
        """Closes this process's descriptors; the endpoints stay. Idempotent."""
        if self._space is not None:
            with contextlib.suppress(DockyardError):
                self.complete()
            self._space.close()
            self._space = None
            reserve.release(self.port_descriptors)
