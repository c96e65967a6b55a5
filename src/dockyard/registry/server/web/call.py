"""A request, read: what of which repository it is about. The one place where paths are read.

The path is taken as it was sent. Clients write the colon of a digest as ``%3A``; any other escape
is refused, so that what a proxy sees is what is meant here.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple, TypeVar

from aiohttp import web

from dockyard.decoding import natural
from dockyard.registry.access.audit import Event
from dockyard.registry.access.model import Action, Principal
from dockyard.registry.server import names, problems
from dockyard.registry.server.budget import Share
from dockyard.registry.server.service import Service

T = TypeVar("T")

_PLAIN: Final = re.compile(r"[A-Za-z0-9._:/+=-]*")
_KINDS: Final = (
    ("uploads", re.compile(r"(?P<name>.+)/blobs/uploads/?")),
    ("upload", re.compile(r"(?P<name>.+)/blobs/uploads/(?P<item>[^/]+)")),
    ("blob", re.compile(r"(?P<name>.+)/blobs/(?P<item>[^/]+)")),
    ("manifest", re.compile(r"(?P<name>.+)/manifests/(?P<item>[^/]+)")),
    ("tags", re.compile(r"(?P<name>.+)/tags/list")),
    ("referrers", re.compile(r"(?P<name>.+)/referrers/(?P<item>[^/]+)")),
)
_SMALL: Final = 64 << 10
"""Bytes that a connection's buffers have anyway."""
_FIXED: Final = {"": "base", "_catalog": "catalog"}


class Place(NamedTuple):
    """What a path below ``/v2/`` names."""

    kind: str
    name: str = ""
    item: str = ""


def read_path(path: str) -> Place:
    """What a path names, as it was sent. Pure.

    Raises:
        problems.Refused: nothing that there could be.
    """
    if path == "/v2":
        return Place("base")
    if not path.startswith("/v2/"):  # what a proxy keeps apart from it, such as /v2a
        raise problems.no_such_page()
    tail = path.removeprefix("/v2/").replace("%3A", ":").replace("%3a", ":")
    if tail in _FIXED:
        return Place(_FIXED[tail])
    if not _PLAIN.fullmatch(tail):
        raise problems.bad_name(tail)
    for kind, pattern in _KINDS:
        found = pattern.fullmatch(tail)
        if found is not None:
            name = found["name"]
            if not names.is_name(name):
                raise problems.bad_name(name)
            return Place(kind, name, found.groupdict().get("item") or "")
    raise problems.no_such_page()


class Call:
    """A request of somebody, on its way to an answer."""

    def __init__(
        self, service: Service, request: web.Request, place: Place, principal: Principal,
        share: Share,
    ) -> None:  # fmt: skip
        """``share`` is the memory that it may take for documents."""
        self.service = service
        self.request = request
        self.name = place.name
        self.item = place.item
        self.principal = principal
        self.share = share

    @property
    def owner(self) -> str:
        """To whom an upload belongs."""
        return self.principal.identity

    def require(self, action: Action) -> None:
        """Goes on only where the client may do that in the request's repository.

        Raises:
            Refusal: he may not, or has to say who he is.
        """
        self.service.gate.access.require(self.principal, self.name, action)

    def may(self, repository: str, action: Action) -> bool:
        """Whether the client may do that in any repository."""
        return self.service.gate.may(self.principal, repository, action)

    async def record(self, action: str, reference: str = "", digest: str = "",
                     detail: str = "") -> None:  # fmt: skip
        """Notes in the audit log what was done."""
        event = Event(
            who=self.owner, action=action, repository=self.name, reference=reference,
            digest=digest, result="allowed", address=self.request.remote or "", detail=detail,
        )  # fmt: skip
        access = self.service.gate.access
        note = access.audit_pull if action == "pull" else access.audit
        await self.service.records(note, event)

    def digest(self) -> str:
        """The digest that the path ends with.

        Raises:
            problems.Refused: it is none.
        """
        if not names.is_digest(self.item):
            raise problems.bad_digest(self.item)
        return self.item

    def query(self, name: str) -> str:
        """A value of the query; empty where there is none, or several."""
        found = self.request.query.getall(name, [])
        return found[0] if len(found) == 1 else ""

    async def roomy(self, ask: Callable[[], Awaitable[T]], size_of: Callable[[T], int]) -> T:
        """What ``ask`` gives; where that is large, it is asked for when there is memory for it.

        Raises:
            problems.Refused: there was none for long.
        """
        found = await ask()
        size = size_of(found)
        if size <= _SMALL:
            return found
        del found  # meanwhile it is nowhere
        await self.share.wait(size, self.service.rules.stall_seconds)
        return await ask()

    async def proceed(self) -> None:
        """Tells a client that waits for it to send its body (``Expect: 100-continue``)."""
        if self.request.headers.get("Expect", "").lower() == "100-continue":
            transport = self.request.transport
            if transport is not None:
                transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")


def scope_of(place: Place, method: str) -> str:
    """What a token would have to be for, in Docker's words. Pure."""
    if place.kind == "catalog":
        return "registry:catalog:*"
    if not place.name:
        return ""
    actions = {"GET": "pull", "HEAD": "pull", "DELETE": "delete"}.get(method, "pull,push")
    if place.kind in {"upload", "uploads"}:
        actions = "pull,push"
    return f"repository:{place.name}:{actions}"


def realm(service: Service, request: web.Request) -> str:
    """Where tokens are had: at the address that the client itself used, unless one is set."""
    return f"{service.url or f'{request.scheme}://{_host(request)}'}/token"


def _host(request: web.Request) -> str:
    """The client's word for this server, if it can be the name of a host."""
    host = request.headers.get("Host", "")
    return host if re.fullmatch(r"[A-Za-z0-9._-]+(?::[0-9]+)?|\[[0-9a-fA-F:]+\](?::[0-9]+)?",
                                host) else "localhost"  # fmt: skip


def page_size(call: Call, largest: int) -> int | None:
    """The ``n`` of a list; ``None`` where the client leaves it to us.

    Raises:
        problems.Refused: it is no number.
    """
    text = call.query("n")
    if not text:
        return None
    number = natural(text)
    if number is None:
        raise problems.Refused(
            400, "PAGINATION_NUMBER_INVALID", "invalid number of results requested",
            detail={"n": text[:20]},
        )  # fmt: skip
    return min(number, largest)
