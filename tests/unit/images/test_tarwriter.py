from __future__ import annotations

import io
import os
import random
import socket
import stat
import subprocess
import tarfile
from pathlib import Path

import pytest

from dockyard.errors import NotSupported, StateError
from dockyard.images.tarwriter import diff_id, write_layer
from dockyard.oci import digest

EPOCH = 1_700_000_000

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="makes devices or changes owners")


def _tar(directory: Path, **options: object) -> bytes:
    out = io.BytesIO()
    values = {"epoch": EPOCH, "times": "clamp", **options}
    write_layer(str(directory), out.write, **values)  # type: ignore[arg-type]
    return out.getvalue()


def _members(data: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {member.name: member for member in tar}


def _content(data: bytes, name: str) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        stream = tar.extractfile(name)
        assert stream is not None
        return stream.read()


def _pyc(mtime: int, *, flags: int = 0, magic: int = 3495) -> bytes:
    head = magic.to_bytes(2, "little") + b"\r\n" + flags.to_bytes(4, "little")
    return head + mtime.to_bytes(4, "little") + (7).to_bytes(4, "little") + b"code" * 10


def test_equal_trees_give_equal_bytes_whatever_their_history(tmp_path: Path) -> None:
    names = [f"{a}{sep}{b}" for a in "bazA" for b in "yx-é" for sep in (".", "/", "-")]
    tars = []
    for index in (0, 1):
        root = tmp_path / f"{index}"
        old = os.umask(0o077 if index else 0)
        order = sorted(names) if index else random.Random(3).sample(names, len(names))
        for name in order:
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(name.encode() * 9)
            if index:
                os.utime(path, (EPOCH + 5, EPOCH + 99))
        os.umask(old)
        for path in [root, *root.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)
        tars.append(_tar(root))
    assert tars[0] == tars[1]


def test_entries_are_sorted_and_parents_come_first(tmp_path: Path) -> None:
    for name in ("a-b", "a/c", "a/B", "z"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    tmp_path.chmod(0o755)
    assert list(_members(_tar(tmp_path))) == ["a", "a/B", "a/c", "a-b", "z"]


def test_the_digest_is_that_of_the_stream(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"x" * 1_000_000)
    data = _tar(tmp_path)
    assert diff_id(str(tmp_path), epoch=EPOCH, times="clamp") == (digest.of(data), len(data))


def test_gnu_tar_reads_it(tmp_path: Path) -> None:
    root = tmp_path / "layer"
    (root / ("d" * 90) / ("e" * 90)).mkdir(parents=True)
    (root / ("d" * 90) / ("e" * 90) / ("f" * 150)).write_text("long")
    (root / "ümläut").symlink_to("t" * 140)
    (root / "big").write_bytes(os.urandom(700_001))
    os.link(root / "big", root / "link")
    for path in root.rglob("*"):
        os.utime(path, (1, 1_600_000_000), follow_symlinks=False)
    done = subprocess.run(
        ["tar", "--compare", "-C", root, "-f", "-"], input=_tar(root), capture_output=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.parametrize(
    ("times", "mtime", "shown"),
    [
        ("clamp", EPOCH + 9, EPOCH),
        ("clamp", EPOCH - 9, EPOCH - 9),
        ("clamp", -9, 0),
        ("epoch", EPOCH - 9, EPOCH),
    ],
)
def test_times(tmp_path: Path, times: str, mtime: int, shown: int) -> None:
    (tmp_path / "f").write_text("x")
    os.utime(tmp_path / "f", ns=(0, mtime * 10**9 + 999_999_999))
    assert _members(_tar(tmp_path, times=times))["f"].mtime == shown
    assert int((tmp_path / "f").stat().st_mtime_ns // 10**9) == mtime


def test_a_later_file_changes_nothing_else(tmp_path: Path) -> None:
    """Reading doesn't write: access times stay as they are."""
    (tmp_path / "f").write_text("x")
    os.utime(tmp_path / "f", (0, 0))
    _tar(tmp_path)
    assert (tmp_path / "f").stat().st_atime == 0


@pytest.mark.parametrize(
    ("times", "recorded", "shown"),
    [("clamp", EPOCH + 77, EPOCH), ("clamp", EPOCH - 7, EPOCH - 7), ("epoch", 5, EPOCH)],
)
@pytest.mark.parametrize("tail", [0, 400_000])
def test_timestamp_pyc_get_their_time_in_the_tar_only(
    tmp_path: Path, times: str, recorded: int, shown: int, tail: int
) -> None:
    before = _pyc(recorded) + b"x" * tail
    (tmp_path / "m.pyc").write_bytes(before)
    assert _content(_tar(tmp_path, times=times), "m.pyc") == _pyc(shown) + b"x" * tail
    assert (tmp_path / "m.pyc").read_bytes() == before


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("checked.pyc", _pyc(EPOCH + 9, flags=3)),
        ("unchecked.pyc", _pyc(EPOCH + 9, flags=1)),
        ("two.pyc", _pyc(EPOCH + 9, magic=62211)),
        ("short.pyc", _pyc(EPOCH + 9)[:15]),
        ("empty.pyc", b""),
        ("text.pyc", b"not compiled at all, " * 3),
        ("other.bin", _pyc(EPOCH + 9)),
    ],
)
def test_other_files_are_left_alone(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert _content(_tar(tmp_path), name) == content


def test_links_to_one_file_point_to_the_first(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("once")
    os.link(tmp_path / "b", tmp_path / "a")
    (tmp_path / "c").mkdir()
    os.link(tmp_path / "b", tmp_path / "c/d")
    members = _members(_tar(tmp_path))
    assert members["a"].isreg()
    assert [(members[n].islnk(), members[n].linkname) for n in ("b", "c/d")] == [(True, "a")] * 2


def test_the_root_has_an_entry_only_when_it_is_special(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    assert "." not in _members(_tar(tmp_path))
    tmp_path.chmod(0o1777)
    assert _members(_tar(tmp_path))["."].mode == 0o1777


def test_holes_are_zeros_and_setuid_stays(tmp_path: Path) -> None:
    with (tmp_path / "f").open("wb") as stream:
        stream.truncate(3_000_000)
    (tmp_path / "f").chmod(0o4755)
    data = _tar(tmp_path)
    assert _content(data, "f") == bytes(3_000_000)
    assert _members(data)["f"].mode == 0o4755


@needs_root
def test_whiteouts_become_files(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    os.mknod(tmp_path / "d/gone", stat.S_IFCHR, 0)
    member = _members(_tar(tmp_path))["d/.wh.gone"]
    assert (member.isreg(), member.size, member.mtime, member.mode) == (True, 0, EPOCH, 0)


@needs_root
def test_nodes_owners_and_capabilities(tmp_path: Path) -> None:
    os.mknod(tmp_path / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    os.mknod(tmp_path / "disk", stat.S_IFBLK | 0o660, os.makedev(259, 65_000))
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "ping").write_text("x")
    os.chown(tmp_path / "ping", 3_000_000, 4_000_000)
    capability = bytes.fromhex("0100000200200000000000000000000000000000")
    os.setxattr(tmp_path / "ping", "security.capability", capability)
    os.setxattr(tmp_path / "ping", "user.note", b"\xff\0=\n")
    os.setxattr(tmp_path / "ping", "trusted.secret", b"host")
    members = _members(_tar(tmp_path))
    null, disk, ping = members["null"], members["disk"], members["ping"]
    assert (null.ischr(), null.devmajor, null.devminor) == (True, 1, 3)
    assert (disk.isblk(), disk.devmajor, disk.devminor) == (True, 259, 65_000)
    assert members["pipe"].isfifo()
    assert (ping.uid, ping.gid, ping.uname, ping.gname) == (3_000_000, 4_000_000, "", "")
    values = {k: v.encode("utf-8", "surrogateescape") for k, v in ping.pax_headers.items()}
    assert values["SCHILY.xattr.security.capability"] == capability
    assert values["SCHILY.xattr.user.note"] == b"\xff\0=\n"
    assert not any("trusted" in key for key in values)


@needs_root
def test_an_opaque_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    os.setxattr(tmp_path / "d", "trusted.overlay.opaque", b"y")
    with pytest.raises(StateError, match="not normalised: /d"):
        _tar(tmp_path)


def test_a_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s")
    with pytest.raises(StateError, match="/s is a socket"):
        _tar(tmp_path)


@pytest.mark.parametrize("kind", ["file", "directory", "symlink"])
def test_names_that_mean_deletions_are_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / ".wh.x"
    if kind == "symlink":
        path.symlink_to("y")
    elif kind == "directory":
        path.mkdir()
    else:
        path.touch()
    with pytest.raises(NotSupported, match=r"/\.wh\.x"):
        _tar(tmp_path)


def test_an_unknown_writer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotSupported, match="writer 99"):
        _tar(tmp_path, writer=99)


def test_a_missing_directory_is_an_error_of_the_state(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="cannot read the layer"):
        _tar(tmp_path / "nothing")


@needs_root
def test_a_known_tree_has_the_digest_that_writer_1_always_gave(tmp_path: Path) -> None:
    """Layers are made again from their record: writer 1 must never change."""
    root = tmp_path / "layer"
    (root / "usr/lib").mkdir(parents=True)
    (root / "usr/lib/m.pyc").write_bytes(_pyc(EPOCH + 1))
    (root / "usr/lib/a").write_text("content")
    (root / "usr/l").symlink_to("lib")
    os.link(root / "usr/lib/a", root / "usr/lib/b")
    (root / ("n" * 120)).write_text("long")
    for path in [root, *root.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755)
        os.chown(path, 0, 0, follow_symlinks=False)
        os.utime(path, (0, EPOCH - 3), follow_symlinks=False)
    expected = "sha256:8df1cd03393ba1b5415f7f3639e5ef929b08b4192918c4e048761b469275bdec"
    assert diff_id(str(root), epoch=EPOCH, times="clamp") == (expected, 7168)
