"""Whether files are what distributions say of them: each is read once, several at a time."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from dockyard.images.packages.model import Claim, Files

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MOST_THREADS = 4
_BUFFER_BYTES = 1 << 20
_BATCH_BYTES = 8 << 20
_BATCH_FILES = 256

Candidate = tuple[int, Claim]
"""A claim, with the number of the distribution that makes it."""


def kept(
    root: int, files: Files, candidates: Iterable[Candidate], cancelled: Callable[[], bool]
) -> Iterator[tuple[str, int]]:
    """The paths that are rightly claimed, with the distributions' numbers.

    A claim without digest counts by its size, if it has one: installers vouch so for what they
    compiled. A symlink has no content of its own to be checked.

    Args:
        root: descriptor of the directory.
        cancelled: where it says yes, what is still to be read is not claimed.
    """
    first = {path: group[0] for group in files.groups for path in group}
    doubtful: dict[str, list[Candidate]] = {}
    for number, claim in candidates:
        size = files.sizes.get(claim.path)
        if claim.path in files.symlinks:
            if not claim.algorithm:
                yield claim.path, number
        elif size is None or claim.size not in {-1, size}:
            continue
        elif claim.algorithm:
            doubtful.setdefault(first.get(claim.path, claim.path), []).append((number, claim))
        else:
            yield claim.path, number
    paths = sorted(doubtful, key=lambda path: files.sizes[path], reverse=True)
    reader = _Reader(root, files.sizes, doubtful, cancelled)
    threads = min(_MOST_THREADS, os.cpu_count() or 1)
    with ThreadPoolExecutor(threads, thread_name_prefix="verify") as pool:
        for right in pool.map(reader.right, _batches(paths, files)):
            yield from right


def _batches(paths: Sequence[str], files: Files) -> Iterator[list[str]]:
    """Large files one by one, small ones many at a time."""
    batch: list[str] = []
    size = 0
    for path in paths:
        batch.append(path)
        size += files.sizes[path]
        if size >= _BATCH_BYTES or len(batch) == _BATCH_FILES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


class _Reader:
    """Compares files with what is claimed of them, whoever claims it under whatever name."""

    def __init__(
        self,
        root: int,
        sizes: Mapping[str, int],
        claims: Mapping[str, Sequence[Candidate]],
        cancelled: Callable[[], bool],
    ) -> None:
        self._root = root
        self._sizes = sizes
        self._claims = claims
        self._cancelled = cancelled

    def right(self, paths: Sequence[str]) -> list[tuple[str, int]]:
        """The right claims on some files."""
        buffer = memoryview(bytearray(_BUFFER_BYTES))
        found: list[tuple[str, int]] = []
        for path in paths:
            if self._cancelled():
                break
            claims = self._claims[path]
            digests = self._digests(path, {claim.algorithm for _, claim in claims}, buffer)
            found += [
                (claim.path, number)
                for number, claim in claims
                if digests.get(claim.algorithm) == claim.digest
            ]
        return found

    def _digests(
        self, path: str, algorithms: Iterable[str], buffer: memoryview
    ) -> dict[str, bytes]:
        """Digests of a file; Python's lock is free while a part of more than 2 KiB is hashed."""
        hashes = {algorithm: hashlib.new(algorithm) for algorithm in algorithms}
        left = self._sizes[path]
        descriptor = self._open(path)
        try:
            while left > 0 and (length := os.readv(descriptor, [buffer])):
                left -= length
                for each in hashes.values():
                    each.update(buffer[:length])
                if self._cancelled():
                    return {}
        finally:
            os.close(descriptor)
        return {algorithm: each.digest() for algorithm, each in hashes.items()}

    def _open(self, path: str) -> int:
        try:
            return os.open(path, _READ | os.O_NOATIME, dir_fd=self._root)
        except PermissionError:
            return os.open(path, _READ, dir_fd=self._root)
