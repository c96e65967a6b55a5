"""The web application: from a request to its handler, and from whatever happens to an answer."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
from aiohttp import web

from dockyard.errors import DiskFull
from dockyard.registry.access.audit import Event
from dockyard.registry.access.refusal import Refusal
from dockyard.registry.access.throttle import site_of
from dockyard.registry.server import logs, problems
from dockyard.registry.server.content import FULL
from dockyard.registry.server.problems import Refused
from dockyard.registry.server.send import broken_off, send_answer
from dockyard.registry.server.service import Service
from dockyard.registry.server.web import blobs, lists, manifests, uploads
from dockyard.registry.server.web.call import Call, Place, read_path, realm, scope_of
from dockyard.registry.server.web.origin import require_client
from dockyard.registry.server.web.status import Status
from dockyard.registry.server.web.tokens import Tokens

Handler = Callable[[Call], Awaitable[web.StreamResponse]]
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]

_HANDLERS: Final[dict[tuple[str, str], Handler]] = {
    ("base", "GET"): lists.base,
    ("catalog", "GET"): lists.catalog,
    ("tags", "GET"): lists.tags,
    ("referrers", "GET"): lists.referrers,
    ("blob", "GET"): blobs.read,
    ("blob", "DELETE"): blobs.remove,
    ("uploads", "POST"): uploads.begin,
    ("upload", "GET"): uploads.state,
    ("upload", "PATCH"): uploads.send,
    ("upload", "PUT"): uploads.finish,
    ("upload", "DELETE"): uploads.cancel,
    ("manifest", "GET"): manifests.read,
    ("manifest", "PUT"): manifests.write,
    ("manifest", "DELETE"): manifests.remove,
}
"""What answers a method; ``HEAD`` is what ``GET`` is, without its body."""
_SENDING: Final = frozenset({uploads.begin, uploads.send, uploads.finish, manifests.write})
_CLIENT_LEFT: Final = 499
_LOGIN: Final = 'Basic realm="dockyard registry"'
_TURNED_AWAY: Final = frozenset({403, 405, 409})
_ACTIONS: Final = {"PUT": "push", "POST": "push", "PATCH": "push", "DELETE": "delete"}
_BEGUN: Final = web.RequestKey("begun", bool)


def application(service: Service) -> web.Application:
    """All that the registry answers."""
    app = web.Application(client_max_size=1 << 20)
    answering = Answering(service)
    status, tokens = Status(service), Tokens(service)
    app.router.add_route("*", "/v2{tail:.*}", answering.registry, expect_handler=_expect_later)
    for method, path, answer in (
        ("GET", "/healthz", status.alive), ("GET", "/readyz", status.ready),
        ("GET", "/metrics", status.metrics), ("GET", "/token", tokens.answer),
        ("POST", "/token", tokens.answer),
    ):  # fmt: skip
        handler = answering.other(path.removeprefix("/"), answer)
        if method == "GET":
            app.router.add_get(path, handler)
        else:
            app.router.add_post(path, handler)
    app.on_response_prepare.append(answering.sign)
    return app


async def _expect_later(_request: web.Request) -> None:
    """A client that waits for leave to send gets it when it is known that it may."""


class Answering:
    """Answers requests, and notes what came of them."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def sign(self, request: web.Request, answer: web.StreamResponse) -> None:
        """What all answers have. Which versions serve them is nobody's business."""
        request[_BEGUN] = True
        answer.headers["Server"] = "dockyard"
        answer.headers["X-Content-Type-Options"] = "nosniff"
        if request.path.startswith("/v2"):
            answer.headers["Docker-Distribution-API-Version"] = "registry/2.0"
        if self._service.ending:
            answer.force_close()

    async def registry(self, request: web.Request) -> web.StreamResponse:
        """The answer to what is below ``/v2``."""
        seen = Seen(request)
        self._service.answering += 1
        try:
            with self._service.metrics.in_flight.track_inprogress(), seen.holding:
                # It is sent here, so that it counts as long as it takes.
                return await self._sent(seen, self._handled(seen))
        finally:
            self._service.answering -= 1

    def other(self, name: str, answer: Answer) -> Answer:
        """The same for what is beside ``/v2``."""

        async def answered(request: web.Request) -> web.StreamResponse:
            return await self._sent(Seen(request, Place(name)), self._beside(answer, request))

        return answered

    async def _handled(self, seen: Seen) -> web.StreamResponse:
        request = seen.request
        seen.place = read_path(request.rel_url.raw_path)
        require_client(self._service, request)
        handler = _handler(seen.place, request.method)
        if self._service.mirror is not None and handler in _SENDING:
            raise problems.unsupported("this registry mirrors another one: push there")
        principal = await self._service.gate.principal(
            request.headers.get("Authorization"), request.remote or ""
        )
        seen.who = principal.identity
        site = site_of(request.remote or "")
        who = site if principal.kind == "anonymous" else principal.identity
        share = seen.holding.enter_context(self._service.documents.share(who))
        return await handler(Call(self._service, request, seen.place, principal, share))

    async def _beside(self, answer: Answer, request: web.Request) -> web.StreamResponse:
        require_client(self._service, request)
        return await answer(request)

    async def _sent(
        self, seen: Seen, answering: Awaitable[web.StreamResponse]
    ) -> web.StreamResponse:
        """What was said, when the client has all of it.

        Raises:
            ConnectionError: the client has gone, or takes next to nothing.
        """
        answer = await self._answered(seen, answering)
        await send_answer(seen.request, answer, self._service.rules.stall_seconds)
        return answer

    async def _answered(
        self, seen: Seen, answering: Awaitable[web.StreamResponse]
    ) -> web.StreamResponse:
        """What was to be said, or the error that it came to."""
        try:
            answer = await answering
        except web.HTTPException as error:
            self._note(seen, error.status)
            raise
        except (ConnectionError, asyncio.CancelledError):
            self._note(seen, _CLIENT_LEFT)
            raise
        except Exception as error:  # whatever happened, the client is answered
            refused = self._refused(error, seen)
            if _BEGUN in seen.request:  # a second answer would be taken for the first one's rest
                self._note(seen, refused.status)
                raise broken_off(seen.request, "the answer broke off") from error
            await self._audit(seen, refused)
            answer = _refusal(refused)
        self._note(seen, answer.status, answer.content_length or 0)
        return answer

    def _refused(self, error: Exception, seen: Seen) -> Refused:
        """What an error means for a client."""
        if isinstance(error, Refused):
            return error
        if isinstance(error, Refusal):
            if seen.place.kind == "token":
                return self._service.gate.answer(error, _LOGIN)
            return self._service.gate.refused(
                error, realm(self._service, seen.request),
                scope_of(seen.place, seen.request.method),
            )  # fmt: skip
        if isinstance(error, DiskFull) or (isinstance(error, OSError) and error.errno in FULL):
            return problems.disk_full()
        self._service.log.error("%s of a %s failed", seen.request.method, seen.place.kind,
                                exc_info=error)  # fmt: skip
        return problems.failing()

    async def _audit(self, seen: Seen, refused: Refused) -> None:
        """Notes who was kept from what; who has yet to say who he is was kept from nothing."""
        if refused.status not in _TURNED_AWAY or not seen.who or not seen.place.name:
            return
        event = Event(
            who=seen.who, action=_ACTIONS.get(seen.request.method, "pull"), result="denied",
            repository=seen.place.name, reference=seen.place.item, status=refused.status,
            address=seen.request.remote or "", detail=refused.message,
        )  # fmt: skip
        await self._service.records(self._service.gate.access.audit_denied, event)

    def _note(self, seen: Seen, status: int, size: int = 0) -> None:
        seconds = time.monotonic() - seen.started
        request, metrics = seen.request, self._service.metrics
        metrics.request(request.method, seen.place.kind, status, seconds)
        if seen.place.kind == "blob" and request.method == "GET":
            metrics.sent(size)
        # No header but the client's name, and no query: tokens are in those.
        said: dict[str, logs.Value] = {
            "address": request.remote or "", "who": seen.who, "method": request.method,
            "path": request.rel_url.raw_path, "status": status, "bytes": size,
            "seconds": round(seconds, 4), "agent": request.headers.get("User-Agent", ""),
        }  # fmt: skip
        self._service.access_log.info("request", extra=logs.fields(said))


class Seen:
    """A request, and what was found out about it so far."""

    def __init__(self, request: web.Request, place: Place | None = None) -> None:
        self.request = request
        self.place = place or Place("unknown")
        self.who = ""
        self.holding = contextlib.ExitStack()
        """What is given back when it is answered."""
        self.started = time.monotonic()


def _handler(place: Place, method: str) -> Handler:
    found = _HANDLERS.get((place.kind, "GET" if method == "HEAD" else method))
    if found is None:
        allowed = sorted(verb for kind, verb in _HANDLERS if kind == place.kind)
        raise Refused(405, "UNSUPPORTED", "the operation is unsupported",
                      headers={"Allow": ", ".join(allowed)})  # fmt: skip
    return found


def _refusal(error: Refused) -> web.Response:
    return web.Response(
        status=error.status, body=msgspec.json.encode(error.document()),
        headers={"Content-Type": "application/json", **error.headers},
    )  # fmt: skip
