from __future__ import annotations

import base64
import csv
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import installed

from dockyard.images.packages import wheels
from dockyard.images.packages.model import Claim, Distribution

INFO = "opt/venv/lib/python3.11/site-packages/a-1.dist-info"
SITE = "opt/venv/lib/python3.11/site-packages"
DIGEST = base64.urlsafe_b64encode(bytes(32)).rstrip(b"=").decode()


def paths(text: str, info: str = INFO) -> list[str]:
    return [claim.path for claim in wheels.read_record(text, info)]


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("a/b.py,,", f"{SITE}/a/b.py"),
        ('"a,b.py",,', f"{SITE}/a,b.py"),
        ("./a//b.py,,", f"{SITE}/a/b.py"),
        ("../../../bin/x,,", "opt/venv/bin/x"),
        ("../../../../../x,,", "x"),
        ("/usr/share/x,,", "usr/share/x"),
        ("//usr/../etc/x,,", "etc/x"),
        ("ü.py,,", f"{SITE}/ü.py"),
    ],
)
def test_a_path_is_relative_to_the_packages(line: str, path: str) -> None:
    assert paths(line) == [path]


@pytest.mark.parametrize(
    "line",
    ["../../../../../../x,,", "../../../../../..,,", "/,,", ",,", "a/,,", "a\0b,,", "",
     "..//../../../../../../../../../etc/passwd,,", "/..,,"],
)  # fmt: skip
def test_what_leads_out_is_no_claim(line: str) -> None:
    assert paths(line) == []


def test_digests_and_sizes() -> None:
    text = f"a,sha256={DIGEST},5\nb,,\nc,sha256={DIGEST},\nd,,7\ne,sha256={DIGEST}=,-5\n"

    assert list(wheels.read_record(text, "a-1.dist-info")) == [
        Claim("a", 5, "sha256", bytes(32)), Claim("b"), Claim("c", -1, "sha256", bytes(32)),
        Claim("d", 7), Claim("e", -1, "sha256", bytes(32)),
    ]  # fmt: skip


@pytest.mark.parametrize("digest", ["md5=AAAA", "sha256=", "sha256=AAAA", "sha256=ü", "x", "="])
def test_a_digest_that_cannot_be_checked_is_no_claim(digest: str) -> None:
    assert paths(f"a,{digest},5") == []


def test_what_the_installer_notes_is_left_out_but_only_in_its_own_directory() -> None:
    names = "\n".join(
        f"{place}/{name},," for place in ("a-1.dist-info", "vendored/b-1.dist-info")
        for name in ("RECORD", "REQUESTED", "INSTALLER", "direct_url.json", "METADATA", "WHEEL")
    )  # fmt: skip

    assert [path.removeprefix(f"{SITE}/") for path in paths(names)] == [
        "a-1.dist-info/METADATA", "a-1.dist-info/WHEEL",
        "vendored/b-1.dist-info/RECORD", "vendored/b-1.dist-info/REQUESTED",
        "vendored/b-1.dist-info/INSTALLER", "vendored/b-1.dist-info/direct_url.json",
        "vendored/b-1.dist-info/METADATA", "vendored/b-1.dist-info/WHEEL",
    ]  # fmt: skip


@given(st.text(max_size=200) | st.lists(st.text(max_size=20), max_size=9).map(",".join))
def test_no_text_leads_out_or_breaks_it(text: str) -> None:
    try:
        found = paths(text)
    except csv.Error:
        return
    for path in found:
        assert path
        assert not path.startswith("/")
        assert ".." not in path.split("/")


@pytest.fixture
def root(tmp_path: Path) -> Iterator[int]:
    descriptor = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    yield descriptor
    os.close(descriptor)


def test_a_distribution_is_named_as_it_names_itself(tmp_path: Path, root: int) -> None:
    installed.wheel(tmp_path / "site", "PyYAML", "6.0", {})
    named = wheels.distribution(root, "site/PyYAML-6.0.dist-info")

    assert named == Distribution(name="PyYAML", version="6.0", key="pyyaml", place="site")


@pytest.mark.parametrize(
    ("metadata", "name", "version"),
    [
        ("Name: Other\nVersion: 9\n", "a_b", "1"),
        ("Name: A.B\nVersion: 2\n\nName: x\n", "A.B", "2"),
        ("Name: a-b\nVersion: \x1b[31m\n", "a-b", ""),
        ("Summary: x\n  Name: a\nNAME: a-b\n", "a-b", "1"),
        ("", "a_b", "1"),
    ],
)
def test_what_metadata_say_is_not_believed_blindly(
    tmp_path: Path, root: int, metadata: str, name: str, version: str
) -> None:
    info = tmp_path / "a_b-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(metadata)
    found = wheels.distribution(root, "a_b-1.dist-info")

    assert found is not None
    assert (found.name, found.version, found.key) == (name, version, "a-b")


def test_a_name_that_is_none_makes_no_distribution(tmp_path: Path, root: int) -> None:
    (tmp_path / "\x1bx-1.dist-info").mkdir()

    assert wheels.distribution(root, "\x1bx-1.dist-info") is None


@pytest.mark.parametrize("kind", ["binary", "quote", "huge field", "link", "pipe", "nothing"])
def test_a_record_that_is_none_claims_nothing(tmp_path: Path, root: int, kind: str) -> None:
    info = tmp_path / "a-1.dist-info"
    info.mkdir()
    record = info / "RECORD"
    match kind:
        case "binary":
            record.write_bytes(b"\xff\xfe\n")
        case "quote":
            record.write_text('a,,\n"b,,\n')
        case "huge field":
            record.write_text("a" * 200_000)
        case "link":
            (tmp_path / "other").write_text("a,,\n")
            record.symlink_to(tmp_path / "other")
        case "pipe":
            os.mkfifo(record)

    try:
        assert list(wheels.claims(root, "a-1.dist-info")) in ([], [Claim("a")])
    except (ValueError, csv.Error):
        assert kind in {"binary", "quote", "huge field"}
