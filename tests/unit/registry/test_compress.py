"""Compressing: the same bytes on any number of threads, which every reader takes."""

from __future__ import annotations

import gzip
import io
import random
import subprocess
import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dockyard.errors import InvalidInput
from dockyard.images.decompress import Unpacked
from dockyard.registry.compress import Compression, Compressor

ALL = (("zstd", 1), ("zstd", 3), ("zstd", 19), ("gzip", 1), ("gzip", 2), ("gzip", 3), ("gzip", 6),
       ("none", None))  # fmt: skip
MIB = 1 << 20


def compressed(
    data: bytes, compression: Compression, *, threads: int | None = None, part: int = 1 << 18
) -> bytes:
    out = bytearray()
    with Compressor(compression, threads) as compressor:
        stream = compressor.stream(out.extend)
        for start in range(0, len(data), part):
            stream.write(memoryview(data)[start : start + part])
        stream.finish()
    return bytes(out)


def content(size: int, seed: int = 0) -> bytes:
    """Text and noise by turns, as layers have them."""
    dice = random.Random(seed)
    made = bytearray()
    while len(made) < size:
        made += dice.randbytes(20_000) + b"def function(argument): return argument\n" * 2_000
    return bytes(made[:size])


@pytest.mark.parametrize(("kind", "level"), ALL)
@pytest.mark.parametrize("size", [0, 1, MIB - 1, MIB, MIB + 1, 4 * MIB, 9 * MIB + 17])
def test_what_is_compressed_is_unpacked_to_the_same(
    kind: str, level: int | None, size: int
) -> None:
    data = content(size)
    packed = compressed(data, Compression.chosen(kind, level))

    reader = Unpacked(io.BytesIO(packed), max_bytes=64 * MIB)
    assert b"".join(iter(lambda: reader.read(MIB), b"")) == data


@pytest.mark.parametrize(("kind", "level"), ALL)
def test_the_bytes_do_not_depend_on_threads(kind: str, level: int | None) -> None:
    data = content(13 * MIB + 5)
    compression = Compression.chosen(kind, level)

    assert len({compressed(data, compression, threads=count) for count in (1, 2, 3, 8)}) == 1


@settings(deadline=None, max_examples=25)
@given(
    kind=st.sampled_from(["zstd", "gzip"]),
    size=st.integers(0, 9 * MIB),
    part=st.integers(1_000, 5 * MIB),
    threads=st.integers(1, 5),
    seed=st.integers(0, 3),
)
def test_the_bytes_do_not_depend_on_how_they_come(
    kind: str, size: int, part: int, threads: int, seed: int
) -> None:
    data = content(size, seed)
    compression = Compression.chosen(kind)

    once = compressed(data, compression, threads=1, part=max(size, 1))
    assert compressed(data, compression, threads=threads, part=part) == once


@pytest.mark.parametrize("level", [1, 2, 3, 6, 9])
def test_gzip_is_one_member_without_time_and_name(level: int) -> None:
    data = content(3 * MIB + 1)
    packed = compressed(data, Compression.chosen("gzip", level))

    inflater = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    assert inflater.decompress(packed) == data
    assert inflater.eof
    assert not inflater.unused_data
    assert gzip.decompress(packed) == data
    assert packed[3:8] == bytes(5)


@pytest.mark.parametrize(("kind", "program"), [("gzip", "gzip"), ("zstd", "zstd")])
@pytest.mark.parametrize("size", [0, 9 * MIB + 17])
def test_the_programs_find_nothing_wrong(kind: str, program: str, size: int) -> None:
    packed = compressed(content(size), Compression.chosen(kind))

    done = subprocess.run([program, "-t"], input=packed, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("kind", "level"), [("zstd", 3), ("zstd", 22), ("gzip", 2)])
def test_memory_is_bounded_however_much_comes(kind: str, level: int) -> None:
    """Of what Python allocates: the blocks. That of the libraries is counted into the threads."""
    block = content(2 * MIB)
    written = 0

    def count(data: bytes) -> None:
        nonlocal written
        written += len(data)

    tracemalloc.start()
    try:
        with Compressor(Compression.chosen(kind, level), 2) as compressor:
            stream = compressor.stream(count)
            for _ in range(20):
                stream.write(block)
            stream.finish()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert written
    assert peak < 36 * MIB


@pytest.mark.parametrize(
    ("kind", "level"), [("xz", None), ("zstd", 0), ("zstd", 23), ("gzip", 10), ("none", 1)]
)
def test_what_there_is_not_is_refused(kind: str, level: int | None) -> None:
    with pytest.raises(InvalidInput) as caught:
        Compression.chosen(kind, level)
    assert caught.value.hint


def test_the_recipe_names_all_that_the_bytes_depend_on() -> None:
    recipes = {Compression.chosen(kind, level).recipe for kind, level in ALL}

    assert len(recipes) == len(ALL)
    assert Compression.chosen().recipe.startswith("zstd-1.")
    assert Compression.chosen("gzip", 1).recipe.startswith("isal-")
    assert Compression.chosen("gzip", 6).recipe.startswith("zlib-")


def test_a_writer_that_fails_ends_the_work() -> None:
    def fail(data: bytes) -> None:
        if data:
            raise OSError(28, "No space left on device")

    with Compressor(Compression.chosen(), 2) as compressor:
        stream = compressor.stream(fail)
        with pytest.raises(OSError, match="No space"):
            stream.write(content(40 * MIB))
