"""The gateway's access log."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec

from dockyard.serving.gateway.access_log import Reader


def _line(**fields: Any) -> bytes:
    return msgspec.json.encode({"target": "p.a", "upstream": "10.0.0.2:80", **fields}) + b"\n"


def test_lines_are_read_once_as_they_come(tmp_path: Path) -> None:
    path = tmp_path / "log"
    reader = Reader(str(path))
    assert reader.read() == []
    with path.open("ab", buffering=0) as log:
        log.write(_line(id="1") + _line(id="2")[:20])
        assert [one.id for one in reader.read()] == ["1"]
        log.write(_line(id="2")[20:] + b"no json\n" + _line(id="3"))
        assert [one.id for one in reader.read()] == ["2", "3"]
    assert reader.read() == []
    reader.close()


def test_a_rotation_loses_and_repeats_nothing(tmp_path: Path) -> None:
    path, old = tmp_path / "log", tmp_path / "log.1"
    path.write_bytes(_line(id="1"))
    reader = Reader(str(path))
    assert [one.id for one in reader.read()] == ["1"]
    os.rename(path, old)
    with old.open("ab") as log:
        log.write(_line(id="2"))
    assert [one.id for one in reader.read()] == ["2"]
    with old.open("ab") as log:
        log.write(_line(id="3"))
    path.write_bytes(_line(id="4"))
    assert [one.id for one in reader.read()] == ["3", "4"]
    path.write_bytes(_line(id="5")[:-1])
    reader.read()
    reader.close()


def test_a_reader_may_begin_with_what_comes(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(_line(id="1"))
    reader = Reader(str(path), from_end=True)
    with path.open("ab") as log:
        log.write(_line(id="2"))
    assert [one.id for one in reader.read()] == ["2"]
    reader.close()
