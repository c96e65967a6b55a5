"""Unpacking a tar stream into a container (``cp`` from ``-``), whatever its names say."""

from __future__ import annotations

import os
import stat
import tarfile

from dockyard.containers.content.rooted import Rooted
from dockyard.containers.content.transfer import clear_place, make_directory, new_file
from dockyard.errors import HostileInput, InvalidInput
from dockyard.images.confined import clean
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
from dockyard.system.nodes import Node, make_node

_MAX_BYTES = 1 << 44
_DIRECTORY = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
_MODES = {tarfile.CHRTYPE: stat.S_IFCHR, tarfile.BLKTYPE: stat.S_IFBLK,
          tarfile.FIFOTYPE: stat.S_IFIFO}  # fmt: skip


def unpack(stream: Readable, rooted: Rooted, directory: str, growth: Growth) -> int:
    """Unpacks an archive, plain or compressed, into a directory; the bytes of its files.

    Owners, modes and times are those of the archive. Symlinks on the way are resolved within the
    container.

    Raises:
        ContentMismatch: it is no archive, or damaged.
        HostileInput: a name with ``..``, or a hard link out of the archive; or it grows as only
            a bomb does.
        DiskFull: no room is left but what is to stay free.
        InvalidInput: a file would replace a directory, or a directory a file.
    """
    work = _Unpacking(rooted, directory, growth)
    for tar, member in members(growth.unpacked(stream, max_bytes=_MAX_BYTES)):
        work.take(tar, member)
    work.settle()
    return work.size


class _Unpacking:
    def __init__(self, rooted: Rooted, directory: str, growth: Growth) -> None:
        self._rooted = rooted
        self._base = directory
        self._growth = growth
        self._times: list[tuple[str, int]] = []
        self.size = 0

    def take(self, tar: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        path = clean(member.name)
        if not path:
            return
        parent, _, name = path.rpartition("/")
        directory = self._directory(parent)
        try:
            self._place(tar, member, directory, name)
        finally:
            os.close(directory)
        if member.isdir():
            self._times.append((path, nanoseconds_of(member)))

    def settle(self) -> None:
        """Gives directories their times, which what was put into them changed."""
        for path, moment in reversed(self._times):
            descriptor = self._directory(path)
            try:
                os.utime(f"/proc/self/fd/{descriptor}", ns=(moment, moment))
            finally:
                os.close(descriptor)

    def _directory(self, path: str) -> int:
        """A descriptor of a directory, made with its parents where missing."""
        place = f"{self._base}/{path}"
        try:
            return self._rooted.open(place, _DIRECTORY)
        except FileNotFoundError:
            self._make_missing(path)
            return self._rooted.open(place, _DIRECTORY)
        except NotADirectoryError as error:
            raise InvalidInput(
                f"{path} is not a directory in the container",
                hint="choose another place in the container, or remove the file",
            ) from error

    def _make_missing(self, path: str) -> None:
        """Makes the directories of a path that aren't there; their number is the archive's."""
        above = self._rooted.open(self._base, _DIRECTORY)
        place = self._base
        for name in path.split("/"):
            place = f"{place}/{name}"
            try:
                below = self._rooted.find(place, follow=True)
                if below is None:
                    os.mkdir(name, 0o755, dir_fd=above)
                    below = self._rooted.open(place, _DIRECTORY)
            finally:
                os.close(above)
            above = below
        os.close(above)

    def _place(
        self, tar: tarfile.TarFile, member: tarfile.TarInfo, directory: int, name: str
    ) -> None:
        if member.isdir():
            self._make_directory(member, directory, name)
            return
        clear_place(directory, name)
        if member.islnk():
            self._link(member, directory, name)
            return
        if member.isreg():
            if member.issparse():
                self._growth.add_blank(member.size)
            with new_file(directory, name) as writer:
                copy_content(tar, member, writer)
                self._describe(writer, member)
            self.size += member.size
            return
        owner, times = owner_of(member), (nanoseconds_of(member),) * 2
        if member.issym():
            os.symlink(member.linkname, name, dir_fd=directory)
            os.chown(name, *owner, dir_fd=directory, follow_symlinks=False)
            os.utime(name, ns=times, dir_fd=directory, follow_symlinks=False)
        elif member.type in _MODES:
            mode = _MODES[member.type] | member.mode & 0o7777
            node = Node(mode=mode, device=device_of(member), owner=owner, times=times)
            make_node(directory, name, node)
        else:
            raise HostileInput(f"an entry of unknown kind: {member.name!r}")

    def _make_directory(self, member: tarfile.TarInfo, directory: int, name: str) -> None:
        make_directory(directory, name)
        made = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=directory)
        try:
            self._describe(made, member)
        finally:
            os.close(made)

    def _link(self, member: tarfile.TarInfo, directory: int, name: str) -> None:
        target = clean(member.linkname)
        parent, _, last = target.rpartition("/")
        source = self._directory(parent)
        try:
            os.link(last, name, src_dir_fd=source, dst_dir_fd=directory, follow_symlinks=False)
        except FileNotFoundError as error:
            raise HostileInput(f"a hard link to {target!r}, which the archive lacks") from error
        finally:
            os.close(source)

    def _describe(self, descriptor: int, member: tarfile.TarInfo) -> None:
        os.fchown(descriptor, *owner_of(member))
        os.fchmod(descriptor, member.mode & 0o7777)
        for name, value in xattrs_of(member):
            os.setxattr(descriptor, name, value)
        moment = nanoseconds_of(member)
        os.utime(descriptor, ns=(moment, moment))
