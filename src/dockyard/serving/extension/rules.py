"""What the properties of one block say of each other. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from dockyard.serving.extension.reading import Values, Wrong

SERVICE: Final = (
    "route", "timeout", "max_body", "idempotent", "sticky", "queue", "rate_limit", "auth",
)  # fmt: skip
"""What clients see of a service: its variants have it in common."""
VARIANT: Final = ("port", "protocol", "scale", "ready", "concurrency", "grace", "keep_alive")
"""What a variant may say otherwise than its service."""
_JOINED: Final = ("scale", "ready")
_SHORTEST_FILL: Final = 0.05
"""Seconds; Envoy fills no bucket more often."""
MEASURED: Final = "concurrency"
"""The metric of a service that says nothing of it, and the only one with a target by itself."""


def joined(base: Values, own: Values) -> Values:
    """What a variant says over what its service says; a target belongs to its metric."""
    found: Values = {name: base[name] for name in VARIANT if name in base}
    for name in VARIANT:
        if name in own and name in _JOINED:
            found[name] = {**_kept(found.get(name, {}), own[name]), **own[name]}
        elif name in own:
            found[name] = own[name]
    return found


def _kept(base: Mapping[str, Any], own: Mapping[str, Any]) -> Mapping[str, Any]:
    if own.get("metric", base.get("metric")) == base.get("metric"):
        return base
    return {name: value for name, value in base.items() if name != "target"}


def scale(values: Values) -> Values:
    """How many replicas, with what follows where it isn't said."""
    given = values.get("scale", {})
    least = given.get("min", 1)
    found = {"max": max(least, 1), **given}
    if given.get("metric", MEASURED) == MEASURED and values.get("concurrency"):
        found.setdefault("target", float(values["concurrency"]))
    return found


def alone(own: Values) -> Iterator[Wrong]:
    """What is wrong with what a block says itself; paths begin in the block."""
    yield from _route(own.get("route", {}))
    yield from _target(own.get("scale", {}))
    yield from _match(own)
    if own.get("rate_limit", {}).get("per", 1) < _SHORTEST_FILL:
        hint = "say how many there may be in 1s"
        yield ("rate_limit", "per"), "is less than the gateway can count: 50ms", hint
    if "route" not in own and "variant_of" not in own:
        hint = "such as route: {path: /NAME}; without clients a service needs no x-dockyard"
        yield (), "has neither route nor variant_of", hint
    if own.get("shadow"):
        yield from _shadow(own)


def _route(route: Values) -> Iterator[Wrong]:
    yield from _names(route.get("header", {}), ("route", "header"))
    for name in route.get("header", {}):
        if name.lower() == "host":
            yield ("route", "header", name), "is what host says", "write host: NAME instead"


def _names(headers: Mapping[str, str], path: tuple[str, ...]) -> Iterator[Wrong]:
    known: dict[str, str] = {}
    for name in headers:
        other = known.setdefault(name.lower(), name)
        if other != name:
            yield (*path, name), f"is the same header as {other}", "leave one of them out"


def _target(given: Values) -> Iterator[Wrong]:
    if "target" in given and not 0 < given["target"] < float("inf"):
        message = "is no number of a metric that a replica could have"
        yield ("scale", "target"), message, "a number above 0"


def _match(own: Values) -> Iterator[Wrong]:
    if "match" not in own:
        return
    match = own["match"]
    if not match.get("header") and not match.get("cookie"):
        yield ("match",), "matches nothing", "such as match: {header: {x-variant: next}}"
    yield from _names(match.get("header", {}), ("match", "header"))


def _shadow(own: Values) -> Iterator[Wrong]:
    if "variant_of" not in own:
        yield ("shadow",), "can't be without variant_of", "a shadow is one of another service"
    for name in ("weight", "match"):
        if name in own:
            hint = f"leave {name} or shadow out"
            yield (name,), "a shadow gets a copy of every request, and answers none", hint


def whole(values: Values) -> Iterator[Wrong]:
    """What is wrong with a variant's values, together with those of its service."""
    found = scale(values)
    if found.get("min", 1) > found["max"]:
        least = found.get("min", 1)
        hint = "max is how many there may be, min how many there are in any case"
        yield ("scale", "min"), f"{least} is more than max, which is {found['max']}", hint
    metric = found.get("metric", MEASURED)
    if metric == "queue" and not values.get("concurrency"):
        hint = "concurrency: N gives each replica N requests at a time, and the others wait"
        yield ("scale", "metric"), "queue needs concurrency, without which nothing waits", hint
    if metric != MEASURED and "target" not in found:
        hint = f"target: N is what one replica takes of {metric}"
        yield ("scale",), f"metric {metric} needs a target", hint
    if values.get("concurrency") and values.get("protocol") == "h2c":
        hint = "h2c shares one connection: limit streams in the server, or use http1"
        yield ("concurrency",), "can't be kept with protocol h2c", hint


def queue(own: Values, values: Values) -> Iterator[Wrong]:
    """A service that ends when idle has to hold the request that starts it."""
    if own.get("queue", {}).get("max") == 0 and values.get("scale", {}).get("min") == 0:
        hint = "let one wait at least, or let min be 1"
        yield ("queue", "max"), "with min 0 no request could start the service", hint
