from __future__ import annotations

import io

import pytest
from rich.console import Console

from dockyard.cli import transfer_progress
from dockyard.cli.transfer_progress import Board, Row, line, picture
from dockyard.observability.transfers import Transfer
from dockyard.oci import digest as digests

DIGEST = digests.of(b"x")
SHORT = digests.short(DIGEST)


def test_a_bar_has_speed_and_time_left() -> None:
    text = line(Transfer(DIGEST, "downloading", 12_000_000, 48_000_000), 6_000_000.0, 120)

    assert text.startswith(f"{SHORT}: Downloading")
    assert "[======>                 ]" in text
    assert text.endswith("12MB/48MB 6MB/s 6s")


@pytest.mark.parametrize(
    ("seconds", "shown"), [(59, "59s"), (61, "1m01s"), (3600, "1h00m"), (7325, "2h02m")]
)
def test_time_left_is_short(seconds: int, shown: str) -> None:
    assert line(Transfer(DIGEST, "uploading", 1, 1 + seconds), 1.0, 200).endswith(f" {shown}")


def test_what_has_no_total_has_no_bar() -> None:
    assert line(Transfer(DIGEST, "extracting", 5_000_000), None, 80).split() == [
        f"{SHORT}:", "Extracting", "5MB",
    ]  # fmt: skip


@pytest.mark.parametrize("width", [80, 70, 60, 50])
def test_speed_and_time_left_are_there_however_narrow_it_is(width: int) -> None:
    transfer = Transfer(DIGEST, "uploading", 115_000_000, 132_000_000)
    text = line(transfer, 6_730_000.0, width)

    assert text.endswith("115MB/132MB 6.73MB/s 3s")
    assert text.startswith(f"{SHORT}: Pushing ")
    assert len(text) <= width
    assert ("[==" in text) == (width >= 60)


def test_a_line_is_not_wider_than_the_terminal() -> None:
    assert len(line(Transfer(DIGEST, "downloading", 1, 2), 1.0, 30)) == 30


def test_a_blob_that_is_there_says_where() -> None:
    transfer = Transfer(DIGEST, "mounted", note="from library/python")

    assert line(transfer, None, 80) == f"{SHORT}: Mounted from library/python"


def test_a_small_terminal_shows_what_is_going_on() -> None:
    rows = [Row(Transfer(digests.of(b"%d" % n), "pulled"), 0.0) for n in range(9)]
    busy = Row(Transfer(DIGEST, "downloading", 1, 2), 0.0)

    lines = picture([*rows, busy], 1.0, 80, 5)

    assert [text.split(" ")[0] for text in lines] == [f"{SHORT}:", "9"]
    assert lines[-1] == "9 of 10 done"


def test_a_new_phase_has_a_speed_of_its_own() -> None:
    row = Row(Transfer(DIGEST, "downloading", 0, 100), 0.0)
    row.update(Transfer(DIGEST, "downloading", 50, 100), 1.0)
    assert row.speed(1.0) == 50
    row.update(Transfer(DIGEST, "extracting", 0, 100), 2.0)

    assert row.speed(2.1) is None


def test_the_picture_has_a_line_for_each_blob() -> None:
    console = Console(file=io.StringIO(), width=60, height=20)
    board = Board(console)
    board(Transfer(DIGEST, "downloading", 1, 2))
    board(Transfer(digests.of(b"y"), "waiting"))

    assert len(board.draw().renderables) == 2


def test_without_a_terminal_each_blob_has_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with transfer_progress.shown() as listener:
        assert listener is not None
        listener(Transfer(DIGEST, "downloading", 1, 2))
        listener(Transfer(DIGEST, "pulled"))

    assert capsys.readouterr().err == f"{SHORT}: Pull complete\n"


def test_quiet_hears_nothing() -> None:
    with transfer_progress.shown(quiet=True) as listener:
        assert listener is None


def test_what_an_earlier_command_fetched_has_no_speed() -> None:
    row = Row(Transfer(DIGEST, "downloading", 0, 1000), 0.0)
    row.update(Transfer(DIGEST, "downloading", 800, 1000, before=800), 0.1)
    assert row.speed(1.0) is None
    row.update(Transfer(DIGEST, "downloading", 900, 1000, before=800), 2.0)

    assert row.speed(2.0) == 50
    assert row.line(2.0, 100).endswith(" 900B/1kB 50B/s 2s")


def test_a_retry_is_counted_down() -> None:
    told = Transfer(DIGEST, "downloading", 5, 10, retry_seconds=3.0, problem="connection reset")
    row = Row(told, 10.0)

    assert row.line(10.0, 80) == f"{SHORT}: Retrying in 3 seconds (connection reset)"
    assert row.line(12.5, 80) == f"{SHORT}: Retrying in 1 second (connection reset)"
    assert row.line(99.0, 80) == f"{SHORT}: Retrying in 0 seconds (connection reset)"


def test_without_a_terminal_a_retry_has_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with transfer_progress.shown() as listener:
        assert listener is not None
        listener(Transfer(DIGEST, "uploading", 1, 2, retry_seconds=1.2, problem="status 503"))
        listener(Transfer(DIGEST, "pushed"))

    assert capsys.readouterr().err == (
        f"{SHORT}: Retrying in 2 seconds (status 503)\n{SHORT}: Pushed\n"
    )
