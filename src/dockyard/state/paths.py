"""Every path that Dockyard owns, derived from the two directories of the configuration.

``root`` survives a reboot, ``run`` does not. All directories are 0700: content of images, logs
and sockets of containers are nobody else's business (CVE-2020-15257).
"""

from __future__ import annotations

import binascii
import contextlib
import errno
import os
import stat

import msgspec

from dockyard.errors import DiskFull, HostileInput, PermissionMissing, StateError

HOST_LOCK_DIRECTORY = "/run/lock/dockyard"
"""Locks that all roots of a host share (subnet allocation, foreign firewall rules)."""
_RESERVE_BYTES = 2 << 20
"""Several times what the database's log and index take, and what the log brings into it."""
_LITTLE_BYTES = 1 << 20
"""Where less is free, nothing can be counted on."""
_AMPLE_BYTES = 8 * _RESERVE_BYTES


class Paths(msgspec.Struct, frozen=True):
    """Where things lie. Pure, but for :meth:`prepare` and what the reserve is for."""

    root: str
    run: str

    @property
    def root_hash(self) -> str:
        """Eight hexadecimal digits that tell this root from others in host-wide names."""
        return f"{binascii.crc32(os.fsencode(os.path.realpath(self.root))):08x}"

    @property
    def database(self) -> str:
        return f"{self.root}/state.db"

    @property
    def reserve(self) -> str:
        """Room for the records on a full disk: whatever frees it has to write first."""
        return f"{self.root}/reserve"

    @property
    def layers(self) -> str:
        return f"{self.root}/layers"

    @property
    def blobs(self) -> str:
        """Tars of layers that came from elsewhere."""
        return f"{self.root}/blobs"

    @property
    def content(self) -> str:
        """Blobs under their own digests, as registries have them."""
        return f"{self.blobs}/sha256"

    @property
    def downloads(self) -> str:
        """Blobs of which a part is here."""
        return f"{self.root}/downloads"

    @property
    def volumes(self) -> str:
        return f"{self.root}/volumes"

    @property
    def models(self) -> str:
        """Directories with the files of models, as containers see them."""
        return f"{self.root}/models"

    @property
    def containers(self) -> str:
        return f"{self.root}/containers"

    @property
    def caches(self) -> str:
        """What cache mounts of builds hold."""
        return f"{self.root}/cache"

    @property
    def workspaces(self) -> str:
        return f"{self.root}/work"

    @property
    def locks(self) -> str:
        return f"{self.run}/locks"

    @property
    def runtime_state(self) -> str:
        """The ``--root`` of the OCI runtime."""
        return f"{self.run}/runtime"

    @property
    def exits(self) -> str:
        """conmon writes a file per exited container here."""
        return f"{self.run}/exits"

    @property
    def controller(self) -> str:
        """Heartbeat and wake-up pipe of the controller, while there is one."""
        return f"{self.run}/controller"

    @property
    def names(self) -> str:
        """Files of the name servers, while one may be running."""
        return f"{self.run}/names"

    @property
    def serving(self) -> str:
        """Sockets, configuration and monitors of what serves services, while there are any."""
        return f"{self.run}/serving"

    @property
    def controller_log(self) -> str:
        return f"{self.root}/controller.log"

    def layer(self, layer_id: str) -> str:
        """The directory that overlayfs mounts as a lower directory."""
        return f"{self.layers}/{layer_id}"

    def blob(self, layer_id: str) -> str:
        """The tar of a layer as it came, compressed in some way."""
        return f"{self.blobs}/{layer_id}"

    def container(self, container_id: str) -> str:
        return f"{self.containers}/{container_id}"

    def log(self, container_id: str) -> str:
        """The file that conmon writes a container's output to."""
        return f"{self.container(container_id)}/container.log"

    def bundle(self, container_id: str) -> str:
        return f"{self.run}/containers/{container_id}"

    def workspace(self, workspace_id: str) -> str:
        return f"{self.workspaces}/{workspace_id}"

    def model(self, model_id: str) -> str:
        """The directory of one model, by the digest of its manifest."""
        return f"{self.models}/{model_id.removeprefix('sha256:')}"

    def cache(self, cache_id: str) -> str:
        """The directory of one cache mount; what steps see is below it."""
        return f"{self.caches}/{cache_id}"

    def batch(self, batch_id: str) -> str:
        """The records of one batch, what came of them so far, and what its containers said."""
        return f"{self.root}/batches/{batch_id}"

    def volume(self, name: str) -> str:
        """The directory that is mounted into containers."""
        return f"{self.volumes}/{name}/_data"

    def prepare(self) -> None:
        """Makes the directories, and the reserve where there is ample room. Idempotent.

        Raises:
            PermissionMissing: the directories can't be written by this user.
            HostileInput: one is there that other users can change: layers and records could be
                theirs.
            DiskFull: there is no room for a directory.
        """
        for directory in (
            self.root, self.layers, self.blobs, self.content, self.downloads, self.volumes,
            self.models, self.containers, self.workspaces, self.caches, self.run, self.locks,
            self.runtime_state, self.exits, f"{self.run}/containers",
        ):  # fmt: skip
            make_directory(directory)
        if not os.path.exists(self.reserve) and _available(self.root) >= _AMPLE_BYTES:
            with contextlib.suppress(OSError):  # another command makes it
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
                _allocate(os.open(self.reserve, flags, 0o600), _RESERVE_BYTES)

    def give_up_reserve_if_full(self) -> None:
        """Frees the reserve where the disk is full, for whoever is about to write a record."""
        if not _has_room(self.root, _LITTLE_BYTES):
            with contextlib.suppress(OSError):
                os.unlink(self.reserve)

    def require_room(self) -> None:
        """Refuses to make something new on a full disk: that would take what removing needs.

        Raises:
            DiskFull: it is full, but for the reserve.
        """
        if not _has_room(self.root, _RESERVE_BYTES + _LITTLE_BYTES):
            raise DiskFull(self.root)


