"""The routes. The model loads before the port opens, so a server that answers is ready."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypedDict

from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from app import metrics, requests
from app.cpu import thread_count
from app.model import Embedder, Embeddings
from app.pooling import Floats, similarities

PAGE = os.path.join(os.path.dirname(__file__), "page.html")
PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'"
)


class State(TypedDict):
    """What every request can reach."""

    embedder: Embedder
    turn: CapacityLimiter


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[State]:
    """Load the model, then serve. One inference at a time: each may use all threads."""
    directory = os.environ.get("MODEL_DIR", "/model")
    embedder = await to_thread.run_sync(Embedder, directory, thread_count(os.environ))
    yield {"embedder": embedder, "turn": CapacityLimiter(1)}


async def page(_: Request) -> Response:
    """The page for people."""
    return FileResponse(PAGE, headers={"Content-Security-Policy": PAGE_POLICY})


async def healthz(request: Request) -> Response:
    """Ready: the lifespan has loaded the model."""
    loaded = isinstance(request.state.embedder, Embedder)
    return JSONResponse({"status": "ready" if loaded else "loading"}, 200 if loaded else 503)


async def models(_: Request) -> Response:
    """OpenAI's list of models."""
    model = {"id": requests.MODEL, "object": "model", "created": 0, "owned_by": "local"}
    return JSONResponse({"object": "list", "data": [model]})


async def embeddings(request: Request) -> Response:
    """OpenAI's `POST /v1/embeddings`."""
    wanted = requests.parse_embedding_request(await _body(request))
    result = await _embed(request, wanted.inputs)
    encode = _as_base64 if wanted.base64 else _as_numbers
    data = [
        {"object": "embedding", "index": index, "embedding": encode(vector)}
        for index, vector in enumerate(result.vectors)
    ]
    usage = {"prompt_tokens": result.tokens, "total_tokens": result.tokens}
    return JSONResponse({"object": "list", "model": requests.MODEL, "data": data, "usage": usage})


async def similarity(request: Request) -> Response:
    """How alike each pair of sentences is, and the milliseconds that the answer took."""
    sentences = requests.parse_similarity_request(await _body(request))
    started = time.perf_counter()
    matrix = similarities((await _embed(request, sentences)).vectors)
    elapsed = (time.perf_counter() - started) * 1000
    rounded = matrix.astype(float).round(4).tolist()
    return JSONResponse({"sentences": sentences, "matrix": rounded, "ms": round(elapsed, 1)})


async def measured(_: Request) -> Response:
    """For Prometheus."""
    body, content_type = metrics.measured()
    return Response(body, media_type=content_type)


async def refuse(_: Request, error: Exception) -> Response:
    """Every refusal, ours and the router's, in one form."""
    if isinstance(error, requests.BadRequest):
        body = requests.error_body(str(error), error.status, error.param)
        return JSONResponse(body, error.status)
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


async def _embed(request: Request, texts: list[str]) -> Embeddings:
    embedder: Embedder = request.state.embedder
    return await to_thread.run_sync(
        metrics.embed_measured, embedder, texts, limiter=request.state.turn
    )


def _as_numbers(vector: Floats) -> Any:
    return vector.astype(float).round(8).tolist()


def _as_base64(vector: Floats) -> str:
    return base64.b64encode(vector.astype("<f4").tobytes()).decode()


app = Starlette(
    routes=[
        Route("/", page),
        Route("/healthz", healthz),
        Route("/metrics", measured),
        Route("/v1/models", models),
        Route("/v1/embeddings", embeddings, methods=["POST"]),
        Route("/similarity", similarity, methods=["POST"]),
    ],
    exception_handlers={requests.BadRequest: refuse, HTTPException: refuse},
    lifespan=lifespan,
)
