"""Sizes, durations, moments, tables and errors as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.cli import moments, render, units
from dockyard.cli.commands.logs import parse_tail
from dockyard.cli.paragraph import paragraph
from dockyard.cli.table import table
from dockyard.errors import DockyardError, InvalidInput

NOW = 1_700_000_000 * units.NANOSECONDS


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0B"), (999, "999B"), (1000, "1kB"), (84_900_000, "84.9MB"), (238_512_411, "239MB"),
     (999_700_000, "1000MB"), (1_230_000_000, "1.23GB")],
)  # fmt: skip
def test_decimal_sizes(size: int, text: str) -> None:
    assert units.decimal_size(size) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [(425_984, "416KiB"), (64 << 20, "64MiB"), (16_274_227, "15.52MiB"), (1 << 30, "1GiB")],
)
def test_binary_sizes(size: int, text: str) -> None:
    assert units.binary_size(size) == text


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "Less than a second"), (1, "1 second"), (59, "59 seconds"), (60, "About a minute"),
        (119, "About a minute"), (120, "2 minutes"), (3000, "50 minutes"), (3600, "About an hour"),
        (7200, "2 hours"), (47 * 3600, "47 hours"), (48 * 3600, "2 days"), (13 * 86400, "13 days"),
        (14 * 86400, "2 weeks"), (60 * 86400, "2 months"), (729 * 86400, "24 months"),
        (730 * 86400, "2 years"),
    ],
)  # fmt: skip
def test_durations_in_dockers_words(seconds: float, words: str) -> None:
    assert units.duration(seconds) == words


@given(st.floats(0, 1e10))
def test_every_duration_has_words(seconds: float) -> None:
    assert units.duration(seconds)


def test_a_time_that_has_not_come_is_written_as_docker_does() -> None:
    assert units.timestamp(0) == "0001-01-01T00:00:00Z"
    assert units.timestamp(NOW + 5) == "2023-11-14T22:13:20.000000005Z"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("42m", "2023-11-14T21:31:20.000000000Z"),
        ("1h30m", "2023-11-14T20:43:20.000000000Z"),
        ("1.5s", "2023-11-14T22:13:18.500000000Z"),
        ("1700000000", "2023-11-14T22:13:20.000000000Z"),
        ("1700000000.25", "2023-11-14T22:13:20.250000000Z"),
        ("2013-01-02T13:23:37Z", "2013-01-02T13:23:37.000000000Z"),
        ("2013-01-02T13:23:37.5+01:00", "2013-01-02T12:23:37.500000000Z"),
    ],
)
def test_moments(text: str, moment: str) -> None:
    assert moments.parse_moment(text, NOW) == moment


@pytest.mark.parametrize("text", ["", "yesterday", "5x", "1h30", "-5m"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="failed to parse"):
        moments.parse_moment(text, NOW)


def test_tail() -> None:
    assert parse_tail("all") is None
    assert parse_tail("-1") is None
    assert parse_tail("7") == 7
    with pytest.raises(InvalidInput):
        parse_tail("some")


def test_columns_are_three_apart_and_ten_wide_at_least() -> None:
    assert table([("A", "B"), ("x" * 12, "y")]) == "A              B\nxxxxxxxxxxxx   y\n"
    assert table([("A", "B"), ("x", "y")]) == "A         B\nx         y\n"


def test_a_table_fits_the_terminal_by_cutting_its_widest_column() -> None:
    rows = [("ID", "PORTS", "NAME"), ("1", "p" * 100, "web")]
    lines = table(rows, width=40).splitlines()
    assert max(map(len, lines)) <= 40
    assert lines[1].endswith("web")
    assert "…" in lines[1]


def test_gaps_give_way_before_titles_and_titles_before_the_width() -> None:
    rows = [("NAME", "SHARED SIZE", "UNIQUE SIZE"), ("n" * 30, "84.86MB", "84.86MB")]
    assert table(rows, width=36).splitlines()[1] == "nnnnnnn…   84.86MB       84.86MB"
    assert table(rows, width=33).splitlines() == [
        "NAME      SHARED SIZE UNIQUE SIZE", "nnnnnnnn… 84.86MB     84.86MB",
    ]  # fmt: skip
    assert max(map(len, table(rows, width=20).splitlines())) == 20


def test_some_columns_are_cut_before_the_quantities_beside_them() -> None:
    rows = [("ID", "NAME", "NET I/O"), ("c0" * 6, "n" * 20, "1.23kB / 999kB")]
    assert table(rows, width=32, first=[0, 1]).splitlines()[1] == "c0c0c0c… nnnnnnn… 1.23kB / 999kB"
    assert table(rows, width=37).splitlines()[1] == "c0c0c0c0c…   nnnnnnnnn…   1.23kB / 9…"


def test_a_paragraph_breaks_between_words() -> None:
    text = "the hint: sysctl -w kernel.kptr_restrict=1, and in /etc/sysctl.d"
    assert paragraph(text, None, 4) == text
    assert paragraph(text, 30, 4) == (
        "the hint: sysctl -w\n    kernel.kptr_restrict=1,\n    and in /etc/sysctl.d"
    )
    command = paragraph("apt-get install crun conmon", 24, 4, end=" \\")
    assert command == "apt-get install \\\n    crun conmon"


@given(st.lists(st.tuples(st.text("ab", max_size=60), st.text("ab", max_size=60)), min_size=1),
       st.integers(1, 80))  # fmt: skip
def test_every_table_has_its_rows_at_every_width(rows: list[tuple[str, str]], width: int) -> None:
    assert len(table(rows, width).splitlines()) == len(rows)


def test_an_error_shows_context_and_hint() -> None:
    error = DockyardError("it broke", context="here\nand there", hint="do this")
    assert render.error_text(error) == (
        "dockyard: it broke\n  here\n  and there\nhint: do this\n"
    )  # fmt: skip


def test_colour_is_only_for_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not render.use_colour()
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert render.use_colour()
    monkeypatch.setenv("NO_COLOR", "1")
    assert not render.use_colour()
