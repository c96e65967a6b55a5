from __future__ import annotations

import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.images import ustar


def _read(entry: ustar.Entry) -> tarfile.TarInfo:
    data = ustar.encode(entry) + bytes(entry.size) + ustar.padding(entry.size) + ustar.END
    with tarfile.open(fileobj=io.BytesIO(data), errors="surrogateescape") as tar:
        member = tar.next()
    assert member is not None
    return member


def _entry(path: bytes, **fields: object) -> ustar.Entry:
    values: dict[str, object] = {
        "kind": b"0", "mode": 0o644, "uid": 0, "gid": 0, "size": 0, "mtime": 0,
    }  # fmt: skip
    return ustar.Entry(path=path, **{**values, **fields})  # type: ignore[arg-type]


@given(st.lists(st.binary(min_size=1, max_size=120), min_size=1, max_size=6))
def test_any_path_is_read_back(parts: list[bytes]) -> None:
    clean = [p.translate(None, b"/\0").strip(b".") or b"x" for p in parts]
    path = b"/".join(clean)
    assert _read(_entry(path)).name.encode("utf-8", "surrogateescape") == path


@pytest.mark.parametrize("length", [99, 100, 101, 255, 256, 257, 300])
def test_paths_around_the_limits_of_the_fields(length: int) -> None:
    path = b"d" * (length // 2) + b"/" + b"f" * (length - length // 2 - 1)
    assert _read(_entry(path)).name.encode() == path


def test_a_pax_header_appears_only_where_it_is_needed() -> None:
    assert len(ustar.encode(_entry(b"p" * 155 + b"/" + b"n" * 100))) == ustar.BLOCK
    assert len(ustar.encode(_entry(b"n" * 101))) == 3 * ustar.BLOCK


def test_large_numbers_survive() -> None:
    member = _read(_entry(b"f", uid=2**32 - 2, gid=3_000_000, mtime=8**11))
    assert (member.uid, member.gid, member.mtime) == (2**32 - 2, 3_000_000, 8**11)


def test_a_size_beyond_eight_gibibytes_is_in_a_pax_record() -> None:
    assert b"19 size=8589934592\n" in ustar.encode(_entry(b"f", size=8 * 2**30))


@pytest.mark.parametrize("length", [*range(80, 95), *range(980, 992)])
def test_the_length_of_a_record_counts_itself(length: int) -> None:
    member = _read(_entry(b"f", xattrs=((b"user.a", b"v" * length),)))
    assert member.pax_headers["SCHILY.xattr.user.a"] == "v" * length
