"""Unpacking archives that may be hostile into a directory, as a layer or for ``ADD``.

Every entry is made relative to a descriptor of its parent directory, which is opened in such a
way that no symlink leads out (:mod:`dockyard.images.confined`); nothing is made through an
existing last component. A later entry of the same path wins.
"""

from __future__ import annotations

import errno
import os
import stat
import tarfile

import msgspec

from dockyard.errors import ContentMismatch, DockyardError, HostileInput, NotSupported
from dockyard.images.confined import ConfinedRoot, clean
from dockyard.images.decompress import Readable
from dockyard.images.growth import Growth
from dockyard.images.tarreader import (
    copy_content,
    device_of,
    members,
    nanoseconds_of,
    owner_of,
    xattrs_of,
)
from dockyard.images.tarwriter import WHITEOUT_PREFIX
from dockyard.images.view import LowerView
from dockyard.images.whiteouts import Deletions
from dockyard.state.paths import unusable
from dockyard.system.nodes import Node, make_node

NOTHING_BELOW = LowerView(())


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one archive may take. ``bytes`` counts it unpacked, holes of sparse files included."""

    entries: int = 1_000_000
    bytes: int = 1 << 38


DEFAULT_LIMITS = Limits()


class Extracted(msgspec.Struct, frozen=True, kw_only=True):
    """What an archive turned out to be.

    ``bytes`` is the sum of the files' sizes. ``self_contained`` is false for a layer that means
    something only above certain others: it leaves out parent directories, has opaque ones, or hard
    links to files below it.
    """

    entries: int
    bytes: int
    self_contained: bool
    left_out: int = 0
    """Device nodes, where only rights would be made."""


def extract(
    stream: Readable,
    directory: str,
    *,
    whiteouts: bool,
    limits: Limits = DEFAULT_LIMITS,
    lower: LowerView = NOTHING_BELOW,
    devices: bool = True,
    owner: tuple[int, int] | None = None,
    rights: bool = True,
) -> Extracted:
    """Unpacks a tar, plain or compressed, into an existing directory.

    Args:
        stream: read once, from its position to the archive's end.
        whiteouts: the archive is a layer: ``.wh.`` entries become overlayfs's whiteouts, opaque
            directories whiteouts of what ``lower`` has in them. Otherwise such names are refused.
        lower: the layers below.
        devices: make device nodes; otherwise they are refused.
        owner: user and group id of all entries instead of the archive's.
        rights: otherwise what is made gives none on this host: no setuid and setgid bits, no
            capabilities of files; devices are left out, and the directory itself stays as it is.

    Raises:
        HostileInput: an entry tries to leave the directory, or a limit is passed, or it grows as
            only a bomb does (:mod:`dockyard.images.growth`).
        ContentMismatch: it is no tar archive, or damaged.
        NotSupported: an entry that has no meaning here.
        DiskFull: no room is left but what is to stay free.
        StateError: the directory can't be written. After any error its content is garbage.
    """
    growth = Growth(directory)
    source = growth.unpacked(stream, max_bytes=limits.bytes)
    work = _Extraction(directory, growth, limits, lower, whiteouts, devices, owner, rights)
    return _extract(source, work)


def extract_layer(
    source: Readable, directory: str, growth: Growth, *, lower: LowerView | None
) -> Extracted:
    """Unpacks a layer that is no longer compressed; see :func:`extract`.

    Args:
        lower: ``None`` where they aren't known yet: hard links to files in them are left out.
    """
    work = _Extraction(directory, growth, DEFAULT_LIMITS, lower, True, True, None, True)
    return _extract(source, work)


def _extract(source: Readable, work: _Extraction) -> Extracted:
    try:
        for tar, member in members(source):
            work.add(tar, member)
        return work.finish()
    finally:
        work.close()


class _Extraction:
    """One archive being unpacked."""

    def __init__(
        self,
        directory: str,
        growth: Growth,
        limits: Limits,
        lower: LowerView | None,
        whiteouts: bool,
        devices: bool,
        owner: tuple[int, int] | None,
        rights: bool,
    ) -> None:
        self._directory = directory
        self._growth = growth
        self._limits = limits
        self._devices = devices
        self._owner = owner
        self._rights = rights
        self._left_out: set[str] = set()
        below = NOTHING_BELOW if lower is None else lower
        self._lower = lower
        self._links_down = False
        """Whether there was a hard link to a file of the layers below."""
        self._root = ConfinedRoot(directory, below)
        self._deletions = Deletions(directory, self._root, below) if whiteouts else None
        self._entries = 0
        self._bytes = 0
        self._directory_times: dict[str, int] = {}

    def close(self) -> None:
        self._root.close()

    def add(self, tar: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        """Makes one entry."""
        self._count(member)
        try:
            self._add(tar, member)
        except DockyardError as error:
            error.context = error.context or f"entry {member.name!r}"
            raise
        except OSError as error:
            raise self._explain(error, member.name) from error

    def finish(self) -> Extracted:
        """Makes deletions, then sets the times of directories, which every new entry changes."""
        try:
            opaque = self._deletions.apply() if self._deletions is not None else False
            for path, nanoseconds in reversed(self._directory_times.items()):
                self._set_directory_time(path, nanoseconds)
        except OSError as error:
            raise self._explain(error, "the directories") from error
        return Extracted(
            entries=self._entries,
            bytes=self._bytes,
            self_contained=not (opaque or self._root.implied or self._links_down),
            left_out=len(self._left_out),
        )

    def _count(self, member: tarfile.TarInfo) -> None:
        self._entries += 1
        self._bytes += member.size if member.isreg() else 0
        limits = self._limits
        if self._entries > limits.entries:
            raise _too_large(f"the archive has more than {limits.entries} entries", member)
        if self._bytes > limits.bytes:
            raise _too_large(f"the archive is larger than {limits.bytes} bytes unpacked", member)
        if member.issparse():
            self._growth.add_blank(member.size)

    def _add(self, tar: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        path = clean(member.name)
        if self._is_deletion(path, member):
            return
        if self._is_left_out(path, member):
            return
        if member.isdir():
            self._make_directory(path, member)
            return
        if not path:
            raise HostileInput("the root of the archive is not a directory")
        if member.islnk():
            self._make_link(path, clean(member.linkname))
            return
        parent, name = self._root.parent_of(path)
        if member.isreg():
            self._make_file(parent, name, tar, member)
        else:
            self._make_special(parent, name, member)

    def _is_left_out(self, path: str, member: tarfile.TarInfo) -> bool:
        """Whether it would give rights on this host: a device, another name of one, the top."""
        if self._rights:
            return False
        again = member.islnk() and clean(member.linkname) in self._left_out
        if member.ischr() or member.isblk() or again:
            self._left_out.add(path)
            return True
        self._left_out.discard(path)
        return member.isdir() and not path

    def _is_deletion(self, path: str, member: tarfile.TarInfo) -> bool:
        parent, _, name = path.rpartition("/")
        if f"/{parent}".find(f"/{WHITEOUT_PREFIX}") >= 0:
            raise HostileInput(f"a directory is named {WHITEOUT_PREFIX}*")
        if not name.startswith(WHITEOUT_PREFIX):
            return False
        if self._deletions is None:
            raise NotSupported(
                f"an image can't hold a file whose name begins with {WHITEOUT_PREFIX}",
                hint="such names mean deletions in a layer: rename the file, or leave it out",
                reference="reserved-name",
            )
        if not member.isreg():
            raise HostileInput(f"{name} is not a file")
        self._deletions.note(parent, name)
        return True

    def _make_directory(self, path: str, member: tarfile.TarInfo) -> None:
        if path:
            parent, name = self._root.parent_of(path)
            if not _is_directory(parent, name):
                self._root.remove(parent, name)
                os.mkdir(name, 0o700, dir_fd=parent)
        else:
            parent, name = self._root.descriptor, "."
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(name, flags, dir_fd=parent)
        try:
            self._finish_open(descriptor, member)
        finally:
            os.close(descriptor)
        self._directory_times.pop(path, None)
        self._directory_times[path] = nanoseconds_of(member)

    def _make_file(
        self, parent: int, name: str, tar: tarfile.TarFile, member: tarfile.TarInfo
    ) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            descriptor = os.open(name, flags, 0o600, dir_fd=parent)
        except FileExistsError:
            self._root.remove(parent, name)
            descriptor = os.open(name, flags, 0o600, dir_fd=parent)
        try:
            copy_content(tar, member, descriptor)
            self._finish_open(descriptor, member)
            _set_time(descriptor, nanoseconds_of(member))
        finally:
            os.close(descriptor)

    def _make_special(self, parent: int, name: str, member: tarfile.TarInfo) -> None:
        kind = self._kind(member)
        self._root.remove(parent, name)
        owner, times = self._owner_of(member), (nanoseconds_of(member),) * 2
        if member.issym():
            os.symlink(member.linkname, name, dir_fd=parent)
            os.chown(name, *owner, dir_fd=parent, follow_symlinks=False)
            os.utime(name, ns=times, dir_fd=parent, follow_symlinks=False)
        else:
            mode = kind | self._mode_of(member)
            node = Node(mode=mode, device=device_of(member), owner=owner, times=times)
            make_node(parent, name, node)

    def _kind(self, member: tarfile.TarInfo) -> int:
        """The file type that ``mknod`` takes; refuses what must not be made."""
        if member.issym():
            if not member.linkname or "\0" in member.linkname:
                raise HostileInput("a symlink without a usable target")
            return stat.S_IFLNK
        if member.isfifo():
            return stat.S_IFIFO
        if not (member.ischr() or member.isblk()):
            raise NotSupported(
                f"an entry of the unknown type {member.type!r}",
                hint="pack it again with GNU tar: files, directories, links, FIFOs and devices",
            )
        if not self._devices:
            raise HostileInput(
                "a device node, which is not allowed here",
                hint="leave it out of the archive; containers get devices by --device",
            )
        return stat.S_IFCHR if member.ischr() else stat.S_IFBLK

    def _make_link(self, path: str, target: str) -> None:
        head, _, last = target.rpartition("/")
        source = self._root.open(head, os.O_PATH | os.O_DIRECTORY)
        try:
            place = last
            status = None if source is None or not last else _lstat(source, last)
            if status is None:
                below = self._place_below(target)
                if below is None:
                    return
                place, status = below, os.lstat(below)
            if stat.S_ISDIR(status.st_mode):
                raise HostileInput(f"a hard link to the directory /{target}")
            parent, name = self._root.parent_of(path)
            existing = _lstat(parent, name)
            if existing is not None and os.path.samestat(existing, status):
                return
            self._root.remove(parent, name)
            os.link(place, name, src_dir_fd=source, dst_dir_fd=parent, follow_symlinks=False)
        finally:
            if source is not None:
                os.close(source)

    def _place_below(self, target: str) -> str | None:
        """Where a file is that the archive lacks: the very file is linked to, as no layer changes.

        ``None`` where the layers below aren't known yet.
        """
        self._links_down = True
        if self._lower is None:
            return None
        view = self._lower.under(self._directory)
        head, slash, last = target.rpartition("/")
        place = view.locate(f"{view.resolve(head)}{slash}{last}".lstrip("/")) if last else None
        if place is None:
            nor = "" if self._deletions is None else " nor in the layers below it"
            raise ContentMismatch(f"a hard link to /{target}, which is not in the archive{nor}")
        return place

    def _finish_open(self, descriptor: int, member: tarfile.TarInfo) -> None:
        """Owner first: a change of owner clears setuid bits and capabilities."""
        os.fchown(descriptor, *self._owner_of(member))
        os.fchmod(descriptor, self._mode_of(member))
        for name, value in xattrs_of(member):
            if self._rights or not name.startswith("security."):
                os.setxattr(descriptor, name, value)

    def _mode_of(self, member: tarfile.TarInfo) -> int:
        return member.mode & (0o7777 if self._rights else 0o1777)

    def _owner_of(self, member: tarfile.TarInfo) -> tuple[int, int]:
        return owner_of(member) if self._owner is None else self._owner

    def _set_directory_time(self, path: str, nanoseconds: int) -> None:
        try:
            descriptor = self._root.open(path, os.O_RDONLY | os.O_DIRECTORY)
        except HostileInput:  # a later entry put something else there
            return
        if descriptor is None:
            return
        try:
            _set_time(descriptor, nanoseconds)
        finally:
            os.close(descriptor)

    def _explain(self, error: OSError, name: str) -> DockyardError:
        if error.errno in {errno.ENAMETOOLONG, errno.ELOOP}:
            return HostileInput(f"an impossible path: {error.strerror}", context=f"entry {name!r}")
        failure = unusable(self._directory, error)
        failure.context = f"entry {name!r}"
        return failure


def _too_large(message: str, member: tarfile.TarInfo) -> HostileInput:
    return HostileInput(message, context=f"entry {member.name!r}", reference="archive-too-large")


def _set_time(descriptor: int, nanoseconds: int) -> None:
    os.utime(descriptor, ns=(nanoseconds, nanoseconds))


def _lstat(directory: int, name: str) -> os.stat_result | None:
    try:
        return os.lstat(name, dir_fd=directory)
    except FileNotFoundError:
        return None


def _is_directory(parent: int, name: str) -> bool:
    status = _lstat(parent, name)
    return status is not None and stat.S_ISDIR(status.st_mode)
