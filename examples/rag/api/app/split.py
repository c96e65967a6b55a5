"""A document as passages. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.model import Document, Passage

LONGEST = 900
"""Characters of a passage: about 220 tokens, where the model reads 256."""

_BETWEEN_PARAGRAPHS = re.compile(r"\n\s*\n")


def passages(document: Document) -> list[Passage]:
    """The document's paragraphs, joined while they are short, cut where they are too long."""
    return [
        Passage(document.id, document.title, position, text)
        for position, text in enumerate(_joined(_paragraphs(document.text)))
    ]


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in _BETWEEN_PARAGRAPHS.split(text):
        stripped = paragraph.strip("\n").rstrip()
        while len(stripped) > LONGEST:
            end = _end_of_part(stripped)
            yield stripped[:end].rstrip()
            stripped = stripped[end:].lstrip("\n ")
        if stripped:
            yield stripped


def _end_of_part(text: str) -> int:
    """Where to cut: after a sentence, a line or a word, whichever is there in the second half."""
    for mark in (". ", ".\n", "\n", " "):
        found = text.rfind(mark, LONGEST // 2, LONGEST)
        if found != -1:
            return found + len(mark)
    return LONGEST


def _joined(paragraphs: Iterator[str]) -> Iterator[str]:
    together = ""
    for paragraph in paragraphs:
        if together and len(together) + len(paragraph) + 2 > LONGEST:
            yield together
            together = ""
        together = f"{together}\n\n{paragraph}" if together else paragraph
    if together:
        yield together
