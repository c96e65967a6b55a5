"""Zeros that take no space."""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from dockyard.system import holes

PIECE = st.sampled_from([bytes(1), b"x", bytes(4095), bytes(4096), bytes(9000), b"y" * 5000])


@given(st.lists(PIECE, max_size=12).map(b"".join))
def test_what_is_left_out_is_zeros_and_the_rest_is_all_there(data: bytes) -> None:
    whole = bytearray(len(data))
    end = 0
    for begin, after in holes.stretches(data):
        assert begin % holes.BLOCK_BYTES == 0
        assert end <= begin < after <= len(data)
        whole[begin:after] = data[begin:after]
        end = after
    assert whole == data


def test_a_block_of_zeros_is_no_stretch_and_anything_else_is() -> None:
    data = bytes(4096) + bytes(4095) + b"x" + bytes(4096) + b"y"
    assert list(holes.stretches(data)) == [(4096, 8192), (12288, 12289)]
    assert list(holes.stretches(bytes(100_000))) == []


def test_a_file_written_with_holes_reads_as_it_should(tmp_path: Path) -> None:
    data = b"begin" + bytes(1 << 20) + b"end" + bytes(10_000)
    descriptor = os.open(tmp_path / "file", os.O_WRONLY | os.O_CREAT)
    for at in range(0, len(data), 1 << 16):
        holes.write(descriptor, data[at : at + (1 << 16)], at)
    os.ftruncate(descriptor, len(data))
    os.close(descriptor)
    assert (tmp_path / "file").read_bytes() == data
