"""The routes. The model loads before the port opens, so a server that answers is ready."""

from __future__ import annotations

import importlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypedDict

from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.protocol import MAX_BODY_BYTES, BadRequest, Model, Tensor, decode, items_of, texts_of


class State(TypedDict):
    """What every request can reach."""

    model: Model
    turn: CapacityLimiter


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[State]:
    """Load the model that the environment names, then serve. One inference at a time."""
    module = importlib.import_module(f"app.models.{os.environ['MODEL']}")
    yield {"model": await to_thread.run_sync(module.load), "turn": CapacityLimiter(1)}


async def server(_: Request) -> Response:
    """`GET /v2`."""
    return JSONResponse({"name": "multimodel", "version": "1", "extensions": []})


async def live(_: Request) -> Response:
    """`GET /v2/health/live`."""
    return JSONResponse({"live": True})


async def ready(_: Request) -> Response:
    """`GET /v2/health/ready`, and of the model: the lifespan has loaded it."""
    return JSONResponse({"ready": True})


async def model_ready(request: Request) -> Response:
    """`GET /v2/models/{model}/ready`."""
    return JSONResponse({"name": _model(request).name, "ready": True})


async def metadata(request: Request) -> Response:
    """`GET /v2/models/{model}`."""
    model = _model(request)
    takes = [{"name": model.takes, "datatype": "BYTES", "shape": [-1]}]
    return JSONResponse({
        "name": model.name, "versions": ["1"], "platform": model.platform, "inputs": takes,
        "outputs": list(model.gives),
    })  # fmt: skip


async def infer(request: Request) -> Response:
    """`POST /v2/models/{model}/infer`."""
    model = _model(request)
    fields = decode(await _body(request))
    tensors = await _run(request, items_of(fields, model.takes))
    answer: dict[str, Any] = {"model_name": model.name, "model_version": "1"}
    if isinstance(fields.get("id"), str):
        answer["id"] = fields["id"]
    return JSONResponse(answer | {"outputs": [tensor.document() for tensor in tensors]})


async def models(request: Request) -> Response:
    """`GET /v1/models`: this one. Others have servers of their own."""
    model = {"id": request.state.model.name, "object": "model", "created": 0, "owned_by": "local"}
    return JSONResponse({"object": "list", "data": [model]})


async def embeddings(request: Request) -> Response:
    """OpenAI's `POST /v1/embeddings`, of a model that gives them."""
    fields = decode(await _body(request))
    model: Model = request.state.model
    if fields.get("model") != model.name:
        raise BadRequest(f"this server has {model.name!r} only", 404)
    if [one["name"] for one in model.gives] != ["embedding"]:
        raise BadRequest(f"{model.name} gives no embeddings; see /v2/models/{model.name}")
    (tensor,) = await _run(request, texts_of(fields))
    width = tensor.shape[1]
    data = [
        {"object": "embedding", "index": index,
         "embedding": tensor.data[index * width : (index + 1) * width]}
        for index in range(tensor.shape[0])
    ]  # fmt: skip
    return JSONResponse({"object": "list", "model": model.name, "data": data})


async def refuse(_: Request, error: Exception) -> Response:
    """Every refusal, ours and the router's, as the protocol has it."""
    if isinstance(error, BadRequest):
        return JSONResponse({"error": str(error)}, error.status)
    if isinstance(error, HTTPException):
        return JSONResponse({"error": error.detail}, error.status_code, error.headers)
    raise error


def _model(request: Request) -> Model:
    model: Model = request.state.model
    if request.path_params["model"] != model.name:
        raise BadRequest(f"this server has {model.name!r} only", 404)
    return model


async def _run(request: Request, items: list[bytes]) -> list[Tensor]:
    model: Model = request.state.model
    return await to_thread.run_sync(model.infer, items, limiter=request.state.turn)


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise BadRequest(f"the body is larger than {MAX_BODY_BYTES} bytes", 413)
    return bytes(body)


app = Starlette(
    routes=[
        Route("/v2", server),
        Route("/v2/health/live", live),
        Route("/v2/health/ready", ready),
        Route("/v2/models/{model}", metadata),
        Route("/v2/models/{model}/ready", model_ready),
        Route("/v2/models/{model}/infer", infer, methods=["POST"]),
        Route("/v1/models", models),
        Route("/v1/embeddings", embeddings, methods=["POST"]),
    ],
    exception_handlers={BadRequest: refuse, HTTPException: refuse},
    lifespan=lifespan,
)
