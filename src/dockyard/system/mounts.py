"""Mounting and unmounting what containers and builds need, and finding what was left mounted."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from dockyard.system import host, syscalls

_CLASSIC_DATA_LIMIT = 4095
_ROOT_MODE = 0o755
_VOLATILE_SINCE = (5, 10)
"""The kernel whose overlayfs can leave out all syncing."""

_OVERLAY_FLAGS: tuple[tuple[str, str], ...] = (
    ("index", "off"),
    ("metacopy", "off"),
    ("redirect_dir", "nofollow"),
)
"""What makes an upper directory a plain layer: no hidden state of overlayfs in it."""


class Overlay(msgspec.Struct, frozen=True, kw_only=True):
    """An overlay mount to make.

    ``lowers`` go from the base layer up (OCI's order); overlayfs itself wants the reverse. One may
    be there more than once: see :func:`distinct`.
    """

    target: str
    lowers: tuple[str, ...]
    upper: str | None = None
    work: str | None = None
    volatile: bool = False
    """Nothing in it needs to survive a crash of the host, unless synced through ``upper``."""


def mount_overlay(overlay: Overlay) -> None:
    """Mounts it. A single read-only layer becomes a bind mount, for overlayfs wants two.

    Raises:
        OSError: the kernel refused; the target is not mounted then.
    """
    overlay = replace(overlay, lowers=distinct(overlay.lowers))
    if overlay.upper is None and len(overlay.lowers) == 1:
        bind(overlay.lowers[0], overlay.target, read_only=True)
        return
    try:
        _mount_by_new_api(overlay)
    except OSError as error:
        if error.errno not in {errno.ENOSYS, errno.EINVAL}:
            raise
        _mount_classic(overlay)


def distinct(lowers: Sequence[str]) -> tuple[str, ...]:
    """Layers, base first, each only where it lies uppermost: overlayfs takes none twice. Pure.

    The tree is the same. Whatever a lower occurrence shows or hides, the uppermost one shows or
    hides as well, and it comes first; what a layer between does to the lower one changes nothing.
    """
    return tuple(dict.fromkeys(reversed(lowers)))[::-1]


def _mount_by_new_api(overlay: Overlay) -> None:
    options: list[tuple[str, str | None]] = [("source", "dockyard")]
    options += [("lowerdir+", lower) for lower in reversed(overlay.lowers)]
    if overlay.upper is not None:
        options += [("upperdir", overlay.upper), ("workdir", overlay.work)]
    options += _OVERLAY_FLAGS
    if _is_volatile(overlay):
        options.append(("volatile", None))
    syscalls.new_mount("overlay", options, overlay.target, 0)


def _mount_classic(overlay: Overlay) -> None:
    """mount(2): its data is one page, so many layers go by short paths from an open directory."""
    directory = os.path.dirname(overlay.lowers[0])
    descriptor = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        prefix = f"/proc/self/fd/{descriptor}"
        lowers = [
            f"{prefix}/{os.path.basename(lower)}" if os.path.dirname(lower) == directory else lower
            for lower in reversed(overlay.lowers)
        ]
        data = "lowerdir=" + ":".join(lowers)
        if overlay.upper is not None:
            data += f",upperdir={overlay.upper},workdir={overlay.work}"
        data += "".join(f",{name}={value}" for name, value in _OVERLAY_FLAGS)
        data += ",volatile" if _is_volatile(overlay) else ""
        if len(data) > _CLASSIC_DATA_LIMIT:
            raise OSError(errno.E2BIG, "too many layers for this kernel's mount(2)")
        syscalls.mount("dockyard", overlay.target, "overlay", 0, data)
    finally:
        os.close(descriptor)


def _is_volatile(overlay: Overlay) -> bool:
    """Without it to unmount is to sync the whole filesystem below, and each fsync inside counts."""
    return overlay.volatile and host.kernel_version() >= _VOLATILE_SINCE


def begin_upper(upper: str, lowers: Sequence[str]) -> None:
    """Gives a new upper directory the mode and owner of the root below, which it hides.

    Without layers it is root's and 0755, whatever the umask of this process.
    """
    if not lowers:
        os.chmod(upper, _ROOT_MODE)
        return
    below = os.stat(lowers[-1])
    os.chown(upper, below.st_uid, below.st_gid)
    os.chmod(upper, stat.S_IMODE(below.st_mode))


def bind(source: str, target: str, *, read_only: bool = False) -> None:
    """Bind-mounts ``source`` (not what is mounted below it) on ``target``."""
    syscalls.mount(source, target, "none", syscalls.MS_BIND)
    if read_only:
        flags = syscalls.MS_BIND | syscalls.MS_REMOUNT | syscalls.MS_RDONLY
        syscalls.mount("none", target, "none", flags)


def bind_below(root: str, path: str, target: str) -> None:
    """Bind-mounts what ``path`` leads to below ``root`` on ``target``, which is made for it.

    Symlinks on the way stay inside, whoever changes them meanwhile: what is mounted is what was
    opened (CVE-2024-23651).

    Raises:
        OSError: there is no such path.
    """
    top = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        source = syscalls.openat2(
            top, path.lstrip("/") or ".", os.O_PATH,
            resolve=syscalls.RESOLVE_IN_ROOT | syscalls.RESOLVE_NO_MAGICLINKS,
        )  # fmt: skip
    finally:
        os.close(top)
    try:
        if stat.S_ISDIR(os.fstat(source).st_mode):
            os.mkdir(target, 0o700)
        else:
            os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        bind(f"/proc/self/fd/{source}", target)
    finally:
        os.close(source)


def mount_memory(target: str) -> None:
    """Mounts a filesystem that is in memory only and never written to swap (ramfs)."""
    syscalls.mount("ramfs", target, "ramfs", syscalls.MS_NOSUID | syscalls.MS_NODEV, "mode=700")


def unmount(target: str) -> None:
    """Unmounts ``target`` if it is mounted; a busy one is detached and goes with its last user."""
    try:
        syscalls.unmount(target, syscalls.UMOUNT_NOFOLLOW)
    except OSError as error:
        if error.errno in {errno.EINVAL, errno.ENOENT}:
            return
        if error.errno != errno.EBUSY:
            raise
        syscalls.unmount(target, syscalls.MNT_DETACH | syscalls.UMOUNT_NOFOLLOW)


def mounted_below(directory: str, mountinfo: str) -> tuple[str, ...]:
    """Mount points at or below ``directory``, deepest and latest first. Pure.

    Args:
        mountinfo: text of ``/proc/self/mountinfo`` (proc(5)); octal escapes are decoded.
    """
    prefix = directory.rstrip("/")
    points = [_unescape(line.split(" ", 5)[4]) for line in mountinfo.splitlines() if line]
    found = [point for point in points if point == prefix or point.startswith(prefix + "/")]
    return tuple(reversed(found))


def unmount_below(directory: str) -> None:
    """Unmounts everything at or below ``directory``."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as stream:
        points: Sequence[str] = mounted_below(directory, stream.read())
    for point in points:
        unmount(point)


def _unescape(text: str) -> str:
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, character)
    return text
