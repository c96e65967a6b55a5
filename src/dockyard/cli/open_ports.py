"""The ports of containers as the engine knows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import ports_view
from dockyard.cli.ports_view import Port
from dockyard.containers.model import Container
from dockyard.errors import DockyardError

if TYPE_CHECKING:
    from dockyard.engine import Engine


class Ports:
    """The ports of containers; what images expose is read once each."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: dict[str, tuple[str, ...]] = {}

    def of(self, container: Container) -> tuple[Port, ...]:
        """Those that a container publishes and exposes; none where it doesn't run."""
        if not container.running:
            return ()
        exposed = ports_view.exposed(container, self._exposed(container.image_id))
        return ports_view.listed(self._engine.containers.ports(container), exposed)

    def _exposed(self, image_id: str) -> tuple[str, ...]:
        if image_id not in self._known:
            try:
                config = self._engine.images.get(image_id).config.config
                self._known[image_id] = tuple(config.exposed_ports)
            except DockyardError:  # the list is no place to fail for one image
                self._known[image_id] = ()
        return self._known[image_id]
