"""From a request's bytes to values that can be trusted, or to an error that says what is wrong."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

MODEL: Final = "all-MiniLM-L6-v2"
DIMENSIONS: Final = 384

MAX_BODY_BYTES: Final = 1 << 20
MAX_INPUTS: Final = 256
MAX_SENTENCES: Final = 64  # the matrix grows with the square
MAX_CHARACTERS: Final = 20_000  # the model reads 256 tokens; far beyond that is a mistake


class BadRequest(Exception):
    """A request that cannot be served, with the status and the field to blame."""

    def __init__(self, message: str, *, param: str | None = None, status: int = 400) -> None:
        super().__init__(message if param is None else f"{param} {message}")
        self.param = param
        self.status = status


@dataclass(frozen=True)
class EmbeddingRequest:
    """What `POST /v1/embeddings` asks for."""

    inputs: list[str]
    base64: bool


def parse_embedding_request(body: bytes) -> EmbeddingRequest:
    """Read OpenAI's embedding request.

    Raises:
        BadRequest: the body is not such a request, or asks for what this model cannot do.
    """
    fields = _decode(body)
    model = fields.get("model", MODEL)
    if model != MODEL:
        raise BadRequest(f"must be {MODEL!r}, the only one here", param="model", status=404)
    if fields.get("dimensions", DIMENSIONS) != DIMENSIONS:
        raise BadRequest(f"must be {DIMENSIONS}, as many as {MODEL} has", param="dimensions")
    encoding = fields.get("encoding_format", "float")
    if encoding not in ("float", "base64"):
        raise BadRequest("must be 'float' or 'base64'", param="encoding_format")
    inputs = fields.get("input")
    if isinstance(inputs, str):
        inputs = [inputs]
    return EmbeddingRequest(_texts(inputs, "input", MAX_INPUTS), encoding == "base64")


def parse_similarity_request(body: bytes) -> list[str]:
    """Read `{"sentences": [...]}`.

    Raises:
        BadRequest: the body is not that, or is over a limit.
    """
    return _texts(_decode(body).get("sentences"), "sentences", MAX_SENTENCES)


def error_body(message: str, status: int, param: str | None = None) -> dict[str, Any]:
    """The error in the form that OpenAI's clients read."""
    kind = "invalid_request_error" if status < 500 else "server_error"
    return {"error": {"message": message, "type": kind, "param": param, "code": status}}


def _decode(body: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadRequest("the body is not valid JSON") from error
    if not isinstance(fields, dict):
        raise BadRequest("the body must be a JSON object")
    return fields


def _texts(value: object, param: str, limit: int) -> list[str]:
    if not isinstance(value, list) or not value:
        raise BadRequest("must be a list of at least one string", param=param)
    if len(value) > limit:
        raise BadRequest(f"has {len(value)} entries; at most {limit} are taken", param=param)
    return [_text(text, f"{param}[{index}]") for index, text in enumerate(value)]


def _text(value: object, param: str) -> str:
    if not isinstance(value, str):
        raise BadRequest("must be a string", param=param)
    if not value.strip():
        raise BadRequest("is empty", param=param)
    if len(value) > MAX_CHARACTERS:
        raise BadRequest(f"is longer than {MAX_CHARACTERS} characters", param=param)
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise BadRequest("has half of a surrogate pair, which is not text", param=param)
    return value
