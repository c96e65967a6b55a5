"""Networks and what belongs to them."""

from __future__ import annotations

from typing import cast

from dockyard.containers.options import NetworkMode
from dockyard.errors import NotSupported

_NETWORKS = ("bridge", "none", "host")


def parse_network(text: str) -> NetworkMode:
    """A network's name.

    Raises:
        NotSupported: any network but ``bridge``, ``none`` and ``host``.
    """
    name = "bridge" if text == "default" else text
    if name in _NETWORKS:
        return cast("NetworkMode", name)
    raise NotSupported(
        f"network {text} is not supported yet",
        hint=f"networks are {', '.join(_NETWORKS)}",
        exit_code=125,
    )
