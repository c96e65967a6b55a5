"""Archives made to harm: each must be refused, or do nothing outside of its directory."""

from __future__ import annotations

import io
import os
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from dockyard.errors import ContentMismatch, DockyardError, HostileInput, NotSupported
from dockyard.images.untar import Limits, extract

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="changes owners and makes devices")

Entry = tuple[str, bytes | str, dict[str, object]]

LINK, SYM, DIR = tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.DIRTYPE


def _archive(*entries: Entry) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, what, fields in entries:
            info = tarfile.TarInfo(name)
            info.mode = 0o755
            content = what.encode() if isinstance(what, str) else b""
            info.type = tarfile.REGTYPE if isinstance(what, str) else what
            info.size = len(content)
            for key, value in fields.items():
                setattr(info, key, value)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A directory to unpack in, beside files that must stay as they are."""
    (tmp_path / "victim").write_text("untouched")
    (tmp_path / "victims").mkdir()
    (tmp_path / "victims/file").write_text("untouched")
    (tmp_path / "place").mkdir()
    before = _outside(tmp_path)
    yield tmp_path / "place"
    assert _outside(tmp_path) == before


def _outside(base: Path) -> list[tuple[str, int, int, int]]:
    paths = [base / "victim", base / "victims", base / "victims/file"]
    found = [p.name for p in base.iterdir()] + [p.name for p in (base / "victims").iterdir()]
    stats = [(str(p), p.stat().st_mode, p.stat().st_nlink, p.stat().st_mtime_ns) for p in paths]
    return [*stats, ("|".join(sorted(found)), 0, 0, 0)]


@pytest.mark.parametrize(
    "entries",
    [
        [("../victim", "bad", {})],
        [("a/../../victim", "bad", {})],
        [("a/..", DIR, {})],
        [("l", LINK, {"linkname": "../victim"})],
        [("f", "", {"pax_headers": {"path": "x\0/../../victim"}})],
        [("l", SYM, {"linkname": "../victims"}), ("l/file/x", "bad", {})],
        [("f", "x", {}), ("f/child", "bad", {})],
        [("d", DIR, {}), ("l", LINK, {"linkname": "d"})],
        [("loop", SYM, {"linkname": "loop"}), ("loop/x", "bad", {})],
        [("null", tarfile.CHRTYPE, {"devmajor": 0, "devminor": 0})],
        [("null", tarfile.CHRTYPE, {"devmajor": 2**13, "devminor": 0})],
        [("f", "x", {"uid": 2**32 - 1})],
        [("f", "x", {"pax_headers": {"uid": "-1"}})],
        [("d", DIR, {"pax_headers": {"SCHILY.xattr.trusted.overlay.opaque": "y"}})],
        [("d", DIR, {"pax_headers": {"SCHILY.xattr.trusted.overlay.redirect": "/etc"}})],
        [("d", DIR, {"pax_headers": {"SCHILY.xattr.user.overlay.opaque": "y"}})],
        [("d" * 300, "x", {})],
        [("/".join(["d" * 200] * 30), "x", {})],
        [(".", "not a directory", {})],
    ],
)
@pytest.mark.parametrize("whiteouts", [True, False])
def test_refused(place: Path, entries: list[Entry], whiteouts: bool) -> None:
    with pytest.raises(HostileInput) as caught:
        extract(io.BytesIO(_archive(*entries)), str(place), whiteouts=whiteouts)
    assert caught.value.context is not None
    assert "entry" in caught.value.context
    assert "get it from its source again" in (caught.value.hint or "")


@pytest.mark.parametrize("name", [".wh..", ".wh...", ".wh.", "d/.wh..", ".wh.d/f"])
def test_whiteouts_that_delete_no_file_are_refused(place: Path, name: str) -> None:
    with pytest.raises(HostileInput):
        extract(io.BytesIO(_archive((name, "", {}))), str(place), whiteouts=True)


def test_whiteouts_are_refused_in_other_archives(place: Path) -> None:
    with pytest.raises(NotSupported):
        extract(io.BytesIO(_archive((".wh.f", "", {}))), str(place), whiteouts=False)


def test_a_whiteout_that_is_no_file_is_refused(place: Path) -> None:
    with pytest.raises(HostileInput):
        extract(io.BytesIO(_archive((".wh.f", DIR, {}))), str(place), whiteouts=True)


@pytest.mark.parametrize("target", ["../../..", "../victims", "{base}/victims", "/"])
@pytest.mark.parametrize("whiteouts", [True, False])
def test_a_symlink_leads_nowhere_else(place: Path, target: str, whiteouts: bool) -> None:
    """Absolute and climbing targets begin at the directory; where that is nothing, it fails."""
    target = target.format(base=place.parent)
    entries: list[Entry] = [("l", SYM, {"linkname": target}), ("l/file", "bad", {})]
    try:
        extract(io.BytesIO(_archive(*entries)), str(place), whiteouts=whiteouts)
    except HostileInput:
        return
    assert (place / "file").read_text() == "bad"


@pytest.mark.parametrize("kind", [LINK, "content", DIR, tarfile.FIFOTYPE])
def test_nothing_is_written_through_a_last_symlink(place: Path, kind: bytes | str) -> None:
    (place / "other").write_text("x")
    data = _archive(
        ("l", SYM, {"linkname": f"{place.parent}/victim"}), ("l", kind, {"linkname": "other"})
    )
    extract(io.BytesIO(data), str(place), whiteouts=False)
    assert not (place / "l").is_symlink()


def test_a_hard_link_to_a_symlink_is_the_symlink(place: Path) -> None:
    data = _archive(
        ("l", SYM, {"linkname": "../victim"}), ("h", LINK, {"linkname": "l"}), ("h", "bad", {})
    )
    extract(io.BytesIO(data), str(place), whiteouts=False)
    assert (place / "h").read_text() == "bad"


def test_a_hard_link_through_a_symlink_stays_inside(place: Path) -> None:
    data = _archive(("l", SYM, {"linkname": "../victims"}), ("h", LINK, {"linkname": "l/file"}))
    with pytest.raises(ContentMismatch, match="not in the archive"):
        extract(io.BytesIO(data), str(place), whiteouts=False)


def test_a_whiteout_through_a_symlink_stays_inside(place: Path) -> None:
    data = _archive(
        ("d", DIR, {}), ("l", SYM, {"linkname": "/d"}), ("m", SYM, {"linkname": "../victims"}),
        ("victims", DIR, {}), ("l/.wh.x", "", {}), ("m/.wh.file", "", {}),
        ("l/.wh..wh..opq", "", {}), ("m/.wh..wh..opq", "", {}),
    )  # fmt: skip
    extract(io.BytesIO(data), str(place), whiteouts=True)
    assert stat.S_ISCHR((place / "d/x").lstat().st_mode)
    assert stat.S_ISCHR((place / "victims/file").lstat().st_mode)


def test_an_absolute_name_lands_inside(place: Path) -> None:
    extract(io.BytesIO(_archive(("/victim", "inside", {}))), str(place), whiteouts=False)
    assert (place / "victim").read_text() == "inside"


def test_device_nodes_can_be_refused(place: Path) -> None:
    data = _archive(("null", tarfile.CHRTYPE, {"devmajor": 1, "devminor": 3}))
    with pytest.raises(HostileInput, match="not allowed"):
        extract(io.BytesIO(data), str(place), whiteouts=False, devices=False)


@pytest.mark.parametrize("mtime", ["inf", "nan", "-5", "1e300", "99999999999999999999"])
def test_impossible_times_become_1970(place: Path, mtime: str) -> None:
    data = _archive(("f", "x", {"pax_headers": {"mtime": mtime}}))
    extract(io.BytesIO(data), str(place), whiteouts=False)
    assert (place / "f").stat().st_mtime == 0


@pytest.mark.parametrize("size", ["-1", "-1024", "99999999999999", "x", "9" * 5000])
def test_sizes_that_lie_are_refused(place: Path, size: str) -> None:
    data = _archive(("f", "x", {"pax_headers": {"size": size}}), ("g", "y", {}))
    with pytest.raises((HostileInput, ContentMismatch)):
        extract(io.BytesIO(data), str(place), whiteouts=False)


def test_a_sparse_file_can_not_claim_more_than_the_limit(place: Path) -> None:
    headers = {
        "GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.name": "f",
        "GNU.sparse.size": str(2**50), "GNU.sparse.numblocks": "1", "GNU.sparse.map": "0,1",
    }  # fmt: skip
    data = _archive(("f", "x", {"pax_headers": headers}))
    with pytest.raises(HostileInput, match="bytes"):
        extract(io.BytesIO(data), str(place), whiteouts=False)


def test_a_giant_header_is_not_read_into_memory(place: Path) -> None:
    data = _archive(("f", "x", {"pax_headers": {"comment": "x" * 2_000_000}}))
    with pytest.raises(HostileInput, match="header"):
        extract(io.BytesIO(data), str(place), whiteouts=False)


def test_endless_headers_are_refused(place: Path) -> None:
    one = _archive(("f", "", {"pax_headers": {"comment": "x"}}))[:1024]
    with pytest.raises(ContentMismatch):
        extract(io.BytesIO(one * 5000), str(place), whiteouts=False)


def test_damage_in_the_middle_is_no_end(place: Path) -> None:
    data = bytearray(_archive(("a", "x" * 512, {}), ("b", "y", {})))
    data[1024 + 10] ^= 0xFF
    with pytest.raises(ContentMismatch, match="damaged"):
        extract(io.BytesIO(bytes(data)), str(place), whiteouts=False)


def test_too_many_levels_are_refused_without_a_crash(place: Path) -> None:
    with pytest.raises(HostileInput):
        extract(io.BytesIO(_archive(("d/" * 3000 + "f", "x", {}))), str(place), whiteouts=True)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_random_damage_never_escapes_the_errors(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    archive = bytearray(
        _archive(
            ("d", DIR, {}), ("d/f", "x" * 600, {"pax_headers": {"SCHILY.xattr.user.a": "b"}}),
            ("l", SYM, {"linkname": "d"}), ("h", LINK, {"linkname": "d/f"}),
            ("n" * 150, "y", {}), (".wh.gone", "", {}),
        )
    )  # fmt: skip
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(archive) - 1))
        archive[at] = data.draw(st.integers(0, 255))
        block = at // 512 * 512
        if data.draw(st.booleans()):  # a header whose sum is right again
            head = archive[block : block + 512]
            head[148:156] = b" " * 8
            archive[block + 148 : block + 156] = b"%06o\0 " % sum(head)
    place = tmp_path_factory.mktemp("damaged")
    try:
        extract(
            io.BytesIO(bytes(archive)), str(place), whiteouts=True,
            limits=Limits(entries=100, bytes=1 << 20),
        )  # fmt: skip
    except DockyardError:
        return


def test_a_window_of_gigabytes_is_refused(place: Path) -> None:
    """A frame of zstd may ask for as much memory as its header says."""
    parameters = zstandard.ZstdCompressionParameters.from_level(1, window_log=30)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    frame = compressor.compress(_archive(("f", "content", {}))) + compressor.flush()
    with pytest.raises(DockyardError):
        extract(io.BytesIO(frame), str(place), whiteouts=False)
    assert list(place.iterdir()) == []
