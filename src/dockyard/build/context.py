"""Where COPY and ADD take files from: a directory tree, read below one open descriptor.

The same code serves the build context (with its ``.dockerignore``) and other stages. Paths are
relative to the root, without leading slash; the root itself is the empty path.
"""

from __future__ import annotations

import copy
import errno
import hashlib
import os
import re
import stat
from collections.abc import Iterator
from typing import Self

import msgspec

from dockyard.build.dockerfile.ignore import IgnoreRules, compile_patterns
from dockyard.build.selection import EVERYTHING, Selection
from dockyard.build.sight import Sight
from dockyard.errors import BuildError, HostileInput, InvalidInput
from dockyard.system import syscalls

_RESOLVE = syscalls.RESOLVE_IN_ROOT | syscalls.RESOLVE_NO_MAGICLINKS
_SET = re.compile(r"[\\\[&~|]|(?<!^)\^")
"""What means something in a set of a regular expression, but nothing in one of a pattern."""
_WILD = re.compile(r"[*?\[]")
_MAX_SYMLINKS = 40


class Entry(msgspec.Struct, frozen=True):
    """A file, directory or other node: its path from the root and what ``lstat`` says.

    ``name`` is what it is called where somebody asked for it: a link's own where that led here.
    """

    path: str
    name: str
    mode: int
    uid: int
    gid: int
    size: int
    rdev: int


