"""The sample corpus: chapters of Python's language reference, which every Python brings along."""

from __future__ import annotations

from pydoc_data.topics import topics

from app.model import Document

CHAPTERS = (
    "assert", "async", "augassign", "binary", "bitwise", "booleans", "break", "calls", "class",
    "comparisons", "context-managers", "continue", "conversions", "del", "dict", "else",
    "floating", "for", "function", "global", "if", "imaginary", "import", "in", "integers",
    "lambda", "lists", "nonlocal", "operator-summary", "pass", "power", "raise", "return",
    "shifting", "slicings", "string-methods", "strings", "subscriptions", "truth", "try",
    "typesmapping", "unary", "while", "with", "yield",
)  # fmt: skip
"""Without those that repeat others whole, such as "compound"."""


def documents() -> list[Document]:
    """Each chapter, under the name that `help()` knows it by."""
    return [Document(name, _title(topics[name]), topics[name]) for name in CHAPTERS]


def _title(text: str) -> str:
    return text.strip().partition("\n")[0].replace('"', "")
