"""Which requests are whose: what routes match, and in which order they are tried.

Envoy takes the first route that matches, so the more precise comes first: a host before none, a
longer path before a shorter one, more headers before fewer, a model before none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote

import msgspec

from dockyard.serving.gateway.documents import Json
from dockyard.serving.gateway.model import Served
from dockyard.serving.model import Route

METADATA = "dockyard"
"""Namespace of what the gateway learns of a request, and of what it says in its routes."""
MODEL = "model"
_MODEL_PATH = "v2/models"
_PLAIN = "/:@!$&'()*+,;="
"""Stand in paths as they are."""
JSON_TYPES = r"(?i)application/json\s*(;.*)?"
"""Of bodies that may name a model."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A set of requests."""

    route: Route
    path: str
    """The route's own, or below it the one of its model."""
    model: str = ""
    """Only bodies that name it."""
    asks: bool = False
    """These requests' bodies have to be read, to learn the model."""
    owner: int = -1
    """Index of the service whose place it is; -1 for none's."""

    @property
    def rank(self) -> tuple[object, ...]:
        """Smaller is more precise."""
        return (
            _host_rank(self.route.host), -len(self.path), -len(self.route.header),
            not self.asks, not self.model, self.owner,
        )  # fmt: skip


def places(served: Sequence[Served]) -> list[Place]:
    """The places of one listener's services, in the order in which they are to be tried."""
    found: list[Place] = []
    for owner, one in enumerate(served):
        found += _places_of(one.service.route, owner)
    asking = {
        (place.route.host, place.path, *sorted(place.route.header.items())): place
        for place in found
        if place.model
    }
    found += [
        Place(route=place.route, path=place.path, asks=True) for place in asking.values()
    ]  # fmt: skip
    return sorted(found, key=lambda place: place.rank)


def refused(served: Iterable[Served]) -> dict[tuple[str, str], str]:
    """Services that can't be served beside those before them: why, by project and name."""
    taken: dict[object, str] = {}
    variants: dict[str, str] = {}
    secure: dict[str, tuple[bool, str]] = {}
    answer: dict[tuple[str, str], str] = {}
    for one in served:
        route, name = one.service.route, f"{one.service.project}/{one.service.name}"
        double = next((each.id for each in one.upstreams if each.id in variants), "")
        if double:
            answer[one.service.project, one.service.name] = (
                f"{double.replace('.', '/')} is a variant of {variants[double]} already"
            )
            continue
        other = taken.setdefault(claim(route), name)
        if other != name:
            answer[one.service.project, one.service.name] = (
                f"its route is the one of {other} already: {describe(route)}"
            )
            continue
        tls, first = secure.setdefault(route.listen, (route.tls is not None, name))
        if tls != (route.tls is not None):
            answer[one.service.project, one.service.name] = (
                f"{route.listen} is {'with' if tls else 'without'} TLS already, for {first}"
            )
            continue
        variants |= dict.fromkeys((each.id for each in one.upstreams), name)
    return answer


def claim(route: Route) -> tuple[object, ...]:
    """What only one service can have."""
    headers = sorted(route.header.items())
    return (route.listen, route.host.lower(), route.path, route.model, *headers)


def describe(route: Route) -> str:
    """A route in words."""
    words = [f"{route.listen}{' ' + route.host if route.host else ''} {route.path}"]
    words += [f"{name}: {value}" for name, value in sorted(route.header.items())]
    words += [f"model {route.model}"] if route.model else []
    return ", ".join(words)


def match(place: Place) -> Json:
    """The place as Envoy's ``RouteMatch``."""
    answer: Json = {"prefix": "/"} if place.path == "/" else {"path_separated_prefix": place.path}
    headers = [exact_header(name, value) for name, value in sorted(place.route.header.items())]
    if place.route.host:
        headers.append(_host(place.route.host))
    if place.asks:
        headers.append(_regex_header("content-type", JSON_TYPES))
        answer["dynamic_metadata"] = [_metadata({"present_match": True}, invert=True)]
    if place.model:
        value: Json = {"string_match": {"exact": place.model}}
        answer["dynamic_metadata"] = [_metadata(value)]
    return {**answer, "headers": headers} if headers else answer


def exact_header(name: str, value: str) -> Json:
    return {"name": name, "string_match": {"exact": value}}


def stripped(place: Place) -> Json:
    """What makes the replica see the path without the route's prefix."""
    prefix = place.route.path
    if not place.route.strip or prefix == "/":
        return {}
    pattern = f"^{re.escape(prefix)}(?:/(.*))?$"
    return {"regex_rewrite": {"pattern": {"regex": pattern}, "substitution": r"/\1"}}


def _places_of(route: Route, owner: int) -> list[Place]:
    if not route.model:
        return [Place(route=route, path=route.path, owner=owner)]
    below = f"{route.path.rstrip('/')}/{_MODEL_PATH}/{quote(route.model, safe=_PLAIN)}"
    return [
        Place(route=route, path=below, owner=owner),
        Place(route=route, path=route.path, model=route.model, owner=owner),
    ]


def _host_rank(host: str) -> tuple[int, int]:
    if not host:
        return (2, 0)
    return (1 if host.startswith("*.") else 0, -len(host))


def _host(host: str) -> Json:
    name = re.escape(host.removeprefix("*"))
    many = "[^:]+" if host.startswith("*.") else ""
    return _regex_header(":authority", rf"(?i){many}{name}(:[0-9]+)?")


def _regex_header(name: str, pattern: str) -> Json:
    return {"name": name, "string_match": {"safe_regex": {"regex": pattern}}}


def _metadata(value: Json, *, invert: bool = False) -> Json:
    answer: Json = {"filter": METADATA, "path": [{"key": MODEL}], "value": value}
    return {**answer, "invert": True} if invert else answer
