"""Keeping a service that the gateway refuses from the others. Pure, but for the question asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec
from msgspec.structs import replace

from dockyard.serving.gateway.model import Served
from dockyard.serving.store import Key

Ask = Callable[[Sequence[Served]], str]
"""What the gateway says against services, in its own words; nothing where it takes them."""


class Refusal(msgspec.Struct, frozen=True):
    """A declaration that the gateway doesn't take."""

    declaration: Served
    why: str


def key_of(served: Served) -> Key:
    """Project and service."""
    return served.service.project, served.service.name


def declaration(served: Served) -> Served:
    """A service without what changes by itself: shares of traffic and replicas."""
    return replace(served, legs=(), upstreams=())


def declarations(served: Iterable[Served]) -> dict[Key, Served]:
    """Services without what changes by itself, by name."""
    return {key_of(one): declaration(one) for one in served}


def changed(wanted: Iterable[Served], loaded: Iterable[Served]) -> list[Served]:
    """Those that aren't declared as what the gateway has loaded."""
    known = declarations(loaded)
    return [one for one in wanted if known.get(key_of(one)) != declaration(one)]


def culprits(candidates: Sequence[Served], ask: Ask) -> dict[Key, Refusal]:
    """Which services are refused for themselves, found by halves.

    Those that are refused only beside each other are none's fault, and not among them.
    """
    said = ask(candidates) if candidates else ""
    if not said:
        return {}
    if len(candidates) == 1:
        (one,) = candidates
        return {key_of(one): Refusal(declaration(one), said)}
    middle = len(candidates) // 2
    return culprits(candidates[:middle], ask) | culprits(candidates[middle:], ask)


def still(refusals: Mapping[Key, Refusal], wanted: Iterable[Served]) -> dict[Key, Refusal]:
    """The refusals of services that are still declared so."""
    declared = declarations(wanted)
    return {key: one for key, one in refusals.items() if declared.get(key) == one.declaration}


def without(loaded: Iterable[Served], refusals: Mapping[Key, Refusal]) -> tuple[Served, ...]:
    """What was loaded, but for what is refused now as it was: no service can go on as that."""
    return tuple(
        one
        for one in loaded
        if (known := refusals.get(key_of(one))) is None or known.declaration != declaration(one)
    )


def acceptable(
    wanted: Iterable[Served], refusals: Mapping[Key, Refusal], loaded: Iterable[Served]
) -> tuple[Served, ...]:
    """What can be offered: in place of a refused declaration the one that was loaded before, with
    the replicas of now; nothing where there was none."""
    known = {key_of(one): one for one in loaded}
    found = (
        one if key_of(one) not in refusals else _before(one, known.get(key_of(one)))
        for one in wanted
    )
    return tuple(one for one in found if one is not None)


def _before(now: Served, before: Served | None) -> Served | None:
    if before is None:
        return None
    current = {one.id: one.backends for one in now.upstreams}
    upstreams = tuple(
        replace(one, backends=current.get(one.id, ())) for one in before.upstreams
    )  # of a variant that isn't there any more, the activator answers
    names = {one.variant for one in before.legs}
    legs = now.legs if {one.variant for one in now.legs} == names else before.legs
    return replace(before, upstreams=upstreams, legs=legs)
