"""The access rules of the registry in a directory, opened for its server or for its owner."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from dockyard.registry.access.audit import AuditLog
from dockyard.registry.access.manage import Manager, host_user
from dockyard.registry.access.service import Access
from dockyard.registry.access.store import AccessStore
from dockyard.state.paths import make_directory

_DATABASE: Final = "access.db"


def open_access(root: str, *, warn: Callable[[str], None] = lambda _: None) -> Access:
    """What a server asks.

    Raises:
        PermissionMissing: the directory is not this user's.
        HostileInput: others can change what is in it.
    """
    make_directory(root)
    return Access(AccessStore(f"{root}/{_DATABASE}"), AuditLog(root, warn=warn))


def open_manager(root: str, *, warn: Callable[[str], None] = lambda _: None) -> Manager:
    """What the owner changes it with; see :func:`open_access`."""
    make_directory(root)
    store = AccessStore(f"{root}/{_DATABASE}")
    return Manager(store, AuditLog(root, warn=warn), who=host_user())
