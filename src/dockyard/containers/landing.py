"""Where a container's mounts land, since links of its image lead them elsewhere than they say.

What keeps the system's mounts on top is their order (:mod:`dockyard.oci.runtime`), whoever changes
a link in the meantime. Here is found what would be of no use then, or mounted over the root, so
that it is refused with a reason.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from dockyard.errors import InvalidInput
from dockyard.oci.runtime import SpecMount, in_system_place, plain

if TYPE_CHECKING:
    from dockyard.images.view import LowerView


def check(rootfs: str, links: Collection[str], mounts: Sequence[SpecMount]) -> None:
    """Refuses mounts that the container's root leads astray.

    Args:
        rootfs: where the root is mounted.
        links: those of the system's places that are symlinks in it.
        mounts: what users, images and vendors want mounted.

    Raises:
        InvalidInput: see :func:`check_system_places`, :func:`check_nested` and
            :func:`check_landings`.
        HostileInput: links without end.
    """
    from dockyard.images.view import LowerView

    check_system_places(links)
    check_nested(mounts)
    check_landings(LowerView((rootfs,)), mounts)


def check_system_places(links: Collection[str]) -> None:
    """Refuses a root that has links in place of ``/proc``, ``/dev`` or ``/sys``. Pure.

    They would take the engine's mounts to where others have theirs.
    """
    for place in sorted(links):
        raise InvalidInput(
            f"the image has a symbolic link in place of {place}",
            hint="mend the image: it has to be a directory, or missing",
            reference="forbidden-mount",
            exit_code=125,
        )


def check_nested(mounts: Sequence[SpecMount]) -> None:
    """Refuses a mount in another one's content below the system's places. Pure.

    It is made when ``/proc`` and ``/dev`` are there already, and a link in that content would
    lead it over them. An empty tmpfs has none.
    """
    inside = [plain(mount.destination) for mount in mounts]
    inside = [target for target in inside if in_system_place(target)]
    for outer in mounts:
        place = plain(outer.destination)
        below = [target for target in inside if target.startswith(f"{place}/")]
        if outer.type != "tmpfs" and in_system_place(place) and below:
            raise InvalidInput(
                f"cannot mount on {below[0]}: it lies in what is mounted on {place}",
                hint=f"mount a tmpfs on {place}, or choose another target",
                reference="forbidden-mount",
                exit_code=125,
            )


def check_landings(root: LowerView, mounts: Sequence[SpecMount]) -> None:
    """Refuses a mount that links lead onto the root, or into the system's places. Reads only.

    Args:
        root: what is there before.
    """
    mounted: dict[str, LowerView] = {}
    for mount in sorted(mounts, key=lambda one: plain(one.destination).count("/")):
        target = plain(mount.destination)
        if in_system_place(target):  # those lie on the system's mounts, where no image has links
            continue
        reached = resolve(root, mounted, target)
        if reached == "" or in_system_place(f"/{reached}"):
            raise InvalidInput(
                f"cannot mount on {target}: links lead it to /{reached},"
                " where the container needs its own",
                hint="choose another target, or mend the image or volume that has the link",
                reference="forbidden-mount",
                exit_code=125,
            )
        mounted[reached] = type(root)((mount.source,) if mount.type == "bind" else ())


def resolve(root: LowerView, mounted: Mapping[str, LowerView], path: str) -> str:
    """Where a path leads, relative to the root, by links of the root and of what lies over it.

    Args:
        mounted: by place, relative to the root, what is mounted there.

    Raises:
        HostileInput: more than 40 symlinks, as in a loop.
    """
    from dockyard.images.view import follow

    def link(step: str) -> str | None:
        if step in mounted:
            return None
        over = max((at for at in mounted if step.startswith(f"{at}/")), key=len, default=None)
        if over is None:
            return root.link(step)
        return mounted[over].link(step[len(over) + 1 :])

    return follow(path, link)
