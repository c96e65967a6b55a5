"""Extended attributes that belong to a layer's content, and those that belong to a host."""

from __future__ import annotations

import os

OVERLAY_PREFIXES = ("trusted.overlay.", "user.overlay.")
"""State of overlayfs itself; never content."""

_CONTENT = frozenset(("security.capability", "system.posix_acl_access", "system.posix_acl_default"))


def is_content(name: str) -> bool:
    """True for what a layer carries: capabilities, access lists and ``user.*``.

    Labels of security modules, ``trusted.*`` and overlayfs's own are the host's business. A name
    with an equals sign can't be said in a pax record.
    """
    if name in _CONTENT:
        return True
    return name.startswith("user.") and not is_overlay(name) and "=" not in name


def is_overlay(name: str) -> bool:
    """True for attributes that change how overlayfs reads a layer."""
    return name.startswith(OVERLAY_PREFIXES)


def is_opaque(path: str | int) -> bool:
    """True for a directory that hides what lower layers have in it. Never follows a symlink."""
    try:
        if isinstance(path, int):
            return os.getxattr(path, "trusted.overlay.opaque") == b"y"
        return os.getxattr(path, "trusted.overlay.opaque", follow_symlinks=False) == b"y"
    except OSError:
        return False
