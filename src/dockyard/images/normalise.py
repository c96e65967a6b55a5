"""Turns the upper directory of an unmounted overlay into a layer that says all it means.

An upper directory holds more than a step's changes: overlayfs's own attributes, opaque
directories whose meaning depends on what is below, sockets, and the mount points that the engine
made. Afterwards it is the same tree over the same parents, and holds nothing but content and
whiteouts of what the parents really have.
"""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Collection, Iterable, Iterator, Sequence

from dockyard.errors import StateError
from dockyard.images.flags import clear_flags
from dockyard.images.tarwriter import WHITEOUT_PREFIX, unstorable
from dockyard.images.view import LowerView, is_whiteout
from dockyard.images.xattrs import is_content, is_opaque, is_overlay

_OPEN_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FOREIGN = ("trusted.overlay.redirect", "trusted.overlay.metacopy")
_WHITEOUT_MODE = stat.S_IFCHR


def missing_mount_points(view: LowerView, targets: Iterable[str]) -> tuple[str, ...]:
    """What a runtime will make in a root so that it can mount on ``targets``. Pure.

    Call it before the mount and give the result to :func:`normalise`.

    Args:
        view: the root before the step: its layers, or a mounted one.
        targets: absolute paths, or relative to the root; symlinks in the root are followed.

    Returns:
        The paths that don't exist, relative to the root, parents included and before children.
    """
    missing: set[str] = set()
    for target in targets:
        path = view.resolve(target)
        while path and path not in missing and view.lookup(path) is None:
            missing.add(path)
            path = posixpath.dirname(path)
    return tuple(sorted(missing, key=os.fsencode))


def normalise(upper: str, parents: Sequence[str], *, engine_mounts: Collection[str]) -> None:
    """Normalises an upper directory in place; its overlay is unmounted. Idempotent.

    Times of directories stay as the step left them.

    Args:
        upper: the upper directory; what it contains is hostile.
        parents: the layers below it, base first, normalised.
        engine_mounts: the result of :func:`missing_mount_points`.

    Raises:
        NotSupported: a file has a name that an image can't hold.
        StateError: the directory was written under other mount options, or can't be changed.
    """
    try:
        root = os.open(upper, _OPEN_FLAGS | os.O_DIRECTORY)
        try:
            view = LowerView(parents)
            _Pass(root, view).run()
            _remove_mount_points(root, view, engine_mounts)
        finally:
            os.close(root)
    except OSError as error:
        raise StateError(
            f"cannot make a layer of {upper}: {error}",
            hint="dockyard doctor looks after the disk and the file system",
        ) from error


def hide_lower(root: int, path: str, view: LowerView) -> tuple[str, ...]:
    """Makes what ``view`` has in a directory invisible, by whiteouts where nothing lies over it.

    Args:
        root: descriptor of the upper directory; ``path`` is a directory below it, no symlink.

    Returns:
        The names that are directories in both, whose lower content is still visible.
    """
    descriptor = os.open(path or ".", _OPEN_FLAGS | os.O_DIRECTORY, dir_fd=root)
    try:
        both = []
        present = set(os.listdir(descriptor))
        for name in view.listdir(path):
            if name not in present:
                os.mknod(name, _WHITEOUT_MODE, os.makedev(0, 0), dir_fd=descriptor)
            elif stat.S_ISDIR(os.lstat(name, dir_fd=descriptor).st_mode):
                both.append(name)
        return tuple(both)
    finally:
        os.close(descriptor)


class _Pass:
    """Visits every entry of an upper directory once, parents before children.

    Paths are relative to the descriptor of the root. They are safe to open: every component was
    seen to be a directory, and nobody else changes the tree.
    """

    def __init__(self, root: int, view: LowerView) -> None:
        self._root = root
        self._view = view
        self._bare: set[str] = set()
        """Directories whose lower content must not show through: opaque, or below an opaque."""

    def run(self) -> None:
        pending = [""]
        while pending:
            pending += self._directory(pending.pop())

    def _directory(self, path: str) -> list[str]:
        """Normalises a directory and its files; returns its subdirectories."""
        descriptor = os.open(path or ".", _OPEN_FLAGS | os.O_DIRECTORY, dir_fd=self._root)
        try:
            before = os.fstat(descriptor)
            clear_flags(descriptor)
            self._uncover(path, descriptor)
            _strip(path, descriptor)
            subdirectories = [
                name for name in self._visit(path, descriptor) if self._file(path, name, descriptor)
            ]
            after = os.fstat(descriptor)
            if after.st_mtime_ns != before.st_mtime_ns:
                os.utime(descriptor, ns=(before.st_atime_ns, before.st_mtime_ns))
        finally:
            os.close(descriptor)
        return [f"{path}/{name}" if path else name for name in subdirectories]

    def _visit(self, path: str, descriptor: int) -> Iterator[str]:
        for name in os.listdir(descriptor):
            if name.startswith(WHITEOUT_PREFIX):
                raise unstorable(f"{path}/{name}" if path else name)
            yield name

    def _uncover(self, path: str, descriptor: int) -> None:
        """Opaque becomes explicit, here and where directories of both lie on each other."""
        if path not in self._bare and not is_opaque(descriptor):
            return
        prefix = f"{path}/" if path else ""
        self._bare.update(prefix + name for name in hide_lower(self._root, path, self._view))

    def _file(self, directory: str, name: str, descriptor: int) -> bool:
        """Normalises an entry; true for a directory, which is only noted."""
        path = f"{directory}/{name}" if directory else name
        status = os.lstat(name, dir_fd=descriptor)
        mode = status.st_mode
        if stat.S_ISDIR(mode):
            return True
        if stat.S_ISSOCK(mode):
            os.unlink(name, dir_fd=descriptor)
        elif is_whiteout(status):
            if self._view.lookup(path) is None:
                os.unlink(name, dir_fd=descriptor)
        elif stat.S_ISREG(mode):
            _clean_file(path, name, descriptor)
        else:
            _strip(path, f"/proc/self/fd/{descriptor}/{name}")
        return False


