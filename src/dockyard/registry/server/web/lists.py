"""Requests for lists: tags, referrers, and the repositories of the whole registry."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

import msgspec
from aiohttp import web

from dockyard import decoding
from dockyard.oci.image import INDEX
from dockyard.registry.access import refusal
from dockyard.registry.server import problems
from dockyard.registry.server.web.call import Call, page_size

_LARGEST: Final = 10_000
_AT_ONCE: Final = 1000
"""Repositories that are looked at together: others get their turn after them."""
_REFERRERS: Final = 1000
_PAGE_BYTES: Final = 4 << 20


class _Typed(msgspec.Struct, frozen=True, rename="camel"):
    """A descriptor of a referrer, as far as it is chosen by."""

    artifact_type: str = ""


async def base(call: Call) -> web.StreamResponse:
    """``GET /v2/``: this is a registry, and the client is known; else he is told where to log in.

    A client of what is public shows a token of nobody's here.
    """
    who = call.principal
    if who.kind == "anonymous" and who.scope is None and not who.admin:
        raise refusal.login_needed()
    return web.json_response({})


async def tags(call: Call) -> web.StreamResponse:
    """A page of the repository's tags, in the order of ASCII."""
    call.require("pull")
    asked = page_size(call, _LARGEST)
    most = _LARGEST if asked is None else asked
    service = call.service
    after = call.query("last")
    there = await service.mirror.tags(call.name) if service.mirror is not None else None
    if there is not None:
        found: list[str] | None = [tag for tag in there if tag > after][: most + 1]
    else:
        found = await service.records(service.manifests.tags, call.name, most + 1, after)
    if found is None:
        raise problems.unknown_name(call.name)
    page = found[:most]
    headers = _following(f"/v2/{call.name}/tags/list", most, page, more=len(found) > most)
    return web.json_response({"name": call.name, "tags": page}, headers=headers)


async def catalog(call: Call) -> web.StreamResponse:
    """A page of the repositories that the client may know of."""
    if call.principal.kind == "anonymous" and not call.principal.admin:
        raise refusal.login_needed()
    asked = page_size(call, _LARGEST)
    most = _LARGEST if asked is None else asked
    page: list[str] = []
    last, more = call.query("last"), True
    while more and len(page) <= most:
        seen, his = await call.service.records(_listed, call, last)
        page += his
        more = len(seen) == _AT_ONCE
        last = seen[-1] if seen else last
    headers = _following("/v2/_catalog", most, page[:most], more=len(page) > most)
    return web.json_response({"repositories": page[:most]}, headers=headers)


def _listed(call: Call, after: str) -> tuple[list[str], list[str]]:
    """Some repositories, and those of them that the client may know of; for a thread."""
    found = call.service.manifests.repositories(_AT_ONCE, after)
    return found, call.service.gate.access.listed(call.principal, found)


def _following(path: str, most: int, page: list[str], *, more: bool) -> dict[str, str]:
    """Where the next page is, if there is one (RFC 8288)."""
    if not more or not page:
        return {}
    return {"Link": f'<{path}?n={most}&last={quote(page[-1], safe="/")}>; rel="next"'}


async def referrers(call: Call) -> web.StreamResponse:
    """What has a manifest as its subject; an empty index where nothing has, or it isn't there."""
    call.require("pull")
    digest = call.digest()
    wanted, service = call.query("artifactType"), call.service
    found, more = await call.roomy(
        lambda: service.records(service.manifests.referrers, call.name, digest,
                                call.query("last"), _REFERRERS, _PAGE_BYTES),
        lambda page: sum(len(data) for _, data in page[0]),
    )  # fmt: skip
    headers = {"Content-Type": INDEX}
    if more:
        query = f"last={found[-1][0]}"
        if wanted:
            query += f"&artifactType={quote(wanted, safe='')}"
        headers["Link"] = f'</v2/{call.name}/referrers/{digest}?{query}>; rel="next"'
    if wanted:
        headers["OCI-Filters-Applied"] = "artifactType"
        found = [one for one in found if decoding.from_json(one[1], _Typed).artifact_type == wanted]
    body = {"schemaVersion": 2, "mediaType": INDEX,
            "manifests": [msgspec.Raw(data) for _, data in found]}  # fmt: skip
    return web.Response(body=msgspec.json.encode(body), headers=headers)
