"""Whether a container is still what its service asks for. Pure."""

from __future__ import annotations

from dockyard.compose.desired.service import Desired
from dockyard.compose.observe import Observed
from dockyard.compose.situation import Situation


def differs(
    wanted: Desired, each: Observed, situation: Situation, *, checks_networks: bool = True
) -> bool:
    """True where it was made of something else, or lost a network or volume since.

    Args:
        checks_networks: false for one that has been taken off them on purpose.
    """
    if each.hash != wanted.hash:
        return True
    if checks_networks and each.running and _networks(wanted, situation) - set(each.networks):
        return True
    has = {mount.source for mount in each.record.mounts if mount.kind == "volume"}
    return bool(_volumes(wanted) - has)


def _networks(wanted: Desired, situation: Situation) -> set[str]:
    """The names of its networks; one that is external may be named by its id."""
    by_id = {each.id: name for name, each in situation.networks.items()}
    asked = wanted.options.networking.connections or ()
    return {by_id.get(each.network, each.network) for each in asked}


def _volumes(wanted: Desired) -> set[str]:
    return {
        mount.source
        for mount in wanted.options.mounts
        if mount.kind == "volume" and mount.source is not None
    }