def _has_room(directory: str, size: int) -> bool:
    """Tries it out where it isn't clear: some free blocks only root may use, some nobody."""
    if _available(directory) >= size:
        return True
    try:
        flags = os.O_WRONLY | os.O_TMPFILE | os.O_CLOEXEC
        _allocate(os.open(directory, flags, 0o600), size)
    except OSError:
        return False
    return True


def _available(directory: str) -> int:
    """Bytes that everybody may write; none where the directory can't be used."""
    try:
        disk = os.statvfs(directory)
    except OSError:
        return 0
    return disk.f_bavail * disk.f_frsize


def _allocate(descriptor: int, size: int) -> None:
    try:
        os.posix_fallocate(descriptor, 0, size)
    finally:
        os.close(descriptor)


def make_directory(path: str) -> None:
    """Makes a directory of this user's alone, where there is none.

    Raises:
        PermissionMissing: it can't be written by this user.
        HostileInput: it is there, and other users can change it.
        DiskFull: there is no room for it.
    """
    try:
        if not os.path.isdir(path):
            os.makedirs(path, mode=0o700, exist_ok=True)
        elif not os.access(path, os.W_OK | os.X_OK):
            read_only = os.statvfs(path).f_flag & os.ST_RDONLY
            raise OSError(errno.EROFS if read_only else errno.EACCES, "not writable", path)
        kept = _is_ours_alone(path)
    except OSError as error:
        raise unusable(path, error) from error
    if not kept:
        raise HostileInput(
            f"other users can change what is in {path}",
            hint="look at its owner and mode (ls -ld); if only you put something there, keep it"
            f" with chown {os.geteuid()} {path} && chmod go-w {path}; otherwise name other"
            " directories with DOCKYARD_ROOT and DOCKYARD_RUN",
            reference="foreign-directory",
        )


def _is_ours_alone(path: str) -> bool:
    """False where another user owns a directory or the link to it, or can write into it."""
    own, found = os.geteuid(), os.stat(path)
    return os.lstat(path).st_uid == found.st_uid == own and not found.st_mode & 0o022


def make_lock_directory(path: str) -> None:
    """Makes a directory for locks in a place where every user may make some.

    Raises:
        HostileInput: there is one of another user, or a symlink: files opened in it could be any.
    """
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)
        found = os.lstat(path)
    except OSError as error:
        raise unusable(path, error) from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise HostileInput(
            f"{path} is not a directory of this user's alone",
            hint=f"find out who made it, then remove it: rm -r {path}",
            reference="foreign-lock-directory",
        )


def unusable(path: str, error: OSError) -> StateError | PermissionMissing:
    """The user's view of an ``OSError`` on the state directories."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return DiskFull(path)
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return PermissionMissing(
            f"cannot write {path}: {os.strerror(error.errno)}",
            hint="run as root, or set DOCKYARD_ROOT and DOCKYARD_RUN to directories you may write",
        )
    return StateError(
        f"cannot use {path}: {os.strerror(error.errno or 0)}",
        hint="DOCKYARD_ROOT and DOCKYARD_RUN name the directories that Dockyard uses",
    )
