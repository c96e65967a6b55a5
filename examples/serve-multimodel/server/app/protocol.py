"""The Open Inference Protocol's JSON: from a request to bytes, from results to tensors."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

MAX_BODY_BYTES = 4 << 20
MAX_ITEMS = 64


class BadRequest(Exception):
    """A request that can't be served, and its status."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Tensor:
    """A named result: `shape` has the number of items first."""

    name: str
    datatype: str
    shape: list[int]
    data: list[Any]

    def document(self) -> dict[str, Any]:
        """As the protocol has it."""
        return {
            "name": self.name, "datatype": self.datatype, "shape": self.shape, "data": self.data
        }  # fmt: skip


class Model(Protocol):
    """What the server needs to know of a model. Loading is what making one does."""

    name: str
    platform: str
    takes: str
    """The name of its input, which is BYTES."""
    gives: Sequence[Mapping[str, Any]]
    """Its outputs: name, datatype and shape, -1 for what varies."""

    def infer(self, items: list[bytes]) -> list[Tensor]:
        """Results for all items, in their order."""


def decode(body: bytes) -> dict[str, Any]:
    """A JSON object.

    Raises:
        BadRequest: it is none.
    """
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadRequest("the body is not valid JSON") from error
    if not isinstance(fields, dict):
        raise BadRequest("the body must be a JSON object")
    return fields


def items_of(fields: dict[str, Any], name: str) -> list[bytes]:
    """The items of the one input that a model takes.

    Text is sent as it is, anything else as base64 with `"parameters": {"content_type": "base64"}`.

    Raises:
        BadRequest: there is no such input, or it is no BYTES.
    """
    inputs = fields.get("inputs")
    if not isinstance(inputs, list) or not all(isinstance(one, dict) for one in inputs):
        raise BadRequest("inputs must be a list of tensors")
    found = [one for one in inputs if one.get("name") == name]
    if len(inputs) != 1 or not found:
        raise BadRequest(f"inputs must have {name!r} and nothing else")
    tensor = found[0]
    data = tensor.get("data")
    if tensor.get("datatype") != "BYTES" or not isinstance(data, list):
        raise BadRequest(f"{name} must be BYTES, with data as a flat list of strings")
    if not 1 <= len(data) <= MAX_ITEMS or tensor.get("shape") != [len(data)]:
        raise BadRequest(f"{name} must have 1 to {MAX_ITEMS} items, and the shape [items]")
    parameters = tensor.get("parameters") or {}
    is_base64 = isinstance(parameters, dict) and parameters.get("content_type") == "base64"
    return [_item(each, name, is_base64=is_base64) for each in data]


def texts_of(fields: dict[str, Any]) -> list[bytes]:
    """The input of OpenAI's embeddings: one string, or a list of them.

    Raises:
        BadRequest: it is neither.
    """
    wanted = fields.get("input")
    texts = [wanted] if isinstance(wanted, str) else wanted
    if not isinstance(texts, list) or not 1 <= len(texts) <= MAX_ITEMS:
        raise BadRequest(f"input must be a string, or a list of 1 to {MAX_ITEMS}")
    return [_item(each, "input", is_base64=False) for each in texts]


def _item(value: object, name: str, *, is_base64: bool) -> bytes:
    if not isinstance(value, str) or not value:
        raise BadRequest(f"{name} must have strings that aren't empty")
    try:
        return base64.b64decode(value, validate=True) if is_base64 else value.encode()
    except (binascii.Error, ValueError) as error:
        raise BadRequest(f"{name} has a string that can't be decoded") from error
