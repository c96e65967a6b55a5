"""The order of what was found: by meaning first, and by the question's own words. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from app.model import Hit

CANDIDATES = 30
"""Passages that are asked for, at least, to choose from."""
WEIGHT = 0.2
"""What it is worth, beside the cosine, that a passage has all words of the question."""
_STEM = 6
_WORD = re.compile(r"\w{3,}")


def best(question: str, hits: Sequence[Hit], k: int) -> list[Hit]:
    """The `k` best of `hits`, the best first.

    A word counts for more the fewer of the passages have it: what all have tells them not apart.
    """
    asked = _words(question)
    found = [_words(f"{hit.passage.title} {hit.passage.text}") for hit in hits]
    weights = {word: _rarity(word, found) for word in asked}
    whole = sum(weights.values()) or 1.0
    scores = [
        hit.score + WEIGHT * sum(weights[word] for word in asked & words) / whole
        for hit, words in zip(hits, found, strict=True)
    ]
    order = sorted(range(len(hits)), key=lambda place: -scores[place])
    return [hits[place] for place in order[:k]]


def _rarity(word: str, passages: Sequence[set[str]]) -> float:
    having = sum(word in words for words in passages)
    return math.log((len(passages) + 1) / (having + 0.5)) if having else 0.0


def _words(text: str) -> set[str]:
    return {word[:_STEM] for word in _WORD.findall(text.lower())}
