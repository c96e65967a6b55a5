"""Whose symlinks lead to a path: root must not write where somebody else's link says."""

from __future__ import annotations

import errno
import os
from typing import Final

_MOST_LINKS: Final = 40
"""As many as the kernel follows."""


def foreign_link(path: str) -> str | None:
    """The first symlink on the way to an absolute path that is no reason to trust it.

    That is one of neither this user, nor root, nor who owns what it leads to; ``None`` where there
    is no such link. What isn't there belongs to the owner of the directory that it would be in.

    Raises:
        OSError: there are too many links, or one can't be looked at.
    """
    trusted = {0, os.geteuid()}
    pending = path.split("/")[::-1]
    here, followed = "", 0
    while pending:
        step = pending.pop()
        if step in {"", "."}:
            continue
        if step == "..":
            here = here.rpartition("/")[0]
            continue
        link = f"{here}/{step}"
        target = _target(link)
        if target is None:
            here = link
            continue
        owner = os.lstat(link).st_uid
        if owner not in trusted and owner != _owner(os.path.realpath(link)):
            return link
        followed += 1
        if followed > _MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
        here = "" if target.startswith("/") else here
        pending += target.split("/")[::-1]
    return None


def _target(path: str) -> str | None:
    try:
        return os.readlink(path)
    except OSError as error:
        if error.errno in {errno.EINVAL, errno.ENOENT, errno.ENOTDIR}:
            return None
        raise


def _owner(path: str) -> int:
    while True:
        try:
            return os.lstat(path).st_uid
        except (FileNotFoundError, NotADirectoryError):
            path = os.path.dirname(path)
