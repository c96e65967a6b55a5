"""What the parts of this API hand to each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

DIMENSIONS = 384
"""Numbers in a vector of all-MiniLM-L6-v2."""

Vector = Sequence[float]


@dataclass(frozen=True, slots=True)
class Document:
    """A text that is looked through; `id` is what it is replaced by."""

    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of a document, short enough for the model to read whole."""

    document: str
    title: str
    position: int
    text: str

    @property
    def id(self) -> str:
        """The same for the same place of the same document."""
        return f"{self.document}#{self.position}"


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that was found; `score` is a cosine, at most 1."""

    passage: Passage
    score: float


class Unavailable(Exception):
    """A service behind this one can't be reached, or gives no answer in time.

    `part` is its name for people and metrics.
    """

    def __init__(self, part: str, reason: object) -> None:
        super().__init__(f"{part} does not answer: {reason}")
        self.part = part


class Store(Protocol):
    """A vector database. All methods block, and raise `Unavailable`."""

    def version(self) -> str:
        """Another one after each change of what is stored."""

    def count(self) -> int:
        """The number of passages."""

    def replace(
        self, documents: Sequence[str], passages: Sequence[Passage], vectors: Sequence[Vector]
    ) -> None:
        """Removes all passages of `documents`, then adds `passages` with their `vectors`."""

    def search(self, vector: Vector, k: int) -> list[Hit]:
        """The `k` passages that are closest, the best first."""

    def close(self) -> None:
        """Ends the connections."""
