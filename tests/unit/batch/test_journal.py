"""What was written down of a shard is there again, up to the very byte at which a crash came."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dockyard.batch import output as outputs
from dockyard.batch.journal import Journal
from dockyard.batch.model import Counts, Outcome, OutcomeKind, Shard
from dockyard.errors import Conflict, InvalidInput

STEPS = st.lists(
    st.tuples(st.integers(0, 6), st.sampled_from(["result", "rejection", "revoke"]),
              st.text(alphabet="ab +!-1\u00e9", max_size=5)), max_size=30)  # fmt: skip


def said(journal: Journal) -> dict[int, tuple[str, bytes]]:
    return {
        position: (outcome.kind, outcome.line)
        for position in range(7) if position in journal
        for outcome in journal.outcomes(position, position + 1)
    }  # fmt: skip


@settings(deadline=None)
@given(STEPS, st.data())
def test_a_crash_loses_only_what_came_after_it(
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[tuple[int, OutcomeKind | str, str]],
    data: st.DataObject,
) -> None:
    path = str(tmp_path_factory.mktemp("batch") / "journal")
    states: list[tuple[int, dict[int, tuple[str, bytes]]]] = [(0, {})]
    expected: dict[int, tuple[str, bytes]] = {}
    with Journal(path) as journal:
        for position, kind, text in steps:
            if kind == "revoke":
                journal.revoke(position)
                expected.pop(position, None)
            else:
                settled: OutcomeKind = "result" if kind == "result" else "rejection"
                journal.add(Outcome(position, settled, text.encode()))
                expected[position] = (settled, text.encode())
            journal.flush()
            states.append((os.path.getsize(path), dict(expected)))
        assert said(journal) == expected
    cut = data.draw(st.integers(0, os.path.getsize(path)))
    os.truncate(path, cut)
    size, survived = max((each for each in states if each[0] <= cut), key=lambda each: each[0])
    with Journal(path) as journal:
        assert said(journal) == survived
        rejected = sum(kind == "rejection" for kind, _ in survived.values())
        assert journal.counts == Counts(results=len(survived) - rejected, rejected=rejected)
        journal.add(Outcome(3, "result", b"new"))
        assert said(journal)[3] == ("result", b"new")
    assert os.path.getsize(path) == size + len(b"+ 3 new\n")


SHARD = Shard(number=7, first=0, last=3)


def outcomes(*kinds: OutcomeKind) -> list[Outcome]:
    return [Outcome(n, kind, b'{"id": %d}' % n) for n, kind in enumerate(kinds)]


def listing(directory: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in directory.iterdir() if path.name[0] != "."}


def test_a_shard_is_one_file_and_its_rejections_another(tmp_path: Path) -> None:
    output = outputs.claim(str(tmp_path / "out"))
    output.commit(SHARD, outcomes("result", "rejection", "result"))
    assert listing(tmp_path / "out") == {
        "shard-0007.jsonl": '{"id": 0}\n{"id": 2}\n', "rejected-0007.jsonl": '{"id": 1}\n',
    }  # fmt: skip
    output.commit(SHARD, outcomes("result", "result", "result"))
    assert listing(tmp_path / "out") == {"shard-0007.jsonl": '{"id": 0}\n{"id": 1}\n{"id": 2}\n'}
    before = output.complete
    output.finish({"records": 3})
    assert (before, output.complete) == (False, True)
    assert listing(tmp_path / "out")["manifest.json"] == '{\n  "records": 3\n}\n'
    output.close()


def test_what_fails_while_it_is_written_leaves_nothing(tmp_path: Path) -> None:
    output = outputs.claim(str(tmp_path / "out"))

    def broken() -> list[Outcome]:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        output.commit(SHARD, (each for _ in range(1) for each in broken()))
    assert listing(tmp_path / "out") == {}
    output.close()


def test_an_output_has_one_writer_and_one_owner(tmp_path: Path) -> None:
    path = str(tmp_path / "deep" / "out")
    first = outputs.claim(path)
    first.own("abc")
    with pytest.raises(Conflict, match="another batch writes"):
        outputs.claim(path)
    first.close()
    second = outputs.claim(path)
    assert second.owner == "abc"
    second.abandon()
    second.close()
    assert outputs.claim(path).owner == ""


def test_an_abandoned_output_that_was_made_for_it_is_gone(tmp_path: Path) -> None:
    output = outputs.claim(str(tmp_path / "out"))
    output.own("abc")
    output.abandon()
    output.close()
    assert not (tmp_path / "out").exists()


def test_an_output_that_can_not_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(Conflict, match="is not empty: it has file"):
        outputs.claim(str(tmp_path))
    for path in ("file", "file/below", "/proc/none/out"):
        with pytest.raises(InvalidInput, match="cannot write output"):
            outputs.claim(str(tmp_path / path))
