"""Noticing which files of whole directory trees change (inotify(7))."""

from __future__ import annotations

import contextlib
import os
import select
import struct
from collections.abc import Callable, Iterator

from dockyard.system import syscalls
from dockyard.system.closing import Closing

_HEAD = struct.Struct("iIII")
_BUFFER_BYTES = 1 << 16
_IN_CREATE, _IN_MOVED_TO = 0x100, 0x80
_IN_Q_OVERFLOW, _IN_IGNORED, _IN_ISDIR = 0x4000, 0x8000, 0x40000000


class TreeWatch(Closing):
    """Notices changes of files below directories, however deep, and of single files.

    Directories that are made later are watched too. Symbolic links are not followed.

    Args:
        enters: whether a directory below is of interest; all are where ``None``.

    Raises:
        OSError: the host has no room for it.
    """

    def __init__(self, enters: Callable[[str], bool] | None = None) -> None:
        self._enters = enters
        self._descriptor = syscalls.inotify()
        self._directories: dict[int, str] = {}
        self._trees: list[str] = []
        self._files: set[str] = set()

    def add(self, path: str) -> None:
        """Watches a directory with all that is in it, or one file.

        Raises:
            OSError: it isn't there, or the host has no room for another watch.
        """
        if os.path.isdir(path):
            self._trees.append(path.rstrip("/") or "/")
            for _ in self._enter(path):
                pass
        else:
            os.stat(path)
            self._files.add(path)
            self._watch(os.path.dirname(path))

    def changes(self, seconds: float) -> set[str]:
        """Paths that changed since the last call; the first is waited for, at most so long.

        Where so much happened that the kernel lost count, all files count as changed.
        """
        if not select.select([self._descriptor], [], [], max(seconds, 0.0))[0]:
            return set()
        found: set[str] = set()
        for number, mask, name in self._events():
            if mask & _IN_Q_OVERFLOW:
                found.update(self._everything())
            elif mask & _IN_IGNORED:
                self._directories.pop(number, None)
            elif number in self._directories and name:
                found.update(self._happened(os.path.join(self._directories[number], name), mask))
        return {path for path in found if self._is_wanted(path)}

    def close(self) -> None:
        """Ends all watches."""
        os.close(self._descriptor)

    def _happened(self, path: str, mask: int) -> Iterator[str]:
        yield path
        came = mask & _IN_ISDIR and mask & (_IN_CREATE | _IN_MOVED_TO)
        if came and self._is_below_tree(path) and self._is_entered(path):
            yield from self._enter(path)

    def _enter(self, path: str) -> Iterator[str]:
        """Watches a directory and those below; what is in them."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            self._watch(path)  # before it is read: what comes meanwhile is told of
            with os.scandir(path) as entries:
                present = list(entries)
            for entry in present:
                yield entry.path
                if entry.is_dir(follow_symlinks=False) and self._is_entered(entry.path):
                    yield from self._enter(entry.path)

    def _watch(self, directory: str) -> None:
        self._directories[syscalls.watch_changes(self._descriptor, directory)] = directory

    def _events(self) -> Iterator[tuple[int, int, str]]:
        with contextlib.suppress(BlockingIOError):
            while data := os.read(self._descriptor, _BUFFER_BYTES):
                position = 0
                while position < len(data):
                    number, mask, _, length = _HEAD.unpack_from(data, position)
                    position += _HEAD.size
                    name = data[position : position + length].rstrip(b"\0")
                    position += length
                    yield number, mask, os.fsdecode(name)

    def _everything(self) -> Iterator[str]:
        yield from self._files
        for tree in self._trees:
            yield from self._enter(tree)

    def _is_entered(self, path: str) -> bool:
        return self._enters is None or self._enters(path)

    def _is_below_tree(self, path: str) -> bool:
        return any(path.startswith(f"{tree}/") or tree == "/" for tree in self._trees)

    def _is_wanted(self, path: str) -> bool:
        return path in self._files or self._is_below_tree(path)
