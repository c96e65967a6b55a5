"""The routes. The models load before the port opens, so a server that answers is ready."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import TypedDict

from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.reading import BadPicture, Reader

MAX_BODY_BYTES = 10 << 20


class State(TypedDict):
    """What every request can reach."""

    reader: Reader
    turn: CapacityLimiter


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[State]:
    """Load the models, then serve."""
    yield {"reader": await to_thread.run_sync(Reader), "turn": CapacityLimiter(1)}


async def healthz(_: Request) -> Response:
    """Ready: the lifespan has loaded the models."""
    return JSONResponse({"status": "ready"})


async def text(request: Request) -> Response:
    """`POST /text`, the body a picture: its text, and the lines with their places."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            return _refusal(413, f"the body is larger than {MAX_BODY_BYTES} bytes")
    started = time.perf_counter()
    try:
        lines = await to_thread.run_sync(
            request.state.reader.read, bytes(body), limiter=request.state.turn
        )
    except BadPicture as error:
        return _refusal(400, str(error))
    elapsed = round((time.perf_counter() - started) * 1000, 1)
    whole = "\n".join(line.text for line in lines)
    return JSONResponse({"text": whole, "lines": [asdict(line) for line in lines], "ms": elapsed})


def _refusal(status: int, message: str) -> Response:
    return JSONResponse({"error": {"message": message, "code": status}}, status)


app = Starlette(
    routes=[Route("/healthz", healthz), Route("/text", text, methods=["POST"])], lifespan=lifespan
)
