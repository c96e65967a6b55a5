"""What a request has to pass, and what becomes of one that fails: keys, rates, retries."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from dockyard.serving.gateway.documents import Json, extension, seconds, typed
from dockyard.serving.gateway.model import Key, Served
from dockyard.serving.gateway.places import JSON_TYPES, METADATA, MODEL
from dockyard.serving.model import RateLimit, Service

KEYS = "dockyard.keys"
RATE = "dockyard.rate"
MODELS = "dockyard.models"
CLIENT = "x-dockyard-client"
CREDENTIALS = ("x-api-key", "authorization")
"""Headers that may have a key; the replica sees neither."""
WAITED = "waited"
"""What the log knows of a request's time in the activator's queue."""
_WAITED_HEADER = "x-dockyard-waited"
_AUTH = "envoy.extensions.filters.http.api_key_auth.v3"
_LIMIT = "envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit"
_ALWAYS: Json = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
_NO_LIMIT = (1 << 32) - 1
_SHORTEST_FILL = 0.05
"""Envoy fills a bucket no more often, in seconds."""
_MOST_KEYS = 10_000
"""So many clients have a bucket of their own at once; who wasn't seen for longest loses it."""
_RETRIES = 16
"""With the pauses between them, which are random, they outlast a restart of the activator on a busy
machine: five seconds at the mean."""


def filters() -> list[Json]:
    """The filters that routes make use of; without a route that does, each does nothing."""
    return [
        {**extension(MODELS, "envoy.extensions.filters.http.json_to_metadata.v3.JsonToMetadata",
                     request_rules={
                         "rules": [_model_rule()],
                         "allow_content_types_regex": {"regex": JSON_TYPES},
                     }), "disabled": True},
        {**extension(KEYS, f"{_AUTH}.ApiKeyAuth"), "disabled": True},
        extension(RATE, _LIMIT, stat_prefix="rate"),
        _takes_out_mark(),
    ]  # fmt: skip


def _takes_out_mark() -> Json:
    """How long a request waited in the activator is for the access log alone."""
    kept: Json = {"metadata_namespace": METADATA, "key": WAITED, "type": "STRING"}
    rule: Json = {"header": _WAITED_HEADER, "on_header_present": kept, "remove": True}
    return extension(
        "dockyard.waited", "envoy.extensions.filters.http.header_to_metadata.v3.Config",
        response_rules=[rule],
    )  # fmt: skip


def reads_model() -> Json:
    """For a route whose requests' bodies are read for the model that they name."""
    return {MODELS: typed("envoy.config.route.v3.FilterConfig", config={})}


def needs_key(keys: Sequence[Key]) -> Json:
    """For a route that only these keys open."""
    known = {one.key: one for one in keys}
    return {
        KEYS: typed(
            f"{_AUTH}.ApiKeyAuthPerRoute",
            credentials=[{"key": one.key, "client": one.client or "-"} for one in known.values()],
            key_sources=[{"header": name} for name in CREDENTIALS],
            forwarding={"header": CLIENT},
        )
    }


def needs_no_key() -> Json:
    """For a route that is open, beside ones that aren't, where the body decides between them.

    Envoy sets up the filter before the body is read; every request has a scheme for its key.
    """
    return {
        KEYS: typed(
            f"{_AUTH}.ApiKeyAuthPerRoute",
            credentials=[{"key": scheme, "client": "-"} for scheme in ("http", "https")],
            key_sources=[{"header": ":scheme"}],
        )
    }


def rate_buckets(served: Iterable[Served]) -> Json:
    """The budgets of a listener's services, of which all routes of a service take."""
    buckets = [bucket for one in served for bucket in _buckets(one.service)]
    if not buckets:
        return {}
    config = typed(
        _LIMIT, stat_prefix="rate", token_bucket=_bucket(_NO_LIMIT, 1.0),
        filter_enabled=_ALWAYS, filter_enforced=_ALWAYS, descriptors=buckets,
        always_consume_default_token_bucket=False, max_dynamic_descriptors=_MOST_KEYS,
        response_headers_to_add=[
            {"header": {"key": "retry-after", "value": f"%METADATA(ROUTE:{METADATA}:retry_after)%"}}
        ],
    )  # fmt: skip
    return {RATE: config}


def rate_actions(service: Service) -> list[Json]:
    """What a request is counted as."""
    limit = service.rate_limit
    if limit is None:
        return []
    mine: Json = {"generic_key": {"descriptor_key": "service", "descriptor_value": _id(service)}}
    name = limit.key.removeprefix("header:").lower()
    if not limit.key:
        return [{"actions": [mine]}]
    if limit.key == "ip":
        return [{"actions": [mine, {"remote_address": {}}]}]
    without: Json = {
        "descriptor_key": "without", "descriptor_value": "header",
        "headers": [{"name": name, "present_match": False}],
    }  # fmt: skip
    return [
        {"actions": [mine, {"request_headers": {"header_name": name, "descriptor_key": "header"}}]},
        {"actions": [mine, {"header_value_match": without}]},
    ]


def retry_after(limit: RateLimit) -> str:
    """Seconds until there is room for a request again."""
    return str(max(math.ceil(limit.per / limit.requests), 1))


def retries(service: Service) -> Json:
    """Only what no replica can have begun; what it may have, where that does no harm.

    The second try goes to the activator, which knows best who is there.
    """
    reasons = ["connect-failure", "refused-stream", "reset-before-request"]
    if service.idempotent:
        reasons.append("reset")
    return {
        "retry_on": ",".join(reasons),
        "num_retries": _RETRIES,
        "retry_back_off": {"base_interval": "0.050s", "max_interval": "1s"},
        "retry_priority": extension(
            "envoy.retry_priorities.previous_priorities",
            "envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig",
            update_frequency=1,
        ),
    }


def _model_rule() -> Json:
    """Says the model of a body, or that there is none: then it isn't read again."""
    none: Json = {"metadata_namespace": METADATA, "key": MODEL, "value": "-"}
    present: Json = {"metadata_namespace": METADATA, "key": MODEL}
    return {
        "selectors": [{"key": "model"}],
        "on_present": present, "on_missing": none, "on_error": none,
    }  # fmt: skip


def _buckets(service: Service) -> list[Json]:
    limit = service.rate_limit
    if limit is None:
        return []
    mine: Json = {"key": "service", "value": _id(service)}
    bucket = _bucket(limit.requests, limit.per)
    kinds: list[list[Json]] = [[]]
    if limit.key == "ip":
        kinds = [[{"key": "remote_address"}]]
    elif limit.key:
        kinds = [[{"key": "header"}], [{"key": "without", "value": "header"}]]
    return [{"entries": [mine, *kind], "token_bucket": bucket} for kind in kinds]


def _bucket(tokens: int, per: float) -> Json:
    return {
        "max_tokens": tokens, "tokens_per_fill": tokens,
        "fill_interval": seconds(max(per, _SHORTEST_FILL)),
    }  # fmt: skip


def _id(service: Service) -> str:
    return f"{service.project}.{service.name}"
