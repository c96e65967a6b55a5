#!/usr/bin/env python3
"""Ask the service how alike some sentences are, and print the answer as a table."""

from __future__ import annotations

import argparse
import http.client
import json
import os
import sys
import time
import urllib.error
import urllib.request
from typing import Any

EXAMPLES = [
    "How do I reset my password?",
    "I forgot my login credentials",
    "The cat sleeps on the sofa",
    "A kitten naps on the couch",
    "Stocks fell sharply this morning",
    "Shares dropped in early trading",
]
CLOSE = 0.5  # from here on two sentences say much the same
TIMEOUT = 30.0  # seconds for one answer


class NoAnswer(Exception):
    """The service cannot be reached, or not yet."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 0 for an answer, 1 for none."""
    options = _parser().parse_intermixed_args(arguments)
    sentences = options.sentences or EXAMPLES
    try:
        answer = ask_until(options.url, sentences, options.wait)
    except (NoAnswer, ValueError) as error:
        sys.stderr.write(f"{options.url}: {error}\n")
        return 1
    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    sys.stdout.write(render(answer["sentences"], answer["matrix"], colour=colour))
    sys.stdout.write(f"\n\nanswered in {answer['ms']:.0f} ms\n")
    return 0


def ask_until(url: str, sentences: list[str], wait: float) -> dict[str, Any]:
    """Ask, and again while there is no answer, for at most `wait` seconds.

    Raises:
        NoAnswer: nothing answered in that time.
        ValueError: the service refused the sentences, or `url` is not one.
    """
    deadline = time.monotonic() + wait
    while True:
        try:
            return ask(url, sentences)
        except NoAnswer:
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.1)


def ask(url: str, sentences: list[str]) -> dict[str, Any]:
    """Post the sentences once; the errors are those of `ask_until`."""
    request = urllib.request.Request(  # noqa: S310 - the user's own address
        f"{url.rstrip('/')}/similarity",
        data=json.dumps({"sentences": sentences}).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as response:  # noqa: S310 - as above
            answer: dict[str, Any] = json.load(response)
            return answer
    except urllib.error.HTTPError as error:
        if error.code in (502, 503, 504):
            raise NoAnswer(f"not ready (status {error.code})") from error
        raise ValueError(_refusal(error)) from error
    except (OSError, http.client.HTTPException) as error:
        raise NoAnswer(f"no answer ({getattr(error, 'reason', None) or error})") from error


def render(sentences: list[str], matrix: list[list[float]], *, colour: bool = False) -> str:
    """The sentences with their similarities, one row each, and the closest pair below."""
    width = max(len(sentence) for sentence in sentences)
    numbers = "".join(f"{number:>7}" for number in range(1, len(sentences) + 1))
    lines = [f"{'':{width + 4}}{numbers}"]
    for row, sentence in enumerate(sentences):
        cells = "".join(
            _cell(value, itself=row == column, colour=colour)
            for column, value in enumerate(matrix[row])
        )
        lines.append(f"{row + 1:>2}  {sentence:{width}}{cells}")
    if len(sentences) > 1:
        lines += ["", _closest(sentences, matrix)]
    return "\n".join(lines)


def _cell(value: float, *, itself: bool, colour: bool) -> str:
    text = f"{'-' if itself else f'{value:.2f}':>7}"
    return f"\033[1;36m{text}\033[0m" if colour and not itself and value >= CLOSE else text


def _closest(sentences: list[str], matrix: list[list[float]]) -> str:
    size = len(sentences)
    pairs = [(row, column) for row in range(size) for column in range(row + 1, size)]
    row, column = max(pairs, key=lambda pair: matrix[pair[0]][pair[1]])
    return f'closest: "{sentences[row]}" and "{sentences[column]}" ({matrix[row][column]:.2f})'


def _refusal(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(error)["error"]["message"])
    except (ValueError, LookupError, TypeError):
        return f"status {error.code}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", nargs="?", default="http://localhost:8000", help="the service")
    parser.add_argument("sentences", nargs="*", help="at least one; examples if there are none")
    parser.add_argument(
        "--wait", type=float, default=0.0, metavar="SECONDS", help="for the service to come up"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
