"""A model's directory, which containers mount: hard links to its blobs, and what its archives hold.

It is made beside its place and renamed, and never changed: files are 0444, directories 0555.
"""

from __future__ import annotations

import os
import tarfile

from dockyard.errors import ContentMismatch, HostileInput
from dockyard.images.content import ContentStore
from dockyard.images.growth import Growth
from dockyard.images.streams import Hashed, drain
from dockyard.images.tarreader import copy_content, members
from dockyard.models import naming
from dockyard.models.model import Contents, Part
from dockyard.state.paths import unusable
from dockyard.system import files, syscalls

_FILE, _DIRECTORY = 0o444, 0o555
_MOST_FILES = 100_000
_MOST_BYTES = 1 << 42


def make(contents: Contents, content: ContentStore, target: str) -> None:
    """Makes the directory of a model; what a killed command left of it goes first.

    Args:
        content: has all its blobs.

    Raises:
        HostileInput: an archive's entries leave the directory, meet, are no files, or are too many.
        ContentMismatch: an archive is damaged, or not what the configuration says.
        DiskFull, StateError: it can't be written.
    """
    staging = f"{target}.new"
    try:
        remove(staging)
        os.makedirs(staging, mode=0o700)
        tree = _Tree(staging, content)
        for part in contents.parts:
            tree.add(part)
        tree.seal()
        _sync(staging)
        os.rename(staging, target)
        _sync(os.path.dirname(target))
    except OSError as error:
        remove(staging)
        raise unusable(target, error) from error
    except BaseException:
        remove(staging)
        raise


def remove(directory: str) -> None:
    """Removes a model's directory; missing is fine."""
    if os.geteuid() != 0:  # who isn't root can't remove from what he can't write to
        for path, _, _ in os.walk(directory):
            os.chmod(path, 0o700)
    files.remove_tree(directory)


class _Tree:
    def __init__(self, directory: str, content: ContentStore) -> None:
        self._directory = directory
        self._content = content
        self._taken = naming.Taken()
        self._growth = Growth(directory)
        self._made: set[str] = set()
        self._count = 0

    def add(self, part: Part) -> None:
        """The file of a part, or the files."""
        blob = self._content.path(part.blob.digest)
        if part.packing != "raw":
            self._unpack(part, blob)
            return
        if not os.stat(blob).st_mode & 0o004:
            os.chmod(blob, _FILE)
        os.link(blob, self._place(part.path))

    def seal(self) -> None:
        """Makes all directories read-only, the innermost first."""
        for path in sorted(self._made, key=len, reverse=True):
            os.chmod(f"{self._directory}/{path}", _DIRECTORY)
        os.chmod(self._directory, _DIRECTORY)

    def _place(self, path: str) -> str:
        self._taken.add(path)
        self._counted()
        self._parents(path.rpartition("/")[0])
        return f"{self._directory}/{path}"

    def _parents(self, path: str) -> None:
        if not path or path in self._made:
            return
        self._parents(path.rpartition("/")[0])
        os.mkdir(f"{self._directory}/{path}", 0o700)
        self._made.add(path)

    def _counted(self) -> None:
        self._count += 1
        if self._count > _MOST_FILES:
            raise HostileInput(f"the model has more than {_MOST_FILES} files")

    def _unpack(self, part: Part, blob: str) -> None:
        with open(blob, "rb") as stream:
            plain = Hashed(self._growth.unpacked(stream, max_bytes=_MOST_BYTES))
            try:
                for tar, member in members(plain):
                    self._entry(tar, member)
                drain(plain)
            except (HostileInput, ContentMismatch) as error:
                error.context = error.context or f"layer {part.blob.digest}"
                raise
        if part.diff_id not in {"", plain.digest}:
            raise ContentMismatch(
                f"a layer of the model is not what its configuration says: its content has the"
                f" digest {plain.digest}, not {part.diff_id[:80]}",
                reference="digest-mismatch",
            )

    def _entry(self, tar: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        name = member.name.rstrip("/")
        if member.isdir():
            if name not in {"", "."}:
                self._directory_entry(naming.check_path(name))
            return
        if not member.isreg():
            raise HostileInput(
                f"the model's archive has an entry {name[:200]!r} that is neither a file nor a"
                " directory"
            )
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(self._place(naming.check_path(name)), flags, 0o600)
        try:
            copy_content(tar, member, descriptor)
            os.fchmod(descriptor, _FILE)
        finally:
            os.close(descriptor)

    def _directory_entry(self, path: str) -> None:
        self._taken.add_directory(path)
        self._counted()
        self._parents(path)


def _sync(directory: str) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        syscalls.syncfs(descriptor)
    finally:
        os.close(descriptor)
