"""Rules of mounts that need more than the mount itself: propagation, ``--volumes-from``. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from dockyard.containers.options import Mount
from dockyard.errors import InvalidInput

_ACCESS = frozenset({"rw", "ro"})
_SHARED = frozenset({"shared", "rshared"})
_SLAVE = frozenset({"slave", "rslave"})
_PRIVATE = frozenset({"private", "rprivate"})
_WITHOUT_MEANING = frozenset({"z", "Z"})


def volumes_from(entry: str) -> tuple[str, str]:
    """``--volumes-from``: ``CONTAINER[:ro|rw]``, as name and access.

    Raises:
        InvalidInput: neither of these modes.
    """
    name, _, mode = entry.partition(":")
    words = [word for word in mode.split(",") if word and word not in _WITHOUT_MEANING]
    if not name or len(words) > 1 or not _ACCESS.issuperset(words):
        raise InvalidInput(
            f"invalid mode: {mode}" if name else f"invalid --volumes-from: {entry}",
            hint="the form is CONTAINER[:ro|rw]",
            exit_code=125,
        )
    return name, words[0] if words else ""


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