class Tree:
    """A directory tree to copy from. Use as a context manager.

    Args:
        keeps_attributes: owners and extended attributes are part of it, as with another stage;
            a build context has none that mean anything.
    """

    def __init__(
        self, directory: str, rules: IgnoreRules | None = None, *, keeps_attributes: bool = False
    ) -> None:
        self.keeps_attributes = keeps_attributes
        self.rules = rules or IgnoreRules()
        """What is left out of it."""
        self.sight: Sight | None = None
        """What is told of each entry that is read."""
        flags = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
        try:
            self._root = os.open(directory, flags)
        except OSError as error:
            raise InvalidInput(
                f"unable to prepare context: path {directory!r}: {os.strerror(error.errno or 0)}",
                hint="the last argument of build is the directory with the files to copy",
                reference="no-context",
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        os.close(self._root)

    def watched(self, sight: Sight) -> Tree:
        """The same tree, for as long as this one is open: ``sight`` gets what is read of it."""
        view = copy.copy(self)
        view.sight = sight
        return view

    def note(self, entry: Entry, found: str | os.stat_result | None = None) -> None:
        """Tells who watches that an entry was read.

        Args:
            found: where a symlink leads, or the status of a file, by the descriptor that was read.
        """
        if self.sight is not None:
            status = found if isinstance(found, os.stat_result) else None
            self.sight.note(entry.path, entry, None if status else found, status=status)

    def open(self, path: str, flags: int) -> int:
        """Opens something of the tree; symlinks on the way stay inside.

        Raises:
            HostileInput: the path is longer than the kernel takes.
        """
        try:
            return syscalls.openat2(self._root, path or ".", flags, resolve=_RESOLVE)
        except OSError as error:
            if error.errno != errno.ENAMETOOLONG:
                raise
            raise HostileInput(
                "a path to copy is too long or too deep",
                context=f"/{path[:80]}...",
                hint="leave it out, for instance by .dockerignore",
            ) from error

    def match(self, pattern: str) -> tuple[Entry, ...]:
        """The entries that a source of COPY names, in order; symlinks named are followed.

        Raises:
            BuildError: nothing matches.
        """
        clean = os.path.normpath("/" + pattern).lstrip("/")
        names = self._glob(clean) if _WILD.search(clean) else [clean]
        found = [entry for name in names if (entry := self.find(name)) is not None]
        if not found:
            raise _not_found(clean)
        return tuple(found)

    def find(self, path: str) -> Entry | None:
        """The entry of a path, through symlinks; ``None`` where it is missing or ignored."""
        real = self._resolve(path)
        found = None if real is None else self._lstat(real)
        return found and msgspec.structs.replace(found, name=os.path.basename(path))

    def entry(self, path: str) -> Entry:
        """The entry of exactly this path, where a symlink leads.

        Raises:
            BuildError: there is none.
        """
        clean = os.path.normpath("/" + path).lstrip("/")
        found = self.find(clean)
        if found is None:
            raise _not_found(clean)
        return found

    def walk(self, top: Entry, selection: Selection = EVERYTHING) -> Iterator[Entry]:
        """What lies below a directory, parents first, sorted; not the directory itself."""
        pending = self._below(top.path)
        base = len(top.path) + 1 if top.path else 0
        withheld: list[Entry] = []  # excluded directories, shown once something in them is kept
        while pending:
            path = pending.pop()
            entry = self._lstat(path)
            if entry is None:
                continue
            while withheld and not path.startswith(f"{withheld[-1].path}/"):
                withheld.pop()
            ignored, below = self.rules.excludes(path), path[base:]
            if not ignored and selection.keeps(below):
                yield from withheld
                withheld.clear()
                yield entry
            elif stat.S_ISDIR(entry.mode) and self._may_hold(path, below, selection):
                withheld.append(entry)
            else:
                continue
            if stat.S_ISDIR(entry.mode):
                pending += self._below(path)

    def _may_hold(self, path: str, below: str, selection: Selection) -> bool:
        """Whether a directory that isn't copied itself may hold something that is."""
        ignored = self.rules.excludes(path) and not self.rules.may_reinclude_below(path)
        return not ignored and selection.may_keep_below(below)

    def link(self, path: str) -> str:
        """The target of a symlink."""
        descriptor = self.open(os.path.dirname(path), os.O_PATH | os.O_DIRECTORY)
        try:
            return os.readlink(os.path.basename(path), dir_fd=descriptor)
        finally:
            os.close(descriptor)

    def digest(self, top: Entry, selection: Selection = EVERYTHING) -> str:
        """A digest of all that an entry holds: names, kinds, modes, owners, bytes; no times."""
        whole = hashlib.sha256()
        self._update(whole, top, "")
        if stat.S_ISDIR(top.mode):
            for entry in self.walk(top, selection):
                self._update(whole, entry, entry.path[len(top.path) :])
        return whole.hexdigest()

    def _update(self, whole: hashlib._Hash, entry: Entry, shown: str) -> None:
        name = _plain(shown or entry.name)
        described: list[object] = [name, entry.mode, entry.uid, entry.gid, entry.rdev]
        if stat.S_ISLNK(entry.mode):
            target = self.link(entry.path)
            self.note(entry, target)
            described.append(_plain(target))
        elif stat.S_ISREG(entry.mode):
            described.append(self._file_digest(entry))
        else:
            self.note(entry)
        whole.update(msgspec.json.encode(described) + b"\n")

    def _file_digest(self, entry: Entry) -> str:
        descriptor = self.open(entry.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(descriptor, "rb") as stream:
            self.note(entry, os.fstat(descriptor))  # before: what is written while it is read shows
            return hashlib.file_digest(stream, "sha256").hexdigest()

    def _resolve(self, path: str) -> str | None:
        """Where a path leads without symlinks; ``None`` where it is missing or ignored.

        What is ignored isn't there for links and their targets either.
        """
        pending, done, links = path.split("/")[::-1], list[str](), 0
        while pending:
            name = pending.pop()
            if name == "..":
                done = done[:-1]
            if name in {"", ".", ".."}:
                continue
            entry = self._lstat("/".join([*done, name]))
            if entry is None or not self._is_kept(entry):
                return None
            if not stat.S_ISLNK(entry.mode):
                done.append(name)
                continue
            links += 1
            if links > _MAX_SYMLINKS:
                return None
            target = self.link(entry.path)
            done = [] if target.startswith("/") else done
            pending += target.split("/")[::-1]
        return "/".join(done)

    def _is_kept(self, entry: Entry) -> bool:
        """Whether ``.dockerignore`` leaves the entry, or at least something below it."""
        if not self.rules.excludes(entry.path):
            return True
        return self._may_hold_kept(entry) and next(self.walk(entry), None) is not None

    def _may_hold_kept(self, entry: Entry) -> bool:
        return stat.S_ISDIR(entry.mode) and self.rules.may_reinclude_below(entry.path)

    def _lstat(self, path: str) -> Entry | None:
        try:
            descriptor = self.open(path, os.O_PATH | os.O_NOFOLLOW)
        except (FileNotFoundError, NotADirectoryError):
            return None
        try:
            return self._describe(path, os.fstat(descriptor))
        finally:
            os.close(descriptor)

    def _describe(self, path: str, status: os.stat_result) -> Entry:
        uid, gid = (status.st_uid, status.st_gid) if self.keeps_attributes else (0, 0)
        size = status.st_size if stat.S_ISREG(status.st_mode) else 0
        name = os.path.basename(path)
        return Entry(path, name, status.st_mode, uid, gid, size, status.st_rdev)

    def _names(self, path: str) -> list[str]:
        descriptor = self.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            return sorted(os.listdir(descriptor), key=os.fsencode)
        finally:
            os.close(descriptor)

    def _below(self, path: str) -> list[str]:
        """Paths of what a directory holds, the last first."""
        return [f"{path}/{name}" if path else name for name in reversed(self._names(path))]

    def _glob(self, pattern: str) -> list[str]:
        """Paths that fit a pattern of Go's ``filepath.Match``, component by component."""
        found = [""]
        for component in pattern.split("/"):
            expression = re.compile(_go_pattern(component), re.DOTALL)
            found = [
                f"{base}/{name}" if base else name
                for base in found
                for name in self._names_or_none(base)
                if expression.fullmatch(name)
            ]
        return found

    def _names_or_none(self, path: str) -> list[str]:
        top = self.find(path)
        if top is None or not stat.S_ISDIR(top.mode):
            return []
        return self._names(top.path)


def open_context(directory: str, dockerfile: str | None) -> Tree:
    """The build context: its ``.dockerignore``, or the one that belongs to the Dockerfile.

    Raises:
        InvalidInput: it isn't a directory.
        BuildError: an ignore file has a malformed pattern.
    """
    if not os.path.isdir(directory):
        Tree(directory)  # raises with the system's words
    candidates = [f"{directory}/.dockerignore"]
    if dockerfile is not None:
        candidates.insert(0, f"{dockerfile}.dockerignore")
    for path in candidates:
        try:
            with open(path, encoding="utf-8-sig", errors="surrogateescape") as stream:
                text = stream.read()
        except OSError:
            continue
        return Tree(directory, compile_patterns(text, filename=os.path.basename(path)))
    return Tree(directory)


def _plain(name: str) -> str | list[bytes]:
    """A name or the target of a link, for JSON; one that is no UTF-8 is like no other."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return [os.fsencode(name)]
    return name


def _not_found(path: str) -> BuildError:
    return BuildError(
        f'failed to calculate checksum: "/{path}": not found',
        hint="the path is relative to the context, and .dockerignore may leave it out",
        reference="source-not-found",
    )


def _go_pattern(component: str) -> str:
    """A component of a Go pattern as a regular expression: ``*``, ``?``, ``[...]``, ``\\x``.

    A star takes the first place where what stands up to the next star fits, and no other: trying
    them all would take as long as a hostile name and pattern want.
    """
    between, position = [""], 0
    while position < len(component):
        character = component[position]
        position += 1
        if character == "*":
            between.append("")
        elif character == "?":
            between[-1] += "[^/]"
        elif character == "\\" and position < len(component):
            between[-1] += re.escape(component[position])
            position += 1
        elif character == "[" and (end := component.find("]", position + 1)) > 0:
            between[-1] += "[" + _SET.sub(r"\\\g<0>", component[position:end]) + "]"
            position = end + 1
        else:
            between[-1] += re.escape(character)
    first, *inner = between
    last = [f"[^/]*{inner.pop()}"] if inner else []
    return "".join([first, *(f"(?>[^/]*?{each})" for each in inner), *last])
