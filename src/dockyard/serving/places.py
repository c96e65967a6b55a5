"""Where what serves services has its files and sockets, below ``run/serving``. Pure."""

from __future__ import annotations

import msgspec

from dockyard.serving.gateway.model import Settings
from dockyard.state.paths import Paths

GATEWAY = "gateway"
ACTIVATOR = "activator"
CONTROLLER = "controller"
PROGRAMS = (GATEWAY, ACTIVATOR, CONTROLLER)
"""In the order in which they are started; they end in the other one."""


class Serving(msgspec.Struct, frozen=True):
    """The files of one root."""

    paths: Paths

    @property
    def directory(self) -> str:
        return self.paths.serving

    @property
    def wake(self) -> str:
        """The FIFO by which the controller is woken."""
        return f"{self.directory}/wake"

    @property
    def targets(self) -> str:
        """What the activator serves; in a directory of its own, which it watches."""
        return f"{self.directory}/targets/targets.json"

    @property
    def published(self) -> str:
        """What the gateway serves, for commands; see :mod:`.publication`."""
        return f"{self.directory}/published.json"

    @property
    def sockets(self) -> str:
        """The activator's sockets, one a variant."""
        return f"{self.directory}/s"

    @property
    def activator_admin(self) -> str:
        return f"{self.directory}/s/admin"

    @property
    def access_log(self) -> str:
        return f"{self.paths.root}/access.log"

    @property
    def gateway(self) -> Settings:
        """Envoy's documents, admin socket and access log."""
        return Settings(
            directory=f"{self.directory}/envoy",
            admin=f"{self.directory}/envoy/admin",
            access_log=self.access_log,
        )
