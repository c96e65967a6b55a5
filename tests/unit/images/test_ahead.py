from __future__ import annotations

import io
import os
import threading

import pytest

from dockyard.errors import ContentMismatch
from dockyard.images import ahead
from dockyard.images.ahead import Ahead


@pytest.mark.parametrize("size", [0, 1, 999, 5_000])
def test_the_bytes_are_the_source_s_own(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(ahead, "_BLOCK_BYTES", 1000)
    content = os.urandom(size)
    with Ahead(io.BytesIO(content)) as source:
        found = b"".join(iter(lambda: source.read(300), b""))
        assert source.read(10) == b""

    assert found == content


def test_an_error_of_the_source_is_raised_where_it_is_read() -> None:
    class Broken:
        def read(self, _size: int, /) -> bytes:
            raise ContentMismatch("damaged")

    with Ahead(Broken()) as source, pytest.raises(ContentMismatch, match="damaged"):
        source.read(1)


def test_little_is_read_ahead() -> None:
    asked = []

    class Endless:
        def read(self, size: int, /) -> bytes:
            asked.append(size)
            return b"x" * size

    with Ahead(Endless()) as source:
        source.read(1)
    assert len(asked) < 12


def test_a_source_that_waits_is_woken_where_the_block_ends() -> None:
    woken = threading.Event()

    class Waiting:
        def read(self, _size: int, /) -> bytes:
            assert woken.wait(10)
            raise ContentMismatch("woken")

    with pytest.raises(ValueError, match="mine"), Ahead(Waiting(), woken.set):
        raise ValueError("mine")
    assert woken.is_set()
