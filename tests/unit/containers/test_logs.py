from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dockyard.containers import logs
from dockyard.containers.logs import LogLine

T = "2024-05-01T10:00:0{}.000000000+00:00"


def write(path: Path, *entries: str) -> str:
    path.write_text("".join(f"{entry}\n" for entry in entries))
    return str(path)


def text(
    path: str, *, tail: int | None = None, since: str | None = None, follow: bool = False,
    ended: Callable[[], bool] = lambda: True,
) -> list[str]:  # fmt: skip
    found = logs.read(path, follow=follow, ended=ended, tail=tail, since=since)
    return [line.data.decode() for line in found]


def test_lines_and_pieces() -> None:
    time = T.format(1)

    assert logs.parse(f"{time} stdout F a b".encode()) == LogLine(time, 1, b"a b\n")
    assert logs.parse(f"{time} stderr P piece".encode()) == LogLine(time, 2, b"piece")
    assert logs.parse(f"{time} stdout F ".encode()) == LogLine(time, 1, b"\n")
    assert logs.parse(b"garbage") is None
    assert logs.parse(b"") is None


def test_tail_counts_whole_lines(tmp_path: Path) -> None:
    path = write(
        tmp_path / "log", f"{T.format(1)} stdout F one", f"{T.format(2)} stdout P t",
        f"{T.format(2)} stdout F wo", f"{T.format(3)} stdout P end",
    )  # fmt: skip

    assert "".join(text(path)) == "one\ntwo\nend"
    assert "".join(text(path, tail=2)) == "two\nend"
    assert text(path, tail=0) == []
    assert "".join(text(path, tail=99)) == "one\ntwo\nend"


def test_since_includes_its_moment(tmp_path: Path) -> None:
    path = write(tmp_path / "log", *(f"{T.format(n)} stdout F {n}" for n in range(5)))

    assert text(path, since=logs.to_utc(T.format(3))) == ["3\n", "4\n"]
    assert text(path, since=logs.to_utc("2024-05-01T12:00:03+02:00")) == ["3\n", "4\n"]


def test_a_log_of_another_zone_is_compared_as_time(tmp_path: Path) -> None:
    path = write(tmp_path / "log", "2024-05-01T12:00:03.000000000+02:00 stdout F x")

    assert text(path, since="2024-05-01T10:00:03.000000000Z") == ["x\n"]
    assert text(path, since="2024-05-01T10:00:04.000000000Z") == []


def test_following_reads_what_comes_even_after_the_end_was_seen(tmp_path: Path) -> None:
    path = tmp_path / "log"
    write(path, f"{T.format(1)} stdout F first")
    more: Iterator[str] = iter([f"{T.format(2)} stdout F second", f"{T.format(3)} stdout F last"])

    def ended() -> bool:
        entry = next(more, None)
        if entry is not None:
            with path.open("a") as stream:
                stream.write(entry + "\n")
        return entry is None

    assert text(str(path), follow=True, ended=ended) == ["first\n", "second\n", "last\n"]


def test_following_goes_on_where_a_new_file_begins_after_the_end(tmp_path: Path) -> None:
    """A rotation that was under way when the container ended: nothing has the log's name."""
    path = tmp_path / "log"
    write(path, f"{T.format(1)} stdout P fir")
    path.rename(f"{path}.1")
    asked: list[None] = []

    def ended() -> bool:
        asked.append(None)
        if len(asked) == 3:
            write(path, f"{T.format(2)} stdout F st", f"{T.format(3)} stdout F last")
        return True

    assert text(str(path), follow=True, ended=ended) == ["fir", "st\n", "last\n"]


def test_following_comes_to_later_files_though_the_last_was_never_begun(tmp_path: Path) -> None:
    """The monitor ended between a rotation's two steps: complete files, and nothing written."""
    path = tmp_path / "log"
    write(path, f"{T.format(1)} stdout F first")
    asked: list[None] = []

    def ended() -> bool:
        asked.append(None)
        if len(asked) == 2:
            path.rename(f"{path}.1")
            write(Path(f"{path}.2"), f"{T.format(2)} stdout F second")
            write(Path(f"{path}.3"), f"{T.format(3)} stdout F last")
        return len(asked) > 1

    assert text(str(path), follow=True, ended=ended) == ["first\n", "second\n", "last\n"]


@pytest.mark.parametrize("tail", [None, 5000])
def test_reading_ends_though_somebody_writes_on(tmp_path: Path, tail: int | None) -> None:
    """As fast as it is read: what was there in the beginning is what is read."""
    lines = [f"{T.format(1)} stdout F {number}" for number in range(5000)]
    path = write(tmp_path / "log", *lines)
    found = 0
    for entry in logs.read(path, follow=False, ended=lambda: False, tail=tail, since=None):
        with open(path, "a") as stream:
            stream.write(f"{T.format(2)} stdout F more\n" * 2)
        assert entry.data != b"more\n"
        found += 1

    assert found == 5000


def test_a_missing_log_is_empty(tmp_path: Path) -> None:
    assert text(str(tmp_path / "none")) == []


@pytest.mark.parametrize(
    ("given", "utc"),
    [
        ("2024-05-01T12:00:00Z", "2024-05-01T12:00:00.000000000Z"),
        ("2024-05-01T12:00:00.5+02:00", "2024-05-01T10:00:00.500000000Z"),
        ("2024-05-01T12:00:00.123456789123Z", "2024-05-01T12:00:00.123456789Z"),
    ],
)
def test_times_have_one_form(given: str, utc: str) -> None:
    assert logs.to_utc(given) == utc
