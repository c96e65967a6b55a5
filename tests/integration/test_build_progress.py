"""A build's progress on a real terminal of 80 columns: drawn anew, and left as it was found."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.support.roots import Root, command_line
from tests.support.terminal import Terminal

COLUMNS = 80
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"
RESULT = (" => writing image ", " => naming to ")
"""Lines that are printed once, below the picture, for somebody to copy: they are whole."""


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """Steps of long words, of which one prints lines that are longer than the terminal."""
    (tmp_path / "Dockerfile").write_text(
        "FROM busybox AS a-stage-whose-name-is-long\n"
        f"RUN for i in 1 2 3; do echo {'word ' * 40}; sleep 0.4; done\n"
        f"RUN true {'a-long-argument ' * 10}\n"
    )
    return tmp_path


def lines(text: str) -> list[str]:
    """What was on any line at any time; a frame goes back to its top by escape sequences."""
    return [line for line in re.split(r"[\r\n]+", ESCAPES.sub("", text)) if line.strip()]


@pytest.mark.parametrize("kind", ["tty", "auto"])
def test_a_build_is_drawn_and_ends_cleanly(root: Root, context: Path, kind: str) -> None:
    with Terminal(columns=COLUMNS) as tty:
        tty.start(
            command_line(["build", f"--progress={kind}", "-t", "made", str(context)]),
            root.environment(TERM="xterm-256color"),
        )
        assert tty.wait(60) == 0, tty.rest
        text, restored = tty.rest, tty.restored
    assert restored
    assert text.count(HIDE) == text.count(SHOW) == 1
    assert text.index(HIDE) < text.index(SHOW)
    shown = lines(text)
    assert [line for line in shown if len(line) > COLUMNS and not line.startswith(RESULT)] == []
    assert any("2/3] RUN for i in" in line for line in shown)
    assert " => => # word word word" in text
    assert "FINISHED" in text
    assert sum(line.startswith("[+] Building") for line in shown) > 3, "drawn again and again"
    last = lines(text[text.index(SHOW) :])
    assert last[0].startswith(" => writing image sha256:")
    assert last[1:] == [" => naming to docker.io/library/made:latest"]


def test_a_build_that_fails_or_is_stopped_gives_the_cursor_back(root: Root, context: Path) -> None:
    (context / "Dockerfile").write_text("FROM busybox\nRUN echo said; exit 3\n")
    with Terminal(columns=COLUMNS) as tty:
        tty.start(command_line(["build", str(context)]), root.environment(TERM="xterm"))
        assert tty.wait(60) == 1
        assert (tty.rest.count(HIDE), tty.rest.count(SHOW), tty.restored) == (1, 1, True)
        after = tty.rest[tty.rest.index(SHOW) :]
    assert "dockyard:" in after
    assert "exit code: 3" in after or "exit code 3" in after
    (context / "Dockerfile").write_text("FROM busybox\nRUN echo re''ady; sleep 60\n")
    with Terminal(columns=COLUMNS) as tty:
        tty.start(command_line(["build", str(context)]), root.environment(TERM="xterm"))
        tty.expect("ready")
        tty.send(b"\x03")
        assert tty.wait(60) == 130
        assert (tty.rest.count(SHOW), tty.restored) == (1, True)
        assert "build canceled" in tty.rest[tty.rest.index(SHOW) :]
