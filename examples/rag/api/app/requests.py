"""What may be asked of this API, and how a refusal looks. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from app.model import Document

MAX_BODY_BYTES = 4 << 20
MAX_QUESTION = 1000
MAX_DOCUMENTS = 100
MAX_ID = 200
MAX_TITLE = 500
MAX_K = 20
DEFAULT_K = 5


class BadRequest(Exception):
    """What was sent can't be answered; the text says why. `status` is HTTP's."""

    def __init__(self, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and how many passages are wanted."""

    text: str
    k: int


def parse_question(body: bytes) -> Question:
    """Raises `BadRequest` where the body is no question."""
    fields = _object(body)
    question, k = fields.get("question"), fields.get("k", DEFAULT_K)
    if not isinstance(question, str) or not question.strip():
        raise BadRequest("question must be a text that isn't empty")
    if len(question) > MAX_QUESTION:
        raise BadRequest(f"question is longer than {MAX_QUESTION} characters")
    if isinstance(k, bool) or not isinstance(k, int) or not 1 <= k <= MAX_K:
        raise BadRequest(f"k must be a number from 1 to {MAX_K}")
    return Question(question, k)


def parse_documents(body: bytes) -> list[Document]:
    """Raises `BadRequest` where the body has no documents."""
    documents = _object(body).get("documents")
    if not isinstance(documents, list) or not 1 <= len(documents) <= MAX_DOCUMENTS:
        raise BadRequest(f"documents must be a list of 1 to {MAX_DOCUMENTS}")
    found = [_document(one, f"documents[{place}]") for place, one in enumerate(documents)]
    if len({one.id for one in found}) != len(found):
        raise BadRequest("two documents have the same id")
    return found


def error_body(message: str, status: int, part: str | None = None) -> dict[str, Any]:
    """Every refusal in one form; `part` is the service that is to blame."""
    return {"error": {"message": message, "status": status, "part": part}}


def _document(value: object, place: str) -> Document:
    if not isinstance(value, dict):
        raise BadRequest(f"{place} must be an object")
    identity, text = value.get("id"), value.get("text")
    title = value.get("title", identity)
    for name, field, longest in (
        ("id", identity, MAX_ID),
        ("title", title, MAX_TITLE),
        ("text", text, MAX_BODY_BYTES),
    ):
        if not isinstance(field, str) or not field.strip() or "\0" in field:
            raise BadRequest(f"{place}.{name} must be a text that isn't empty")
        if len(field.encode()) > longest:
            raise BadRequest(f"{place}.{name} is longer than {longest} bytes")
    return Document(str(identity), str(title), str(text))


def _object(body: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(body)
    except ValueError as error:
        raise BadRequest(f"the body is no JSON: {error}") from error
    if not isinstance(fields, dict):
        raise BadRequest("the body must be a JSON object")
    return fields
