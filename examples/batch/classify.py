"""Says which language each record's text is in, by its most frequent words.

A record is a line of standard input, its result a line of standard output with the same id. What
can't be answered is rejected, with the reason as ``error``.
"""

from __future__ import annotations

import json
import sys

COMMON = {
    "de": {"der", "die", "das", "und", "ist", "nicht", "ein", "mit", "auf", "am"},
    "en": {"the", "and", "is", "not", "a", "of", "with", "on", "in", "to"},
    "fr": {"le", "la", "les", "et", "est", "pas", "un", "avec", "sur", "dans"},
}


def classify(text: str) -> dict[str, object]:
    """The language, and how much of the text spoke for it; or why there is none."""
    words = text.lower().split()
    if not words:
        return {"error": "the text is empty"}
    scores = {name: sum(word in known for word in words) for name, known in COMMON.items()}
    best = max(scores, key=lambda name: scores[name])
    if not scores[best]:
        return {"error": "no known word"}
    return {"language": best, "score": round(scores[best] / len(words), 2)}


def main() -> None:
    """One line in, one line out."""
    for line in sys.stdin:
        record = json.loads(line)
        sys.stdout.write(json.dumps({"id": record["id"], **classify(record["text"])}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
