"""A build's progress on lines and on a terminal."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from dockyard.build.progress import Event
from dockyard.cli.live import LiveProgress, picture
from dockyard.cli.progress import PlainProgress, Step


def event(kind: Any, step: int, time: float, data: bytes = b"") -> Event:
    return Event(kind=kind, step=step, name=f"[{step}/2] RUN x", time=time, data=data)


def plain(*events: Event) -> str:
    written: list[str] = []
    with PlainProgress(written.append) as progress:
        for one in events:
            progress(one)
    return "".join(written)


def test_lines_are_those_of_buildkit() -> None:
    text = plain(
        event("started", 1, 10.0),
        event("cached", 1, 10.0),
        event("started", 2, 10.0),
        event("output", 2, 10.5, b"one\ntw"),
        event("output", 2, 11.0, b"o\nrest"),
        event("done", 2, 11.25, b"12MB in 2 layers"),
    )
    assert text == (
        "#1 [1/2] RUN x\n#1 CACHED\n\n"
        "#2 [2/2] RUN x\n#2 0.500 one\n#2 1.000 two\n#2 1.250 rest\n"
        "#2 12MB in 2 layers\n#2 DONE 1.2s\n"
    )


def test_a_step_that_goes_on_while_another_speaks_is_introduced_again() -> None:
    text = plain(
        event("started", 1, 0.0),
        event("started", 2, 0.0),
        event("output", 1, 1.0, b"a\n"),
        event("failed", 2, 2.0),
        event("canceled", 1, 2.0),
    )
    assert text == (
        "#1 [1/2] RUN x\n#1 ...\n\n#2 [2/2] RUN x\n#2 ...\n\n#1 [1/2] RUN x\n#1 1.000 a\n"
        "#1 ...\n\n#2 [2/2] RUN x\n#2 ERROR\n\n#1 [1/2] RUN x\n#1 CANCELED\n"
    )


def test_output_cannot_control_the_terminal() -> None:
    text = plain(event("output", 1, 0.0, b"10%\r50%\r\n\x1b[2Jx\x07\n\xff\n"))
    assert "\x1b" not in text
    assert "#1 0.000 50%\n" in text
    assert "#1 0.000 [2Jx\n" in text
    assert "\ufffd" in text


def test_the_end_names_image_and_names() -> None:
    written: list[str] = []
    progress = PlainProgress(written.append)
    progress(event("cached", 3, 0.0))
    progress.finish("sha256:1", ["docker.io/library/app:latest"])
    assert "#4 writing image sha256:1 done\n" in written[-1]
    assert "#4 naming to docker.io/library/app:latest done\n" in written[-1]


def steps(count: int, running: int) -> list[Step]:
    found = []
    for number in range(1, count + 1):
        step = Step(event("started", number, 0.0))
        step.update(event("output", number, 0.5, b"".join(b"line %d\n" % i for i in range(9))))
        if number != running:
            step.update(event("done", number, 1.0))
        found.append(step)
    return found


def test_a_picture_shows_the_last_lines_of_what_runs() -> None:
    lines = [text.plain for text in picture(steps(2, 2), 3.0, 0.0, 40, 20, False)]
    assert lines[0] == "[+] Building 3.0s (1/2)"
    assert lines[1] == " => [1/2] RUN x".ljust(36) + "1.0s"
    assert lines[2].endswith("3.0s")
    assert lines[3:] == [f" => => # line {number}" for number in range(3, 9)]


def test_a_picture_never_outgrows_the_terminal() -> None:
    lines = picture(steps(50, 50), 3.0, 0.0, 40, 10, False)
    assert len(lines) <= 11
    assert any("[50/2]" in line.plain for line in lines)


def test_the_last_picture_stays() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=40, height=5)
    with LiveProgress(console) as progress:
        for number in range(1, 9):
            progress(event("started", number, 0.0))
            progress(event("cached", number, 0.0))
    progress.finish("sha256:1", ["app"])
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert "(8/8) FINISHED" in text
    assert "CACHED [1/2] RUN x" in text
    assert "writing image sha256:1" in text


def test_a_line_without_end_is_shown_in_pieces() -> None:
    whole = 5 * b"x" * (1 << 15)
    events = [event("output", 1, 0.0, whole[start : start + 1000])
              for start in range(0, len(whole), 1000)]  # fmt: skip
    text = plain(event("started", 1, 0.0), *events)
    lines = [line for line in text.splitlines() if "xx" in line]
    assert len(lines) == 2
    assert max(map(len, lines)) < 70_000


def test_names_and_output_cannot_control_the_terminal() -> None:
    started = Event(kind="started", step=1, name="RUN \x1b[2J", time=0.0)
    text = plain(started, event("output", 1, 0.0, "\x1b[1A\x9b1A\n".encode()))
    assert text == "#1 RUN \\x1b[2J\n#1 0.000 [1A1A\n"