def _clean_file(path: str, name: str, directory: int) -> None:
    try:
        descriptor = os.open(name, _OPEN_FLAGS | os.O_NOATIME, dir_fd=directory)
    except PermissionError:
        descriptor = os.open(name, _OPEN_FLAGS, dir_fd=directory)
    try:
        clear_flags(descriptor)
        _strip(path, descriptor)
    finally:
        os.close(descriptor)


def _strip(path: str, place: str | int) -> None:
    """Removes overlayfs's attributes from an entry; ``place`` is a path to it or a descriptor."""
    follow = isinstance(place, int)
    for name in os.listxattr(place, follow_symlinks=follow):
        if name in _FOREIGN:
            raise StateError(
                f"/{path} has {name}: its content lies elsewhere",
                hint="the overlay was mounted with other options than Dockyard's",
                reference="foreign-overlay",
            )
        if is_overlay(name):
            os.removexattr(place, name, follow_symlinks=follow)


def _remove_mount_points(root: int, view: LowerView, paths: Collection[str]) -> None:
    """Removes mount points that are still empty, then directories that were only on their way."""
    for path in sorted(paths, key=os.fsencode, reverse=True):
        _remove_empty(root, path)
    ancestors = {parent for path in paths for parent in _parents(path)} - set(paths)
    for path in sorted(ancestors, key=os.fsencode, reverse=True):
        if _unchanged(root, view, path):
            _remove_empty(root, path)


def _parents(path: str) -> Iterator[str]:
    while path := posixpath.dirname(path):
        yield path


def _remove_empty(root: int, path: str) -> None:
    """Removes an empty file or directory, and leaves its parent's times as they were."""
    parent = _open_directory(root, posixpath.dirname(path))
    if parent is None:
        return
    name = posixpath.basename(path)
    try:
        before = os.fstat(parent)
        if not _unlink_empty(parent, name):
            return
        os.utime(parent, ns=(before.st_atime_ns, before.st_mtime_ns))
    finally:
        os.close(parent)


def _unlink_empty(parent: int, name: str) -> bool:
    try:
        status = os.lstat(name, dir_fd=parent)
    except FileNotFoundError:
        return False
    if stat.S_ISDIR(status.st_mode):
        if not _is_empty(parent, name):
            return False
        os.rmdir(name, dir_fd=parent)
        return True
    if not stat.S_ISREG(status.st_mode) or status.st_size:
        return False
    os.unlink(name, dir_fd=parent)
    return True


def _is_empty(parent: int, name: str) -> bool:
    descriptor = os.open(name, _OPEN_FLAGS | os.O_DIRECTORY, dir_fd=parent)
    try:
        return not os.listdir(descriptor)
    finally:
        os.close(descriptor)


def _unchanged(root: int, view: LowerView, path: str) -> bool:
    """True for a directory that differs at most in its times from the one below it."""
    below = view.locate(path)
    descriptor = _open_directory(root, path)
    if descriptor is None:
        return False
    try:
        if below is None:
            return False
        ours, theirs = os.fstat(descriptor), os.lstat(below)
        return (ours.st_mode, ours.st_uid, ours.st_gid) == (
            theirs.st_mode, theirs.st_uid, theirs.st_gid,
        ) and _attributes(descriptor) == _attributes(below)  # fmt: skip
    finally:
        os.close(descriptor)


def _attributes(place: str | int) -> dict[str, bytes]:
    return {name: os.getxattr(place, name) for name in os.listxattr(place) if is_content(name)}


def _open_directory(root: int, path: str) -> int | None:
    """A directory of the upper tree; ``None`` where there is none, symlinks not followed."""
    current = os.open(".", _OPEN_FLAGS | os.O_DIRECTORY, dir_fd=root)
    for name in path.split("/") if path else ():
        try:
            following = os.open(name, _OPEN_FLAGS | os.O_DIRECTORY, dir_fd=current)
        except OSError:
            return None
        finally:
            os.close(current)
        current = following
    return current
