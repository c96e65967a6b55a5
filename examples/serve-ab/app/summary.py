"""Summaries made of a text's own sentences, in two ways: two versions to be compared."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

SENTENCE = re.compile(r"(?<=[.!?])\s+")
WORD = re.compile(r"[^\W\d_]{4,}")


def leading(sentences: list[str], count: int) -> list[str]:
    """Version 1: the first sentences. In news, hard to beat."""
    return sentences[:count]


def frequent(sentences: list[str], count: int) -> list[str]:
    """Version 2: those whose words are the text's most frequent ones, in the text's order."""
    frequency = Counter(word for sentence in sentences for word in words(sentence))

    def weight(index: int) -> float:
        found = words(sentences[index])
        return sum(frequency[word] for word in found) / len(found) if found else 0.0

    best = sorted(range(len(sentences)), key=weight, reverse=True)[:count]
    return [sentences[index] for index in sorted(best)]


VERSIONS: dict[str, Callable[[list[str], int], list[str]]] = {"1": leading, "2": frequent}


def summarise(version: str, text: str, count: int) -> str:
    """At most `count` sentences of a text."""
    sentences = [sentence.strip() for sentence in SENTENCE.split(text) if sentence.strip()]
    return " ".join(VERSIONS[version](sentences, count))


def words(sentence: str) -> list[str]:
    """The words that count: of four letters and more, in lower case."""
    return [word.lower() for word in WORD.findall(sentence)]
