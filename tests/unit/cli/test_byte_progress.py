"""The line that tells how many bytes are done: when it is drawn, what it says, how it goes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dockyard.cli import byte_progress, render
from dockyard.observability.progress import Counted, Counter, Progress, counted, size_of


@pytest.mark.parametrize(
    ("progress", "speed", "text"),
    [
        (Progress("copying", 1_234_000_000), None, "Copying to container - 1.23GB"),
        (Progress("copying", 5_000_000, 20_000_000), 2.5e6,
         "Copying to container - 5MB / 20MB (2.5MB/s)"),
        (Progress("copying", 0, 0), 0.0, "Copying to container - 0B / 0B (0B/s)"),
    ],
)  # fmt: skip
def test_words(progress: Progress, speed: float | None, text: str) -> None:
    assert byte_progress.line("Copying to container", progress, speed) == text


class Clock:
    """A terminal of some columns, and a clock that somebody else moves on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        self.columns = 80
        self.written: list[str] = []
        monkeypatch.setattr("time.monotonic", lambda: self.now)
        monkeypatch.setattr(byte_progress, "_columns", lambda: self.columns)
        monkeypatch.setattr(render, "write", self.written.append)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_the_first_second_shows_nothing_and_leaves_nothing(clock: Clock) -> None:
    drawn = byte_progress.Drawn({})
    for done in range(10):
        clock.now += 0.09
        drawn(Progress("hashing", done))
    drawn.clear()
    assert clock.written == []


def test_then_it_is_drawn_ten_times_a_second_over_itself_and_goes(clock: Clock) -> None:
    drawn = byte_progress.Drawn({"copying": "Copying to container"})
    for piece in range(200):
        clock.now += 0.01
        drawn(Progress("copying", piece * 10**6, 2 * 10**8))
    assert 8 <= len(clock.written) <= 11
    assert clock.written[0].startswith("\rCopying to container - ")
    assert clock.written[0].endswith("MB / 200MB (100MB/s)\x1b[K")
    drawn.clear()
    assert clock.written[-1] == "\r\x1b[K"
    drawn.clear()
    assert clock.written[-2] != "\r\x1b[K"


def test_each_stage_has_a_speed_of_its_own(clock: Clock) -> None:
    drawn = byte_progress.Drawn({})
    drawn(Progress("reading", 10**9))
    clock.now += 2
    drawn(Progress("unpacking", 5 * 10**6))
    clock.now += 1
    drawn(Progress("unpacking", 8 * 10**6))
    assert clock.written == ["\rUnpacking - 5MB\x1b[K", "\rUnpacking - 8MB (3MB/s)\x1b[K"]


def test_the_line_fits_the_terminal(clock: Clock) -> None:
    drawn = byte_progress.Drawn({"writing": "Saving something of a long name"})
    clock.now, clock.columns = clock.now + 2, 20
    drawn(Progress("writing", 5))
    assert clock.written == ["\rSaving something o…\x1b[K"]


def test_nobody_is_told_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    def told(*, tty: bool, term: str = "xterm", quiet: bool = False) -> bool:
        monkeypatch.setattr("sys.stderr.isatty", lambda: tty)
        monkeypatch.setenv("TERM", term)
        with byte_progress.shown(quiet=quiet) as listener:
            return listener is not None

    assert told(tty=True)
    assert not told(tty=False)
    assert not told(tty=True, quiet=True)
    assert not told(tty=True, term="dumb")


def test_bytes_are_counted_on_the_way() -> None:
    heard: list[Progress] = []
    parts: list[bytes | memoryview] = []
    write: Callable[[bytes | memoryview], object] = counted(
        parts.append, Counter(heard.append, "writing", 5)
    )
    write(b"abc")
    write(b"de")
    assert parts == [b"abc", b"de"]
    assert heard == [Progress("writing", 3, 5), Progress("writing", 5, 5)]
    with open(__file__, "rb") as file:
        whole = size_of(file)
        source = Counted(file, Counter(heard.append, "reading", whole))
        while source.read(1000):
            pass
    assert heard[-1] == Progress("reading", whole or 0, whole)
