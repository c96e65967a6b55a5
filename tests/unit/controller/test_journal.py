"""The controller's log file."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockyard.controller import journal
from dockyard.controller.journal import Journal


def test_entries_are_lines_with_time_and_level(tmp_path: Path) -> None:
    path = str(tmp_path / "log")
    Journal(path).info("begins")
    Journal(path).error("two\nlines")

    first, second = journal.read(path).splitlines()
    assert first.endswith("Z info begins")
    assert second.endswith("Z error two lines")


def test_two_files_of_limited_size_are_kept(tmp_path: Path) -> None:
    journal_file = Journal(str(tmp_path / "log"), limit=200)
    for number in range(50):
        journal_file.error(f"entry {number}")

    assert sorted(path.name for path in tmp_path.iterdir()) == ["log", "log.1"]
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 500
    assert journal.read(str(tmp_path / "log")).splitlines()[-1].endswith("entry 49")


def test_a_log_that_cannot_be_written_stops_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Journal(str(tmp_path / "missing" / "log"), to_stderr=True).error("unheard")

    assert "error: unheard" in capsys.readouterr().err
    assert journal.read(str(tmp_path / "missing" / "log")) == ""
