"""What a container may say, and what breaks the contract."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.batch import contract
from dockyard.batch.contract import Answers, Broken, Lines
from dockyard.batch.model import Outcome


def answers() -> Answers:
    return Answers([(7, "a"), (8, 2), (9, "c")], "id")


def reason(line: bytes, before: tuple[bytes, ...] = ()) -> str:
    found = answers()
    for each in before:
        found.read(each)
    broken = found.read(line)
    assert isinstance(broken, Broken)
    return broken.reason


def test_a_line_with_the_id_is_its_result_as_it_was_written() -> None:
    assert answers().read(b' {"label":"x",  "id":"a"}\r') == Outcome(
        7, "result", b'{"label":"x",  "id":"a"}'
    )


def test_ids_are_compared_as_text() -> None:
    assert answers().read(b'{"id": "2"}') == Outcome(8, "result", b'{"id": "2"}')


@pytest.mark.parametrize(("value", "kind"), [("null", "result"), ('"too long"', "rejection"),
                                             ("{}", "rejection"), ('""', "rejection")])  # fmt: skip
def test_an_error_rejects_the_record(value: str, kind: str) -> None:
    found = answers().read(f'{{"id": "c", "error": {value}}}'.encode())
    assert isinstance(found, Outcome)
    assert found.kind == kind


def test_missing_are_those_without_an_answer() -> None:
    found = answers()
    assert found.read(b"") is None
    found.read(b'{"id": 2}')
    assert found.left == (7, 9)


@pytest.mark.parametrize(("line", "words"), [
    (b"Loading model ...", "line 1 of its standard output is no JSON object: Loading model ..."),
    (b"[1, 2]", "no JSON object"),
    (b'{"id": "a", "score": NaN}', "no JSON object"),
    (b"\xff\xfe", "no JSON object"),
    (b'{"score": 1}', 'has no "id"'),
    (b'{"id": null}', 'has no "id"'),
    (b'{"id": "z"}', 'answered the id "z", which it was not given'),
    (b"\x1b[2J\x07 x", "no JSON object: [2J  x"),
])  # fmt: skip
def test_everything_else_breaks_the_contract(line: bytes, words: str) -> None:
    assert words in reason(line)


def test_a_second_answer_breaks_it_and_names_the_record() -> None:
    found = answers()
    found.read(b'{"id": "a"}')
    assert found.read(b'{"id": "a"}') == Broken('it answered the id "a" twice', 7)


@given(st.lists(st.text(alphabet="ab\u00e9", max_size=5), max_size=8), st.data())
def test_lines_come_out_whole_however_they_were_cut(texts: list[str], data: st.DataObject) -> None:
    whole = "\n".join(texts).encode()
    lines, found, at = Lines(), [], 0
    while at < len(whole):
        step = data.draw(st.integers(1, 4))
        found += lines.feed(whole[at : at + step])
        at += step
    assert [*found, lines.end()] == whole.split(b"\n")


def test_a_line_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contract, "MAX_LINE", 1000)
    lines = Lines()
    lines.feed(b"x" * 900)
    with pytest.raises(ValueError, match="a line of more than"):
        lines.feed(b"x" * 200)


def test_a_rejection_has_the_id_and_the_reason() -> None:
    found = contract.rejection(4, "a", "key", "it died")
    assert (found.position, found.kind) == (4, "rejection")
    assert json.loads(found.line) == {"key": "a", "error": "it died"}
