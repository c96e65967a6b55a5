"""Has the API take in text files, or the sample corpus where none is named."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence

import httpx

from app import sample
from app.model import Document

SECONDS = 300.0
"""For one request; the embeddings of a long text take a while on few CPUs."""
TOGETHER = 40_000
"""Characters of one request."""
ENDINGS = (".md", ".rst", ".txt")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; 0, or 1 with a message."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="*", help="text files, and folders of them")
    parser.add_argument("--url", default=os.environ.get("RAG_URL", "http://api:8000"))
    options = parser.parse_args(arguments)
    try:
        documents = list(_read(options.paths)) if options.paths else sample.documents()
        passages = load(options.url, documents)
    except (httpx.HTTPError, OSError, ValueError) as error:
        sys.stderr.write(f"{options.url}: {error}\n")
        return 1
    sys.stdout.write(f"{len(documents)} documents, {passages} passages\n")
    return 0


def load(url: str, documents: Sequence[Document]) -> int:
    """Sends documents, a few at a time; the number of their passages."""
    passages = 0
    with httpx.Client(base_url=url, timeout=SECONDS, trust_env=False) as client:
        for group in _groups(documents):
            rows = [{"id": one.id, "title": one.title, "text": one.text} for one in group]
            answer = client.post("/documents", json={"documents": rows})
            if answer.is_error:
                raise ValueError(answer.json()["error"]["message"])
            passages += answer.json()["passages"]
    return passages


def _groups(documents: Sequence[Document]) -> Iterator[list[Document]]:
    group: list[Document] = []
    for document in documents:
        if group and sum(len(one.text) for one in (*group, document)) > TOGETHER:
            yield group
            group = []
        group.append(document)
    if group:
        yield group


def _read(paths: Sequence[str]) -> Iterator[Document]:
    for path in paths:
        for name in sorted(_files(path)):
            with open(name, encoding="utf-8", errors="replace") as stream:
                text = stream.read()
            if text.strip():
                yield Document(name, os.path.basename(name), text)


def _files(path: str) -> Iterator[str]:
    if not os.path.isdir(path):
        yield path
        return
    for directory, _, names in os.walk(path):
        yield from (os.path.join(directory, name) for name in names if name.endswith(ENDINGS))


if __name__ == "__main__":
    sys.exit(main())
