from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support import installed

from dockyard.images.packages import conda
from dockyard.images.packages.model import Claim, Distribution


@pytest.fixture
def root(tmp_path: Path) -> Iterator[int]:
    descriptor = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    yield descriptor
    os.close(descriptor)


def write(prefix: Path, name: str, document: object) -> None:
    (prefix / "conda-meta").mkdir(parents=True, exist_ok=True)
    (prefix / "conda-meta" / name).write_text(
        document if isinstance(document, str) else json.dumps(document)
    )


def test_a_package_and_its_files(tmp_path: Path, root: int) -> None:
    installed.conda(tmp_path / "opt/conda", "numpy", "2.0", {"lib/x.so": b"x"})
    ((package, claims),) = conda.packages(root, "opt/conda/conda-meta")
    (claim,) = claims

    assert package == Distribution(name="numpy", version="2.0", key="numpy", place="opt/conda")
    assert claim.path == "opt/conda/lib/x.so"
    assert (claim.algorithm, claim.size) == ("sha256", -1)  # the size is that before the prefix


def test_each_kind_of_path(tmp_path: Path, root: int) -> None:
    digest = "ab" * 32
    entries = [
        {"_path": "a", "sha256": digest, "size_in_bytes": 3, "path_type": "hardlink"},
        {"_path": "b", "sha256": digest, "size_in_bytes": 3, "prefix_placeholder": "/x"},
        {"_path": "c", "path_type": "softlink", "sha256": digest, "size_in_bytes": 3},
        {"_path": "d.pyc", "path_type": "pyc_file"},
        {"_path": "e", "sha256": "zz"},
        {"_path": "f", "sha256": "ab"},
        {"_path": "../g"}, {"_path": "/h"}, {"_path": "i/../../j"}, {"_path": "."},
        {"_path": "k/./l//m"}, {"_path": "n\0o"},
    ]  # fmt: skip
    write(tmp_path, "p-1-0.json", {"name": "p", "version": "1", "paths_data": {"paths": entries}})
    ((_, claims),) = conda.packages(root, "conda-meta")

    assert tuple(claims) == (
        Claim("a", 3, "sha256", bytes.fromhex(digest)), Claim("b"), Claim("c"), Claim("d.pyc"),
        Claim("k/l/m"),
    )  # fmt: skip


@pytest.mark.parametrize(
    "document",
    ["", "[]", "{", '{"name": 1, "version": "1"}', {"name": "\x1b", "version": "1"}, "[" * 100_000,
     {"name": "x" * 200, "version": "1"}],
)  # fmt: skip
def test_what_makes_no_sense_is_passed_over(tmp_path: Path, root: int, document: object) -> None:
    write(tmp_path, "bad-1-0.json", document)
    write(tmp_path, "good-1-0.json", {"name": "good", "version": "1"})
    write(tmp_path, "history", "==> 2024-01-01 <==")

    assert [str(package) for package, _ in conda.packages(root, "conda-meta")] == ["good 1"]


def test_a_name_may_begin_with_an_underscore(tmp_path: Path, root: int) -> None:
    write(tmp_path, "a.json", {"name": "_libgcc_mutex", "version": "0.1"})

    assert [str(package) for package, _ in conda.packages(root, "conda-meta")] == [
        "_libgcc_mutex 0.1"
    ]
