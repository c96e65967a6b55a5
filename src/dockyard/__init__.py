"""Dockyard: build, ship, run and serve containers from Python, without a daemon.

from dockyard import Engine

engine = Engine()
image = engine.build("examples/embeddings", tag="my-ai-app")
with engine.run(image, ports={8000: 0}) as container:
    print(container.url(8000))
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard._version import __version__

if TYPE_CHECKING:
    from dockyard.config import Config
    from dockyard.containers.options import (
        Console,
        Devices,
        HealthOptions,
        Logging,
        Mount,
        Namespaces,
        Networking,
        Options,
        Resources,
        Restart,
        Security,
    )
    from dockyard.engine import Engine
    from dockyard.errors import DockyardError
    from dockyard.handle import RunningContainer
    from dockyard.models.model import ModelInfo

__all__ = [
    "Config",
    "Console",
    "Devices",
    "DockyardError",
    "Engine",
    "HealthOptions",
    "Logging",
    "ModelInfo",
    "Mount",
    "Namespaces",
    "Networking",
    "Options",
    "Resources",
    "Restart",
    "RunningContainer",
    "Security",
    "__version__",
]

_HOMES = {
    "Config": "dockyard.config",
    "Console": "dockyard.containers.options",
    "Devices": "dockyard.containers.options",
    "DockyardError": "dockyard.errors",
    "Engine": "dockyard.engine",
    "HealthOptions": "dockyard.containers.options",
    "Logging": "dockyard.containers.options",
    "ModelInfo": "dockyard.models.model",
    "Mount": "dockyard.containers.options",
    "Namespaces": "dockyard.containers.options",
    "Networking": "dockyard.containers.options",
    "Options": "dockyard.containers.options",
    "Resources": "dockyard.containers.options",
    "Restart": "dockyard.containers.options",
    "RunningContainer": "dockyard.handle",
    "Security": "dockyard.containers.options",
}


def __dir__() -> list[str]:
    """The public names, imported or not yet, and what every module has."""
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})


def __getattr__(name: str) -> object:
    """Imports a public name when it is used: ``import dockyard`` itself costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)
