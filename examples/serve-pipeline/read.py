#!/usr/bin/env python3
"""What a picture says, in which language, and about which topic: three services in a row."""

from __future__ import annotations

import argparse
import json
import sys
import urllib.error
import urllib.request
from dataclasses import asdict, dataclass
from typing import Any

TOPICS = (
    "travelling by train or by bus",
    "cooking and recipes",
    "money, invoices and payments",
    "the weather",
)
MODEL = "all-MiniLM-L6-v2"
TIMEOUT = 90.0  # seconds for one service; its first container may have to start


class NoAnswer(Exception):
    """A service gave none; the text says which and why."""


@dataclass(frozen=True)
class Read:
    """What was found: `topics` by how close they are (cosines), the closest first."""

    text: str
    language: str
    score: float
    topics: dict[str, float]

    @property
    def topic(self) -> str:
        """The closest one."""
        return next(iter(self.topics), "")


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 0, or 1 with a message."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("picture", help="PNG, JPEG or WebP")
    parser.add_argument("--url", default="http://localhost:8080", help="the gateway")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    try:
        with open(options.picture, "rb") as file:
            found = read(options.url.rstrip("/"), file.read())
    except (NoAnswer, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write((json.dumps(asdict(found)) if options.json else render(found)) + "\n")
    return 0


def read(url: str, picture: bytes) -> Read:
    """Ask the three services, one after the other.

    Raises:
        NoAnswer: one of them refused, or could not be reached.
    """
    text = call(f"{url}/ocr/text", picture, "application/octet-stream")["text"]
    if not text:
        return Read("", "", 0.0, {})
    told = call(f"{url}/language/language", encode({"text": text}))
    body = encode({"model": MODEL, "input": [text, *TOPICS]})
    vectors = [item["embedding"] for item in call(f"{url}/embed/v1/embeddings", body)["data"]]
    near = {topic: dot(vectors[0], one) for topic, one in zip(TOPICS, vectors[1:], strict=True)}
    ordered = dict(sorted(near.items(), key=lambda pair: -pair[1]))
    return Read(text, told["language"], told["score"], ordered)


def call(url: str, body: bytes, media_type: str = "application/json") -> dict[str, Any]:
    """Post once; the errors are those of `read`."""
    request = urllib.request.Request(url, body, {"Content-Type": media_type})  # noqa: S310 - the user's own
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as response:  # noqa: S310 - as above
            answer: dict[str, Any] = json.load(response)
            return answer
    except urllib.error.HTTPError as error:
        said = error.read(2000).decode(errors="replace").strip()
        raise NoAnswer(f"{url}: status {error.code}: {said}") from error
    except (OSError, ValueError) as error:
        raise NoAnswer(f"{url}: {getattr(error, 'reason', None) or error}") from error


def encode(fields: dict[str, object]) -> bytes:
    """JSON."""
    return json.dumps(fields).encode()


def dot(one: list[float], other: list[float]) -> float:
    """The cosine of two vectors of length 1."""
    return sum(a * b for a, b in zip(one, other, strict=True))


def render(found: Read) -> str:
    """For people."""
    if not found.text:
        return "no text was found"
    lines = [f"  | {line}" for line in found.text.splitlines()]
    lines.append(f"language: {found.language} ({found.score:.2f})")
    lines += [f"{cosine:6.2f}  {topic}" for topic, cosine in found.topics.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
