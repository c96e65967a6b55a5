"""Which variant gets which part of the traffic. Pure.

What is asked for comes from the file, from ``traffic set`` above that, and from a rollout above
both. A variant that was never ready gets nothing of it yet: its part goes to the others. The
service's own version gets its part in any case, as a request may have to start it.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

import msgspec

from dockyard.errors import InvalidInput, NotFound
from dockyard.serving.decide.model import Rollout
from dockyard.serving.gateway.model import Leg
from dockyard.serving.model import Scale, Service, Variant

MAX_WEIGHT = 1_000_000
"""Of one variant; sums stay far below what Envoy's 32 bits hold."""


def checked(service: Service, weights: Mapping[str, int]) -> dict[str, int]:
    """The weights of all of a service's variants, after some were set.

    Those that aren't named get 0: what is said is the whole split.

    Raises:
        NotFound: a name is no variant of the service.
        InvalidInput: a weight is negative or too large, a shadow has one, or all are 0.
    """
    known = {variant.name: variant for variant in service.variants}
    for name, weight in weights.items():
        if name not in known:
            have = ", ".join(one.name for one in service.variants if not one.shadow)
            raise NotFound(
                f"{service.name} has no variant {name!r}", hint=f"its variants are {have}"
            )
        if known[name].shadow:
            raise InvalidInput(
                f"{name} is a shadow: it gets a copy of each request, and answers none",
                hint=f"leave {name} out, or its shadow: true in the file",
            )
        if not 0 <= weight <= MAX_WEIGHT:
            raise InvalidInput(
                f"the weight of {name} is {weight}", hint=f"a whole number from 0 to {MAX_WEIGHT}"
            )
    if sum(weights.values()) == 0:
        raise InvalidInput(
            f"nothing of {service.name} would get traffic",
            hint=f"give at least one a weight above 0, such as {service.name}=100",
        )
    return {one.name: weights.get(one.name, 0) for one in service.variants if not one.shadow}


def asked(
    service: Service, said: Mapping[str, int], rollout: Rollout | None = None
) -> dict[str, int]:
    """The weights that variants are to have once they are ready, in the service's order.

    Args:
        said: by ``traffic set``; names that are no variants any more count for nothing.
        rollout: of this service, over or not; ``None`` for none.
    """
    serving = [one for one in service.variants if not one.shadow]
    named = {one.name: said[one.name] for one in serving if one.name in said}
    if sum(named.values()) > 0:
        weights = {one.name: named.get(one.name, 0) for one in serving}
    else:
        weights = {one.name: one.weight for one in serving}
    if rollout is None or rollout.canary not in weights:
        return weights
    if is_active(rollout):
        share = rollout.steps[rollout.step].weight
        return with_share(rollout.before or weights, weights, rollout.canary, share)
    return weights


def is_active(rollout: Rollout) -> bool:
    """True for one that isn't over: it decides on the traffic and holds its canary."""
    return rollout.state == "running"


def with_share(
    before: Mapping[str, int], names: Collection[str], canary: str, share: int
) -> dict[str, int]:
    """Weights in which the canary has ``share`` percent, and the others as much as before of each
    other."""
    others = {name: before.get(name, 0) for name in names if name != canary}
    total = sum(others.values())
    if total == 0:
        return {name: 100 if name == canary else 0 for name in names}
    weights = {name: weight * (100 - share) for name, weight in others.items()}
    return {name: weights.get(name, share * total) for name in names}


def legs(
    service: Service, said: Mapping[str, int], ready: Collection[str],
    rollout: Rollout | None = None,
) -> tuple[Leg, ...]:  # fmt: skip
    """What the gateway is to send where, now.

    Args:
        ready: names of variants that have been ready at least once since they were made. One that
            went to zero afterwards keeps its traffic: the activator starts it.
    """
    weights = asked(service, said, rollout)
    able = {
        name: weight if name in ready or name == service.variants[0].name else 0
        for name, weight in weights.items()
    }
    if sum(able.values()) == 0:
        able = _before_any(weights, ready)
    divisor = math.gcd(*able.values())
    return tuple(Leg(variant=name, weight=weight // divisor) for name, weight in able.items())


def _before_any(weights: Mapping[str, int], ready: Collection[str]) -> dict[str, int]:
    """One alone where none that is to get traffic was ever ready: one that was, or the first."""
    names = [name for name in weights if name in ready]
    names += [name for name, weight in weights.items() if weight > 0]  # the own one is first
    names += list(weights)
    return {name: 1 if name == names[0] else 0 for name in weights}


def held(
    service: Service, variant: Variant, said: Mapping[str, int], ready: Collection[str],
    rollout: Rollout | None = None,
) -> Scale:  # fmt: skip
    """The bounds of a variant's replicas as they are now.

    A rollout holds at least one replica of its canary. A variant beside the service's own one that
    is to get traffic is started once, as it gets none before it was ready.
    """
    scale = variant.scale
    canary = rollout is not None and is_active(rollout) and rollout.canary == variant.name
    waits = variant.name not in ready and variant.name != service.variants[0].name
    wanted = asked(service, said, rollout).get(variant.name, 0) > 0
    if not canary and not (waits and wanted):
        return scale
    return msgspec.structs.replace(scale, min=max(scale.min, 1), max=max(scale.max, 1))


def percentages(legs: Collection[Leg]) -> dict[str, float]:
    """The parts of the traffic, in percent."""
    total = sum(leg.weight for leg in legs)
    return {leg.variant: 100 * leg.weight / total if total else 0.0 for leg in legs}
