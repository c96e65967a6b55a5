"""What is compressed, and what only looks like it."""

from __future__ import annotations

import bz2
import io
import tarfile

import pytest

from dockyard.images.decompress import BLOCK, Unpacked, is_compressed


def archive(name: str, *, form: int = tarfile.USTAR_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form, errors="surrogateescape") as tar:
        tar.addfile(tarfile.TarInfo(name))
    return out.getvalue()


def plain(data: bytes) -> bytes:
    source = Unpacked(io.BytesIO(data), max_bytes=1 << 20)
    return b"".join(iter(lambda: source.read(1 << 16), b""))


@pytest.mark.parametrize("name", ["BZh", "BZh91AY&SY", "(\udcb5/\udcfd", "\x1f\udc8b\x08"])
@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT])
def test_a_tar_whose_first_name_begins_like_something_compressed(name: str, form: int) -> None:
    data = archive(name, form=form)
    assert not is_compressed(data[:BLOCK])
    assert plain(data) == data
    packed = bz2.compress(data)
    assert is_compressed(packed[:BLOCK])
    assert plain(packed) == data


def test_a_header_with_a_wrong_sum_is_none() -> None:
    data = bytearray(archive("BZh"))
    data[200] ^= 1
    assert is_compressed(bytes(data[:BLOCK]))
