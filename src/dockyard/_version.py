"""The version of Dockyard, read by the build backend and by ``dockyard version``."""

__version__ = "0.1.0"
