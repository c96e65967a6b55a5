"""Which models there are at a path, for clients that ask: ``/v1/models`` and ``/v2/models``."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from dockyard.serving.gateway import places, policies
from dockyard.serving.gateway.documents import Json
from dockyard.serving.gateway.model import Served
from dockyard.serving.gateway.places import Place
from dockyard.serving.model import Route

MOST_BYTES = 1 << 20
"""Of a list; Envoy refuses more than a few kilobytes unless it is told."""
_PATHS = ("v1/models", "v2/models")


def routes(place: Place, served: Sequence[Served]) -> list[Json]:
    """Answers with the models beside each other at a place; with any of their keys, if they have
    some. Where a service takes all other requests there, it answers itself.
    """
    here = [one for one in served if _spot(one.service.route) == _spot(place.route)]
    if not all(one.service.route.model for one in here):
        return []
    content = _content(sorted({one.service.route.model for one in here}))
    keys = [key for one in here for key in one.keys]
    closed = any(one.service.auth for one in here)
    matching = places.match(Place(route=place.route, path=place.path))
    matching.pop("prefix", None)
    matching.pop("path_separated_prefix", None)
    return [
        {
            "name": "models",
            "match": {**matching, "path": f"{place.path.rstrip('/')}/{path}"},
            "direct_response": {"status": 200, "body": {"inline_string": content}},
            **({"typed_per_filter_config": policies.needs_key(keys)} if closed else {}),
        }
        for path in _PATHS
    ]


def _spot(route: Route) -> tuple[object, ...]:
    return (route.host.lower(), route.path, *sorted(route.header.items()))


def _content(models: Sequence[str]) -> str:
    """As OpenAI's and KServe's clients read it, in one."""
    data = [{"id": one, "object": "model", "created": 0, "owned_by": "dockyard"} for one in models]
    return msgspec.json.encode({"object": "list", "data": data, "models": models}).decode()
