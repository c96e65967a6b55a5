"""What stacked layers show together, without mounting them: the rules of overlayfs, read only."""

from __future__ import annotations

import errno
import os
import posixpath
import stat
from collections.abc import Callable, Iterable, Sequence

from dockyard.errors import HostileInput
from dockyard.images.xattrs import is_opaque

_MAX_SYMLINKS = 40


def is_whiteout(status: os.stat_result) -> bool:
    """True for overlayfs's mark of a deleted name: character device 0:0."""
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


def follow(path: str, link: Callable[[str], str | None]) -> str:
    """The path, relative to a root, that a process there would reach; see LowerView.resolve.

    Args:
        link: what a path in normal form names if it is a symlink, else ``None``.
    """
    done = ""
    pending = path.split("/")[::-1]
    followed = 0
    while pending:
        name = pending.pop()
        if name in {"", "."}:
            continue
        if name == "..":
            done = posixpath.dirname(done)
            continue
        step = f"{done}/{name}" if done else name
        target = link(step)
        if target is None:
            done = step
            continue
        followed += 1
        if followed > _MAX_SYMLINKS:
            raise HostileInput(
                f"/{path}: too many levels of symbolic links",
                hint="links of the image lead in a circle: name the path they mean",
            )
        done = "" if target.startswith("/") else done
        pending += target.split("/")[::-1]
    return done


class LowerView:
    """The merged tree of layer directories that don't change; of a mounted root too.

    Paths are relative to the root (``etc/passwd``; empty for the root itself) and must be in
    normal form. :meth:`lookup`, :meth:`listdir` and :meth:`locate` never follow a symlink.
    """

    def __init__(self, parents: Sequence[str]) -> None:
        """``parents`` are layer directories, base first; none make an empty root."""
        self._parents = tuple(parents)
        self._roots = self._parents[::-1]
        self._directories: dict[str, tuple[str, ...]] = {"": self._roots}

    def under(self, directory: str) -> LowerView:
        """The tree with one more layer on top."""
        return LowerView((*self._parents, directory))

    def locate(self, path: str) -> str | None:
        """Where the entry lies on disk, in the uppermost layer that has it, or ``None``."""
        found = self._find(path)
        return None if found is None else found[0]

    def lookup(self, path: str) -> os.stat_result | None:
        """The entry's own status, or ``None`` where the tree has no such path."""
        found = self._find(path)
        return None if found is None else found[1]

    def listdir(self, path: str) -> tuple[str, ...]:
        """The names in a directory, in the order of their bytes; none where it isn't one."""
        shown: set[str] = set()
        hidden: set[str] = set()
        for directory in self._stack(path):
            with os.scandir(directory) as scan:
                for entry in scan:
                    if entry.name in hidden or entry.name in shown:
                        continue
                    gone = is_whiteout(entry.stat(follow_symlinks=False))
                    (hidden if gone else shown).add(entry.name)
        return tuple(sorted(shown, key=os.fsencode))

    def resolve(self, path: str) -> str:
        """The path that a process in this root would reach: symlinks followed, ``..`` applied.

        What is missing at the end stays as it is written.

        Raises:
            HostileInput: more than 40 symlinks, as in a loop.
        """
        return follow(path, self.link)

    def link(self, path: str) -> str | None:
        """What the entry names if it is a symlink, else ``None``: also where it goes meanwhile."""
        found = self._find(path)
        if found is None or not stat.S_ISLNK(found[1].st_mode):
            return None
        try:
            return os.readlink(found[0])
        except OSError:  # a volume's, where a container changes it
            return None

    def _find(self, path: str) -> tuple[str, os.stat_result] | None:
        parent, _, name = path.rpartition("/")
        stack = self._stack(parent) if path else self._roots
        for directory in stack:
            place = f"{directory}/{name}" if name else directory
            status = _status(place)
            if status is not None:
                return None if is_whiteout(status) else (place, status)
        return None

    def _stack(self, path: str) -> tuple[str, ...]:
        """The directories that are merged at ``path``, uppermost first."""
        known = self._directories.get(path)
        if known is None:
            parent, _, name = path.rpartition("/")
            known = tuple(_merge(f"{directory}/{name}" for directory in self._stack(parent)))
            self._directories[path] = known
        return known


def _merge(places: Iterable[str]) -> Iterable[str]:
    """Those of the places, uppermost first, that overlayfs merges into one directory."""
    for place in places:
        status = _status(place)
        if status is None:
            continue
        if not stat.S_ISDIR(status.st_mode):
            return
        yield place
        if is_opaque(place):
            return


def _status(path: str) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ENOTDIR}:
            return None
        raise
