"""The audit log: whole lines, bounded, and nothing in them that acts."""

from __future__ import annotations

import json
import os
import stat
import threading
from pathlib import Path

import pytest

from dockyard.registry.access.audit import AuditLog, Event


def event(**fields: str) -> Event:
    return Event(**({"who": "user:anna", "action": "pull", "result": "allowed"} | fields))  # type: ignore[arg-type]


def test_an_event_is_one_line_with_its_time(tmp_path: Path) -> None:
    log = AuditLog(str(tmp_path), clock=lambda: 1_700_000_000.25)
    log.write(event(repository="a/b"))

    assert (tmp_path / "audit.log").read_text() == (
        '{"time": "2023-11-14T22:13:20.250Z", "who": "user:anna", "action": "pull",'
        ' "repository": "a/b", "result": "allowed"}\n'
    )
    assert stat.S_IMODE((tmp_path / "audit.log").stat().st_mode) == 0o600
    assert [one.repository for one in log.read()] == ["a/b"]


def test_what_a_client_sends_can_t_end_a_line_or_move_a_terminal(tmp_path: Path) -> None:
    log = AuditLog(str(tmp_path))
    hostile = 'x\n{"who":"user:root"}\x1b[2J\x7f\x9b\u2028"é'
    log.write(event(reference=hostile))

    written = (tmp_path / "audit.log").read_bytes()
    assert written.count(b"\n") == 1
    assert written.rstrip(b"\n").decode("ascii").isprintable()
    assert [one.reference for one in log.read()] == [hostile]


def test_a_field_is_cut(tmp_path: Path) -> None:
    log = AuditLog(str(tmp_path))
    log.write(event(reference="x" * 100_000))
    assert (tmp_path / "audit.log").stat().st_size < 1000


def test_files_are_rotated_by_size_and_so_many_kept(tmp_path: Path) -> None:
    log = AuditLog(str(tmp_path), most_bytes=500, kept=3)
    for number in range(100):
        log.write(event(reference=str(number)))

    assert {one.name for one in tmp_path.iterdir()} == {
        "audit.log", "audit.log.1", "audit.log.2", "audit.log.3",
    }  # fmt: skip
    assert all(one.stat().st_size <= 500 for one in tmp_path.iterdir())
    numbers = [int(one.reference) for one in log.read()]
    assert numbers == list(range(numbers[0], 100))


def test_several_writers_lose_nothing(tmp_path: Path) -> None:
    logs = [AuditLog(str(tmp_path), most_bytes=4000, kept=50) for _ in range(4)]

    def write(log: AuditLog, mark: str) -> None:
        for number in range(100):
            log.write(event(reference=f"{mark}{number}"))

    threads = [threading.Thread(target=write, args=(log, f"{i}-")) for i, log in enumerate(logs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = [one.reference for one in logs[0].read()]
    assert sorted(found) == sorted(f"{i}-{number}" for i in range(4) for number in range(100))


def test_a_line_that_a_crash_cut_is_left_out(tmp_path: Path) -> None:
    log = AuditLog(str(tmp_path))
    log.write(event(reference="1"))
    with (tmp_path / "audit.log").open("ab") as stream:
        stream.write(b'{"who": "user:an\n[]\n\xff\n')
    log.write(event(reference="2"))
    assert [one.reference for one in log.read()] == ["1", "2"]


def test_what_can_t_be_written_is_said_once_and_ends_nothing(tmp_path: Path) -> None:
    said: list[str] = []
    (tmp_path / "audit.log").symlink_to(tmp_path / "elsewhere")
    log = AuditLog(str(tmp_path), warn=said.append)
    log.write(event())
    log.write(event())

    assert len(said) == 1
    assert not (tmp_path / "elsewhere").exists()
    os.unlink(tmp_path / "audit.log")
    log.write(event(reference="later"))
    assert [one.reference for one in log.read()] == ["later"]


def test_a_full_disk_leaves_whole_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    log = AuditLog(str(tmp_path), warn=said.append)
    log.write(event(reference="before"))
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:10]))
    log.write(event(reference="lost"))
    monkeypatch.undo()
    log.write(event(reference="after"))

    assert [json.loads(line)["reference"] for line in
            (tmp_path / "audit.log").read_text().splitlines()] == ["before", "after"]  # fmt: skip
    assert said
