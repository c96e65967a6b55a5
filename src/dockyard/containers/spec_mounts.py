"""Rules of mounts that need more than the mount itself: propagation, ``--volumes-from``. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from dockyard.containers.options import Mount, Options
from dockyard.errors import InvalidInput, NotSupported

_ACCESS = frozenset({"rw", "ro"})
_SHARED = frozenset({"shared", "rshared"})
_SLAVE = frozenset({"slave", "rslave"})
_LABELS = frozenset({"z", "Z"})
_PRIVATE = frozenset({"private", "rprivate"})


def volumes_from(entry: str) -> tuple[str, str]:
    """``--volumes-from``: ``CONTAINER[:ro|rw]``, as name and access.

    Raises:
        InvalidInput: neither of these modes.
    """
    name, _, mode = entry.partition(":")
    words = [word for word in mode.split(",") if word and word not in _LABELS]
    if not name or len(words) > 1 or not _ACCESS.issuperset(words):
        raise InvalidInput(
            f"invalid mode: {mode}" if name else f"invalid --volumes-from: {entry}",
            hint="the form is CONTAINER[:ro|rw]",
            exit_code=125,
        )
    return name, words[0] if words else ""


def check_labels(options: Options, *, selinux: bool) -> None:
    """Refuses ``:z`` and ``:Z`` where they have something to do.

    Args:
        selinux: the host has SELinux; without it they mean nothing, as in Docker.

    Raises:
        NotSupported: a source would have to get another label.
    """
    if not selinux:
        return
    given = [entry for entry in options.volumes_from
             if not _LABELS.isdisjoint(entry.partition(":")[2].split(","))]  # fmt: skip
    for name in (*(mount.target for mount in options.mounts if mount.relabel), *given):
        raise NotSupported(
            f"the SELinux label of {name} can't be changed: Dockyard doesn't label files yet",
            hint="leave :z or :Z out, and label the source so that containers may use it:"
            " chcon -Rt container_file_t DIRECTORY",
            exit_code=125,
        )


def root_propagation(mounts: Sequence[Mount], mountinfo: str) -> str:
    """How the container's root has to propagate for its binds to; empty where it needn't.

    Args:
        mountinfo: ``/proc/self/mountinfo``.

    Raises:
        InvalidInput: a source lies on a mount that doesn't propagate itself.
    """
    wanted = ""
    for mount in mounts:
        options = set(mount.options)
        if mount.kind != "bind" or not options & (_SHARED | _SLAVE):
            continue
        point, shared, slave = _mount_of(mount.source or "/", mountinfo)
        kind = "shared" if options & _SHARED else "shared or slave"
        if not (shared or (slave and options & _SLAVE)):
            raise InvalidInput(
                f"path {mount.source} is mounted on {point} but it is not a {kind} mount",
                hint=f"mount --make-shared {point} on the host makes it one",
                exit_code=125,
            )
        wanted = "shared" if options & _SHARED else wanted or "rslave"
    return wanted


def propagation(mount: Mount) -> str:
    """How mounts in a bind propagate, ``rprivate`` unless it says otherwise; empty for others."""
    if mount.kind != "bind":
        return ""
    known = _SHARED | _SLAVE | _PRIVATE
    return next((word for word in mount.options if word in known), "rprivate")


def _mount_of(path: str, mountinfo: str) -> tuple[str, bool, bool]:
    """The mount point that a path is on, whether it is shared, and whether a slave."""
    best, fields = "", list[str]()
    for line in mountinfo.splitlines():
        before = line.partition(" - ")[0].split()
        point = before[4].replace("\\040", " ")
        inside = point == "/" or f"{path}/".startswith(f"{point}/")
        if inside and len(point) >= len(best):
            best, fields = point, before[6:]
    return (
        best,
        any(field.startswith("shared:") for field in fields),
        any(field.startswith("master:") for field in fields),
    )
