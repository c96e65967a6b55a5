"""The route table of a listener."""

from __future__ import annotations

from collections.abc import Sequence

from dockyard.serving.gateway import listing, places, policies
from dockyard.serving.gateway.documents import Json, seconds
from dockyard.serving.gateway.model import Leg, Served
from dockyard.serving.gateway.places import METADATA, Place
from dockyard.serving.model import Match, Route, Service, target_id

KIND = "envoy.config.route.v3.RouteConfiguration"
_IDLE_SECONDS = 300.0
"""A stream on which nothing moves for so long ends, where a request has a time limit."""
_IDLE_WITHOUT_LIMIT = 3600.0
_NOWHERE = "no service is served at this address and path; dockyard services lists the routes"


def table(name: str, served: Sequence[Served]) -> Json:
    """The routes of a listener's services.

    All hosts are in one virtual host, so that a service has one rate budget whatever its routes.
    """
    listed = places.places(served)
    routes = [route for place in listed for route in _routes(place, served)]
    routes.append(_nowhere({"prefix": "/"}, _NOWHERE, "none"))
    if any(place.asks for place in listed) and any(one.service.auth for one in served):
        routes = [_open(route) for route in routes]
    host: Json = {"name": name, "domains": ["*"], "routes": routes}
    buckets = policies.rate_buckets(served)
    if buckets:
        host["typed_per_filter_config"] = buckets
    return {
        "name": name,
        "virtual_hosts": [host],
        "validate_clusters": False,
        "max_direct_response_body_size_bytes": listing.MOST_BYTES,
    }


def _routes(place: Place, served: Sequence[Served]) -> list[Json]:
    if place.asks:
        return [*listing.routes(place, served), _asking(place, served)]
    one = served[place.owner]
    service = one.service
    legs = _legs(one)
    matching = places.match(place)
    routes = [
        _route(place, one, _narrowed(matching, variant.match), _to(service, variant.name))
        for variant in service.variants
        if variant.match is not None and not variant.shadow
    ]
    if service.sticky is not None and len(service.variants) > 1:
        routes += [
            _route(place, one,
                   _narrowed(matching, Match(cookie={service.sticky.cookie: leg.variant})),
                   _to(service, leg.variant))
            for leg in legs
        ]  # fmt: skip
    return [*routes, _route(place, one, matching, _split(service, legs))]


def _asking(place: Place, served: Sequence[Served]) -> Json:
    """Matches until the body was read; then Envoy looks for a route again."""
    most = max(one.service.max_body for one in served if one.service.route.model)
    return {
        "name": "model",
        "match": places.match(place),
        # A direct response would know no limit but the connection's.
        "route": {"cluster": "none", "cluster_not_found_response_code": "NOT_FOUND"},
        "request_body_buffer_limit": most,
        "typed_per_filter_config": policies.reads_model(),
    }


def _nowhere(matching: Json, text: str, name: str) -> Json:
    answer: Json = {"status": 404, "body": {"inline_string": text}}
    return {"name": name, "match": matching, "direct_response": answer}


def _open(route: Json) -> Json:
    config = route.get("typed_per_filter_config", {})
    if not isinstance(config, dict) or policies.KEYS in config:
        return route
    return {**route, "typed_per_filter_config": {**config, **policies.needs_no_key()}}


def _route(place: Place, one: Served, matching: Json, action: Json) -> Json:
    service = one.service
    route: Json = {
        "name": f"{service.project}.{service.name}",
        "match": matching,
        "request_body_buffer_limit": service.max_body,
        "route": {**action, **_action(place, service)},
    }
    if service.rate_limit is not None:
        said = {"retry_after": policies.retry_after(service.rate_limit)}
        route["metadata"] = {"filter_metadata": {METADATA: said}}
    if service.auth is not None:
        route["typed_per_filter_config"] = policies.needs_key(one.keys)
        route["request_headers_to_remove"] = list(policies.CREDENTIALS)
    return route


def _action(place: Place, service: Service) -> Json:
    limited = service.timeout > 0
    idle = max(_IDLE_SECONDS, service.timeout) if limited else _IDLE_WITHOUT_LIMIT
    action: Json = {
        "timeout": seconds(service.timeout),
        "idle_timeout": seconds(idle),
        "retry_policy": policies.retries(service),
        **places.stripped(place),
    }
    mirrors = [
        {"cluster": target_id(service.project, variant.name),
         "disable_shadow_host_suffix_append": True}
        for variant in service.variants if variant.shadow
    ]  # fmt: skip
    rates = policies.rate_actions(service)
    return {
        **action,
        **({"request_mirror_policies": mirrors} if mirrors else {}),
        **({"rate_limits": rates} if rates else {}),
    }


def _legs(one: Served) -> tuple[Leg, ...]:
    """Those that get traffic; the service's own variant where none does yet."""
    shares = tuple(leg for leg in one.legs if leg.weight > 0)
    return shares or (Leg(variant=one.service.variants[0].name, weight=1),)


def _to(service: Service, variant: str) -> Json:
    return {"cluster": target_id(service.project, variant)}


def _split(service: Service, legs: Sequence[Leg]) -> Json:
    sticks = service.sticky is not None and len(service.variants) > 1
    if len(legs) == 1 and not sticks:
        return _to(service, legs[0].variant)
    return {"weighted_clusters": {"clusters": [_share(service, leg) for leg in legs]}}


def _share(service: Service, leg: Leg) -> Json:
    share: Json = {"name": target_id(service.project, leg.variant), "weight": leg.weight}
    if service.sticky is not None:
        value = f"{service.sticky.cookie}={leg.variant}; {_cookie_terms(service.route)}"
        literal = value.replace("%", "%%")  # Envoy would read a variable
        share["response_headers_to_add"] = [{"header": {"key": "set-cookie", "value": literal}}]
    return share


def _cookie_terms(route: Route) -> str:
    terms = f"Path={route.path}; HttpOnly; SameSite=Lax"
    return terms if route.tls is None else f"{terms}; Secure"


def _narrowed(matching: Json, wanted: Match | None) -> Json:
    if wanted is None:
        return matching
    headers = [places.exact_header(name, value) for name, value in sorted(wanted.header.items())]
    before = matching.get("headers", [])
    cookies = [
        {"name": name, "string_match": {"exact": value}}
        for name, value in sorted(wanted.cookie.items())
    ]
    return {
        **matching,
        "headers": [*(before if isinstance(before, list) else []), *headers],
        **({"cookies": cookies} if cookies else {}),
    }
