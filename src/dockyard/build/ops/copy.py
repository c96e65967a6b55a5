"""COPY, ADD and WORKDIR: files written through the mounted root, so that they land where a
container would see them.

Every path of the image is resolved below its root by the kernel (openat2 with RESOLVE_IN_ROOT): a
destination under a symlinked directory is found, and nothing leads outside. Directories
that a source names merge into existing ones, which keep what they are; those below it
replace owner and mode of existing ones, as with BuildKit. Hard links within one source stay links.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Sequence
from typing import Self

import msgspec

from dockyard.build import graph
from dockyard.build.chmod import changed, of_new_directory
from dockyard.build.choose import Chosen
from dockyard.build.context import Entry, Tree
from dockyard.build.selection import Selection
from dockyard.containers import users
from dockyard.errors import BuildError, InvalidInput
from dockyard.images import untar
from dockyard.images.tarreader import is_archive
from dockyard.system import copy as copying
from dockyard.system import nodes, syscalls

_RESOLVE = syscalls.RESOLVE_IN_ROOT | syscalls.RESOLVE_NO_MAGICLINKS
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_DIRECTORY_MODE = 0o755
_FILE_MODE = 0o644


class Owner(msgspec.Struct, frozen=True):
    """Whom new files belong to."""

    uid: int
    gid: int


def owner_of(chown: str, rootfs: str) -> Owner | None:
    """What ``--chown`` means in this root; ``None`` where it wasn't given.

    Raises:
        BuildError: no such user or group.
    """
    if not chown:
        return None
    name, _, group = chown.partition(":")
    try:
        found = users.resolve(chown if name else f"0{chown}", *users.read_databases(rootfs))
    except InvalidInput as error:
        raise BuildError(f"invalid --chown={chown}: {error.message}", hint=error.hint) from error
    same_number = name.isascii() and name.isdecimal() and not group
    return Owner(found.uid, found.uid if same_number else found.gid)


class Destination:
    """The root that is written to, by an open descriptor. Use as a context manager."""

    def __init__(self, rootfs: str, owner: Owner | None, chmod: str) -> None:
        self._root = os.open(rootfs, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        self._owner = owner
        self._chmod = chmod
        self._links: dict[tuple[int, int], str] = {}
        """Files of the source that have several names, and where the first one went."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        os.close(self._root)

    def is_directory(self, path: str) -> bool:
        """True where the path is a directory, through symlinks."""
        try:
            os.close(self._open(path))
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def make_directories(self, path: str, *, mode: int | None = None) -> None:
        """Makes a directory and its missing parents; existing ones are left as they are."""
        mode = of_new_directory(self._chmod) if mode is None else mode
        missing = []
        whole = os.path.normpath("/" + path.strip("/"))
        while not self.is_directory(whole):
            missing.append(whole)
            whole = os.path.dirname(whole)
        for whole in reversed(missing):
            if not self.is_directory(whole):
                parent, _, name = whole.rpartition("/")
                self._make(parent, name, whole, mode)

    def _make(self, parent: str, name: str, whole: str, mode: int) -> None:
        descriptor = self._open(parent or "/")
        try:
            os.mkdir(name, _DIRECTORY_MODE, dir_fd=descriptor)
        except FileExistsError:
            self._make_behind_link(descriptor, parent, name, mode)
            return
        finally:
            os.close(descriptor)
        made = self._open(whole)
        try:
            os.fchmod(made, mode)
            if self._owner is not None:
                os.fchown(made, self._owner.uid, self._owner.gid)
        finally:
            os.close(made)

    def _make_behind_link(self, directory: int, parent: str, name: str, mode: int) -> None:
        """Makes the directory that a dangling symlink of the image names, as Docker does."""
        try:
            target = os.readlink(name, dir_fd=directory)
        except OSError:
            target = ""
        wanted = os.path.normpath(os.path.join(parent or "/", target))
        if not target or f"{parent}/{name}".startswith(wanted):  # a file, or a link to itself
            raise BuildError(
                f"cannot make directory {parent}/{name}: a file is in its place",
                hint="copy to another directory, or remove the file by a RUN before",
            )
        self.make_directories(wanted, mode=mode)

    def copy_entry(self, tree: Tree, entry: Entry, path: str) -> None:
        """Copies a file or a symlink to exactly this path, in place of what is there."""
        parent = self._open(os.path.dirname(path) or "/")
        name = os.path.basename(path)
        try:
            self._clear(parent, name, path)
            found: str | os.stat_result | None = None
            if stat.S_ISLNK(entry.mode):
                found = tree.link(entry.path)
                os.symlink(found, name, dir_fd=parent)
                uid, gid = self._ids(entry)
                os.chown(name, uid, gid, dir_fd=parent, follow_symlinks=False)
            elif stat.S_ISREG(entry.mode):
                found = self._copy_file(tree, entry, parent, path)
            elif not stat.S_ISSOCK(entry.mode):
                self._copy_node(entry, parent, name)
            tree.note(entry, found)
        finally:
            os.close(parent)

    def copy_single(self, tree: Tree, entry: Entry, path: str) -> None:
        """Copies what a source names itself; it is linked to nothing."""
        self._links.clear()
        self.copy_entry(tree, entry, path)

    def behind_links(self, path: str) -> str:
        """The path of the file that a destination names, through symlinks."""
        try:
            descriptor = syscalls.openat2(self._root, path, os.O_PATH, resolve=_RESOLVE)
        except OSError:
            return path
        try:
            if stat.S_ISDIR(os.fstat(descriptor).st_mode):
                return path
            real = os.readlink(f"/proc/self/fd/{descriptor}")
            return "/" + os.path.relpath(real, os.readlink(f"/proc/self/fd/{self._root}"))
        finally:
            os.close(descriptor)

    def copy_directory(self, tree: Tree, top: Entry, path: str, selection: Selection) -> None:
        """Merges what a directory holds into a directory of the root."""
        self.make_directories(path)
        self._links.clear()
        tree.note(top)
        base = len(top.path)
        for entry in tree.walk(top, selection):
            target = path.rstrip("/") + "/" + entry.path[base:].lstrip("/")
            if stat.S_ISDIR(entry.mode):
                self._merge(tree, entry, target)
            else:
                self.copy_entry(tree, entry, target)

    def write(self, path: str, content: str) -> None:
        """Writes a file that the Dockerfile itself holds."""
        parent = self._open(os.path.dirname(path) or "/")
        name = os.path.basename(path)
        try:
            self._clear(parent, name, path)
            descriptor = os.open(name, _NEW, 0o600, dir_fd=parent)
            with open(descriptor, "w", encoding="utf-8", errors="surrogateescape") as stream:
                stream.write(content)
                owner = self._owner or Owner(0, 0)
                os.fchown(descriptor, owner.uid, owner.gid)
                os.fchmod(descriptor, changed(_FILE_MODE, self._chmod, directory=False))
        finally:
            os.close(parent)

    def unpack(self, tree: Tree, entry: Entry, path: str) -> bool:
        """Extracts an archive into a directory of the root; False where it isn't an archive.

        ``--chmod`` doesn't concern it.
        """
        descriptor = tree.open(entry.path, os.O_RDONLY)
        with open(descriptor, "rb") as stream:
            if not is_archive(f"/proc/self/fd/{stream.fileno()}"):
                return False
            self.make_directories(path, mode=_DIRECTORY_MODE)
            directory = self._open(path)
            try:
                owner = None if self._owner is None else (self._owner.uid, self._owner.gid)
                place = f"/proc/self/fd/{directory}"
                untar.extract(stream, place, whiteouts=False, devices=True, owner=owner)
            finally:
                os.close(directory)
            tree.note(entry, os.fstat(descriptor))
        return True

    def _open(self, path: str) -> int:
        return syscalls.openat2(self._root, path, _DIRECTORY, resolve=_RESOLVE)

    def _merge(self, tree: Tree, entry: Entry, path: str) -> None:
        """A directory below a source: it gets that one's mode and owner."""
        tree.note(entry)
        self.make_directories(path)
        uid, gid = self._ids(entry)
        descriptor = self._open(path)
        try:
            os.fchown(descriptor, uid, gid)
            os.fchmod(descriptor, self._mode(entry))
            if tree.keeps_attributes:
                self._copy_xattrs(tree, entry, descriptor)
        finally:
            os.close(descriptor)

    def _copy_xattrs(self, tree: Tree, entry: Entry, target: int) -> None:
        source = tree.open(entry.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            copying.copy_xattrs(source, target)
        finally:
            os.close(source)

    def _clear(self, parent: int, name: str, path: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            try:
                os.unlink(name, dir_fd=parent)
            except IsADirectoryError:
                raise BuildError(
                    f"cannot copy a file over the directory {path}",
                    hint=f"name the file in it: {path}/NAME",
                ) from None

    def _copy_file(self, tree: Tree, entry: Entry, parent: int, path: str) -> os.stat_result:
        """Returns what the file was after it was read."""
        name = os.path.basename(path)
        reader = tree.open(entry.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            status = os.fstat(reader)
            if self._is_linked(status, parent, path):
                return status
            writer = os.open(name, _NEW, 0o600, dir_fd=parent)
            try:
                copying.copy_content(reader, writer)
                status = os.fstat(reader)
                uid, gid = self._ids(entry)
                os.fchown(writer, uid, gid)
                os.fchmod(writer, self._mode(entry))
                if tree.keeps_attributes:
                    copying.copy_xattrs(reader, writer)
                os.utime(writer, ns=(status.st_atime_ns, status.st_mtime_ns))
                return status
            finally:
                os.close(writer)
        finally:
            os.close(reader)

    def _is_linked(self, status: os.stat_result, parent: int, path: str) -> bool:
        """Links to the copy of a file that was copied under another name already."""
        if status.st_nlink == 1:
            return False
        first = self._links.setdefault((status.st_dev, status.st_ino), path)
        if first == path:
            return False
        directory = self._open(os.path.dirname(first) or "/")
        try:
            os.link(
                os.path.basename(first), os.path.basename(path),
                src_dir_fd=directory, dst_dir_fd=parent, follow_symlinks=False,
            )  # fmt: skip
        finally:
            os.close(directory)
        return True

    def _copy_node(self, entry: Entry, parent: int, name: str) -> None:
        mode = stat.S_IFMT(entry.mode) | self._mode(entry)
        made = nodes.Node(mode=mode, device=entry.rdev, owner=self._ids(entry))
        try:
            nodes.make_node(parent, name, made)
        except PermissionError as error:
            number = f"{os.major(entry.rdev)}:{os.minor(entry.rdev)}"
            raise BuildError(
                f"cannot copy /{entry.path}: no device {number} can be made in an image here",
                hint="name it in .dockerignore or by --exclude; 0:0 is the mark by which overlayfs"
                " deletes a file, as in a layer's directory that somebody copied",
            ) from error

    def _ids(self, entry: Entry) -> tuple[int, int]:
        if self._owner is not None:
            return self._owner.uid, self._owner.gid
        return entry.uid, entry.gid

    def _mode(self, entry: Entry) -> int:
        directory = stat.S_ISDIR(entry.mode)
        return changed(stat.S_IMODE(entry.mode), self._chmod, directory=directory)


def copy(operation: graph.Copy, found: Sequence[Chosen], rootfs: str) -> None:
    """Copies what the sources mean.

    Raises:
        BuildError: Docker's rules for the destination are broken.
    """
    with Destination(rootfs, owner_of(operation.chown, rootfs), operation.chmod) as target:
        count = len(found) + len(operation.files)
        path = operation.destination
        into = path.endswith("/") or count > 1 or target.is_directory(path)
        parents = any(each.contents for each in found)
        if count > 1 and not (parents or path.endswith("/") or target.is_directory(path)):
            raise BuildError(
                "when using COPY with more than one source file, the destination must be a"
                " directory and end with a /",
                hint="put a / at the end of the destination",
            )
        for each in found:
            _copy_one(operation.destination, each, target, into=into)
        for file in operation.files:
            place = f"{path.rstrip('/')}/{file.name}" if into else path
            target.make_directories(os.path.dirname(place))
            target.write(place, file.content)


def _copy_one(path: str, chosen: Chosen, target: Destination, *, into: bool) -> None:
    tree, entry = chosen.tree, chosen.entry
    if stat.S_ISDIR(entry.mode):
        target.copy_directory(tree, entry, path, chosen.selection)
        return
    if chosen.contents:
        raise BuildError(f"/{entry.path} is not a directory", hint="/./ stands after a directory")
    if chosen.unpack and stat.S_ISREG(entry.mode) and target.unpack(tree, entry, path):
        return
    place = f"{path.rstrip('/')}/{entry.name}" if into else path
    target.make_directories(os.path.dirname(place))
    target.copy_single(tree, entry, place if into else target.behind_links(place))


def make_directory(operation: graph.Directory, rootfs: str) -> None:
    """WORKDIR: the directory and its parents, owned by the stage's user.

    Raises:
        BuildError: a file is in its place.
    """
    with Destination(rootfs, owner_of(operation.user, rootfs), "") as target:
        target.make_directories(operation.path)
