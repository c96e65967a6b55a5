"""The routes."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypedDict

from anyio import to_thread
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from app import cache, metrics, requests, settings
from app.cache import Cache
from app.embedding import Embedder
from app.model import Unavailable
from app.service import Service

PAGE = os.path.join(os.path.dirname(__file__), "page.html")
PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'"
)
RETRY_AFTER = {"Retry-After": "2"}
log = logging.getLogger("uvicorn.error")


class State(TypedDict):
    """What every request can reach."""

    service: Service


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[State]:
    """Nothing is waited for: a service that isn't there yet is found by the first request."""
    chosen = settings.read(os.environ)
    store = await to_thread.run_sync(settings.store, chosen)
    service = Service(
        Embedder(chosen.embeddings, chosen.embeddings_timeout),
        store,
        Cache(chosen.cache, chosen.cache_password, timeout=chosen.timeout, kept=chosen.kept),
    )
    yield {"service": service}
    await service.close()


async def page(_: Request) -> Response:
    """The page for people."""
    return FileResponse(PAGE, headers={"Content-Security-Policy": PAGE_POLICY})


async def healthz(request: Request) -> Response:
    """Whether questions can be answered, and which services behind are ready."""
    parts = await _service(request).parts()
    needed = [state for part, state in parts.items() if part != cache.PART]
    ready = all(state == "ready" for state in needed)
    body = {"status": "ready" if ready else "not ready", "parts": parts}
    return JSONResponse(body, 200 if ready else 503)


async def ask(request: Request) -> Response:
    """`POST /ask`: the passages that answer a question."""
    question = requests.parse_question(await _body(request))
    return JSONResponse(await _service(request).ask(question.text, question.k))


async def add(request: Request) -> Response:
    """`POST /documents`: documents become findable, in place of older ones with their ids."""
    documents = requests.parse_documents(await _body(request))
    number = await _service(request).take_in(documents)
    return JSONResponse({"documents": len(documents), "passages": number})


async def count(request: Request) -> Response:
    """`GET /documents`: how many passages there are."""
    return JSONResponse({"passages": await _service(request).count()})


async def measured(_: Request) -> Response:
    """`GET /metrics`, for Prometheus."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


async def refuse(_: Request, error: Exception) -> Response:
    """Every refusal, ours and the router's, in one form."""
    if isinstance(error, requests.BadRequest):
        return JSONResponse(requests.error_body(str(error), error.status), error.status)
    if isinstance(error, Unavailable):
        metrics.FAILURES.labels(error.part).inc()
        log.warning("%s", error)
        return JSONResponse(requests.error_body(str(error), 503, error.part), 503, RETRY_AFTER)
    if isinstance(error, HTTPException):
        body = requests.error_body(error.detail, error.status_code)
        return JSONResponse(body, error.status_code, error.headers)
    raise error


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > requests.MAX_BODY_BYTES:
            limit = requests.MAX_BODY_BYTES
            raise requests.BadRequest(f"the body is larger than {limit} bytes", status=413)
    return bytes(body)


def _service(request: Request) -> Service:
    service: Service = request.state.service
    return service


app = Starlette(
    routes=[
        Route("/", page),
        Route("/healthz", healthz),
        Route("/ask", ask, methods=["POST"]),
        Route("/documents", add, methods=["POST"]),
        Route("/documents", count),
        Route("/metrics", measured),
    ],
    exception_handlers={
        requests.BadRequest: refuse,
        Unavailable: refuse,
        HTTPException: refuse,
    },
    lifespan=lifespan,
)
