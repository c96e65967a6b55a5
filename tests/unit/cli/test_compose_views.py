"""What the commands of ``compose`` print: logs, progress, tables, events."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from dockyard.cli.commands import compose_events, compose_top
from dockyard.cli.compose import board
from dockyard.cli.compose.board import Row
from dockyard.cli.compose.log_view import LogView
from dockyard.cli.compose.section import section
from dockyard.compose import labels
from dockyard.compose.logs import WATCH, Line
from dockyard.compose.progress import Step
from dockyard.containers.processes import Processes
from dockyard.errors import InvalidInput
from dockyard.observability.events import Event

MOMENT = "2026-01-31T12:00:00.000000001Z"


def line(container: str, text: str, **fields: Any) -> Line:
    return Line(container, text.encode(), **fields)


def test_names_stand_before_lines_in_a_column() -> None:
    view = LogView(("api-1", "database-1"), colour=False)
    assert view.text(line("api-1", "x")) == b"api-1       | x\n"
    assert view.text(line("database-1", "y")) == b"database-1  | y\n"
    assert view.text(line("a-longer-one-1", "z")) == b"a-longer-one-1  | z\n"


def test_names_have_colours_each_its_own() -> None:
    view = LogView(colour=True)
    assert view.text(line("a", "x")) == b"\x1b[36ma  | \x1b[0mx\n"
    assert view.text(line("b", "x")) == b"\x1b[33mb  | \x1b[0mx\n"
    assert view.text(line("a", "y")) == b"\x1b[36ma  | \x1b[0my\n"


def test_prefix_and_times_are_as_asked() -> None:
    assert LogView(colour=True, prefix=False).text(line("a", "x")) == b"x\n"
    timed = LogView(colour=False, timestamps=True)
    assert timed.text(line("a", "x", time=MOMENT)) == f"a  | {MOMENT} x\n".encode()


def test_ends_and_watching_are_told_of() -> None:
    view = LogView(("api-1",), colour=False)
    ended = line("api-1", "exited with code 3", kind="status")
    assert view.text(ended) == b"api-1 exited with code 3\n"
    assert view.text(line(WATCH, "Watch enabled")) == b" " * 6 + " ⦿ Watch enabled\n".encode()


def test_progress_is_lines_in_composes_words() -> None:
    step = Step("Container demo-api-1", "Stopping")
    assert board.plain_line(step) == " Container demo-api-1  Stopping\n"
    assert board.plain_line(step, dry_run=True).startswith(" DRY-RUN MODE -  Container demo-api-1")
    assert board.plain_line(Step("web", text="Pulling")) == " web Pulling\n"
    assert json.loads(board.json_line(step)) == {"id": step.id, "status": "Stopping"}
    assert json.loads(board.json_line(Step("a", text="b"), dry_run=True)) == {
        "dry-run": True, "id": "a", "text": "b",
    }  # fmt: skip


def test_bytes_alone_make_no_further_line(capfd: pytest.CaptureFixture[str]) -> None:
    lines = board.Lines(board.plain_line)
    for done in (0, 1, 2):
        lines(Step("web", text="Pulling", done=done, total=2))
    lines(Step("web", "", "done", "Pulled"))
    assert capfd.readouterr().err == " web Pulling\n web Pulled\n"


def test_the_picture_counts_and_times() -> None:
    row = Row(Step("Container a", "Stopping"), 10.0)
    other = Row(Step("Container longer", "Stopping"), 10.0)
    other.update(Step("Container longer", "Stopped", "done"), 11.5)
    lines = [each.plain for each in board.picture([row, other], "Stopping", 13.0, 50, 10)]
    assert lines[0] == "[+] Stopping 1/2"
    assert lines[1].split()[1:] == ["Container", "a", "Stopping", "3.0s"]
    assert lines[2] == " ✔ Container longer  Stopped                 1.5s "
    assert all(len(each) == 50 for each in lines[1:])


def test_what_is_done_makes_room_for_what_is_not() -> None:
    rows = [Row(Step(f"c{n}", "x", "done" if n < 3 else "working"), 0.0) for n in range(5)]
    lines = [each.plain for each in board.picture(rows, "T", 1.0, 40, 2)]
    assert lines[0] == "[+] T 3/5"
    assert [each.split()[1] for each in lines[1:]] == ["c3", "c4"]


def test_a_list_is_a_table_or_json() -> None:
    document = {"Name": "demo", "Status": "running(2)"}
    titles, rows = ("NAME", "STATUS"), [("demo", "running(2)")]
    assert section(titles, rows, [document], "table") == (
        "NAME                STATUS\ndemo                running(2)\n"
    )
    assert json.loads(section(titles, rows, [document], "json")) == [document]
    assert json.loads(section(titles, rows, [document], "{{json .}}")) == document
    with pytest.raises(InvalidInput, match='format value "x" could not be parsed'):
        section(titles, rows, [document], "x")


def test_processes_of_several_containers_share_a_table() -> None:
    def container(service: str, number: int) -> Any:
        return SimpleNamespace(service=service, number=number)

    rows = compose_top.processes([
        (container("api", 1), Processes(("PID", "CMD", "TIME"), (("7", "run", "0:01"),))),
        (container("job", 0), Processes(("PID", "USER"), (("8", "root"),))),
    ])  # fmt: skip
    assert rows == [
        ["SERVICE", "#", "PID", "TIME", "USER", "CMD"],
        ["api", "1", "7", "0:01", "-", "run"],
        ["job", "", "8", "-", "root", "-"],
    ]


def test_events_are_lines_or_json_without_composes_labels() -> None:
    event = Event(
        type="container", action="start", actor="c0ffee", time=1_767_225_600_123_456_789,
        attributes={"name": "demo-api-1", "image": "x", labels.SERVICE: "api",
                    labels.PROJECT: "demo"},
    )  # fmt: skip
    text = compose_events.text_line(event)
    assert text.endswith(".123456 container start c0ffee (image=x, name=demo-api-1)\n")
    assert json.loads(compose_events.json_line(event)) == {
        "action": "start", "attributes": {"image": "x", "name": "demo-api-1"}, "id": "c0ffee",
        "service": "api", "time": "2026-01-01T00:00:00.123456789Z", "type": "container",
    }  # fmt: skip
