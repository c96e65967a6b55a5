"""What images and containers say can't control a terminal."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.cli import listing, render
from dockyard.cli.table import table
from dockyard.cli.visible import on_one_line, visible
from dockyard.errors import DockyardError

HOSTILE = "a\x1b]0;title\x07\x9b2Jb\x7f\r\u202eb\tc\nd"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_what_controls_a_terminal_is_written_out() -> None:
    assert visible(HOSTILE) == "a\\x1b]0;title\\x07\\x9b2Jb\\x7f\\r\\u202eb\tc\nd"
    assert on_one_line("a\tb\nc\x1b") == "a\\tb\\nc\\x1b"
    assert visible("naïve 日本 👩‍🚀 …") == "naïve 日本 👩‍🚀 …"


@given(st.text())
def test_nothing_else_is_changed(text: str) -> None:
    shown = visible(text)
    assert not any((ord(c) < 32 and c not in "\t\n") or 127 <= ord(c) < 160 for c in shown)
    if text.isprintable():
        assert on_one_line(text) == text


def test_a_cell_cannot_break_its_table() -> None:
    assert table([["NAME", "X"], ["a\nEVIL   x", "\x1b[2J"]]) == (
        "NAME          X\na\\nEVIL   x   \\x1b[2J\n"
    )


def test_errors_quote_harmlessly() -> None:
    error = DockyardError("\x1b[1A", context="last output:\r\n\x1b[31mred\rblack", hint="\x07")
    assert render.error_text(error) == (
        "dockyard: \\x1b[1A\n  last output:\n  \\x1b[31mred\\rblack\nhint: \\x07\n"
    )


def test_files_get_every_byte_and_terminals_none_that_controls(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    listing.put(HOSTILE)
    assert capsys.readouterr().out == HOSTILE
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    listing.put(HOSTILE)
    listing.put("\x1b[H", drawn=True)
    assert terminal.getvalue() == f"{visible(HOSTILE)}\x1b[H"
