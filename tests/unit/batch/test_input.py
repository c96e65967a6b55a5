"""From files to records with ids, and to what is kept of them on disk."""

from __future__ import annotations

import csv
import itertools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.batch import jobs, read, split, staging
from dockyard.batch.model import Http, Record
from dockyard.containers.options import Options
from dockyard.errors import ComponentMissing, DockyardError, InvalidInput, NotFound


def records(path: Path, **settings: Any) -> list[Record]:
    source = read.source(str(path), **settings)
    return list(split.records(read.rows(source), source.id_field, source.path))


def written(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_lines_stay_as_they_are(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl", '{"id": "x",  "n": 1}\r\n\n{"n": 2, "id": 7}')
    assert records(path) == [
        Record("x", b'{"id": "x",  "n": 1}', 1), Record(7, b'{"n": 2, "id": 7}', 3),
    ]  # fmt: skip


def test_records_without_ids_get_their_line(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl", '{"n": 1}\n\n"text"\n')
    assert [(each.id, json.loads(each.line)) for each in records(path)] == [
        (1, {"id": 1, "n": 1}), (3, {"id": 3, "value": "text"}),
    ]  # fmt: skip


def test_csv_has_columns_and_quotes(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", 'key,text\r\nk1,"a, ""b""\nc"\r\nk2,\r\n')
    found = records(path, id_field="key")
    assert [(each.id, each.place, json.loads(each.line)) for each in found] == [
        ("k1", 2, {"key": "k1", "text": 'a, "b"\nc'}), ("k2", 4, {"key": "k2", "text": ""}),
    ]  # fmt: skip


def test_cells_of_csv_may_be_as_long_as_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "x" * 200_000
    path = written(tmp_path / "a.csv", f'id,text\r\n1,{text}\r\n2,"{text}\n{text}"\r\n')
    before = csv.field_size_limit()
    assert [json.loads(each.line)["text"] for each in records(path)] == [text, f"{text}\n{text}"]
    monkeypatch.setattr(read, "MAX_LINE", 3 * 100_000)
    with pytest.raises(InvalidInput, match=r"a\.csv:4: the row is longer than"):
        records(path)
    assert csv.field_size_limit() == before


def test_the_limit_of_csv_is_that_of_others_whenever_they_can_see_it(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", f"id,text\n1,{'x' * 200_000}\n2,y\n")
    before = csv.field_size_limit()
    rows = read.rows(read.source(str(path)))
    assert [(next(rows)[0], csv.field_size_limit()) for _ in range(2)] == [(2, before), (3, before)]
    rows = read.rows(read.source(str(path)))
    next(rows)
    csv.field_size_limit(before + 1)  # another reader's wish stays as well
    try:
        next(rows)
        assert csv.field_size_limit() == before + 1
    finally:
        csv.field_size_limit(before)


def test_a_folder_has_the_files_below_it_by_name(tmp_path: Path) -> None:
    for name in ("b/2.txt", "a.txt", "b/1.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    os.symlink("/dev/zero", tmp_path / "zero")
    found = records(tmp_path)
    assert [each.id for each in found] == ["a.txt", "b/1.txt", "b/2.txt"]
    assert json.loads(found[1].line) == {"id": "b/1.txt", "path": "/batch/input/b/1.txt"}


def test_parquet_without_pyarrow_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(ComponentMissing, match="pyarrow") as error:
        records(written(tmp_path / "a.parquet", "PAR1"))
    assert "dockyard[parquet]" in (error.value.hint or "")


def test_parquet_rows_are_records(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = pyarrow.table({"id": [f"r{n}" for n in range(2500)], "n": list(range(2500))})
    parquet.write_table(table, tmp_path / "a.parquet", row_group_size=700)
    found = records(tmp_path / "a.parquet")
    assert [each.id for each in found] == [f"r{n}" for n in range(2500)]
    assert json.loads(found[2499].line) == {"id": "r2499", "n": 2499}
    written(tmp_path / "b.parquet", b"PAR1 not at all")
    with pytest.raises(InvalidInput, match="cannot read input"):
        records(tmp_path / "b.parquet")


@pytest.mark.parametrize(("column", "value", "words"), [
    ("x", float("nan"), '2: the column "x" holds nan'),
    ("x", float("-inf"), '2: the column "x" holds -inf'),
    ("vector", [1.0, float("inf")], '2: the column "vector" holds inf'),
    ("nested", {"a": [{"b": float("nan")}]}, '2: the column "nested" holds nan'),
])  # fmt: skip
def test_numbers_that_json_can_not_say_are_refused_with_their_place(
    tmp_path: Path, column: str, value: object, words: str
) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = pyarrow.Table.from_pylist([{"id": 1, column: None}, {"id": 2, column: value}])
    parquet.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(InvalidInput, match=f"a.parquet:{words}"):
        records(tmp_path / "a.parquet")


@pytest.mark.parametrize(("name", "text", "words"), [
    ("a.jsonl", '{"id": 1}\n{"id": 2,}\n', "a.jsonl:2: no JSON"),
    ("a.jsonl", b'{"id": 1}\n\xff\n', "a.jsonl:2: no JSON"),
    ("a.jsonl", '{"id": 1}\n{"n": 2}\n', 'a.jsonl:2: the record has no "id"'),
    ("a.jsonl", '{"id": 1}\n[2]\n', "a.jsonl:2: no object"),
    ("a.jsonl", '{"n": 1}\n{"id": 2}\n', 'a.jsonl:2: the record has an "id"'),
    ("a.jsonl", '{"id": 1.5}\n', 'a.jsonl:1: the id "id" is no text and no whole number'),
    ("a.jsonl", '{"id": true}\n', "a.jsonl:1: the id"),
    ("a.jsonl", '{"id": ""}\n', "is empty"),
    ("a.csv", "a,b\n1,2\n3\n", "a.csv:3: 1 fields, and the header names 2"),
    ("a.csv", "a,a\n1,2\n", 'a.csv:1: the column "a" is there twice'),
    ("a.csv", 'a\n"x\n', "no CSV"),
    ("a.csv", b"a\n\xff\n", "no CSV"),
    ("a.txt", "x", "the format of input .* can't be told"),
])  # fmt: skip
def test_what_is_wrong_with_an_input_is_said_with_its_line(
    tmp_path: Path, name: str, text: str | bytes, words: str
) -> None:
    with pytest.raises(InvalidInput, match=words):
        records(written(tmp_path / name, text))


def test_inputs_that_make_no_sense(tmp_path: Path) -> None:
    file = written(tmp_path / "a.jsonl", "{}\n")

    def make(source: Path, output: Path = tmp_path / "out", **settings: Any) -> None:
        jobs.make("sha256:1", "image", Options(), str(source), str(output), **settings)

    make(file, shards=3, parallel=2, http=Http(port=80))
    with pytest.raises(NotFound, match="does not exist"):
        make(tmp_path / "none.jsonl")
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("is a file, not", {"form": "files"}),
        ("shards", {"shards": -1}),
        ("containers at a time", {"parallel": -1}),
        ("tries", {"tries": 0}),
        ("timeout", {"timeout": 0}),
        ("no port", {"http": Http(port=0)}),
        ("no slash", {"http": Http(port=80, path="x")}),
        ("requests at a time", {"http": Http(port=80, concurrency=0)}),
    ]
    for words, settings in wrong:
        with pytest.raises(InvalidInput, match=words):
            make(file, **settings)
    with pytest.raises(InvalidInput, match="is in the folder of the input"):
        make(tmp_path)
    with pytest.raises(InvalidInput, match="names as ids"):
        make(tmp_path, tmp_path.parent / "out", id_field="name")


def stage(directory: Path, lines: list[tuple[str | int, str]]) -> staging.Staged:
    found = (Record(own, line.encode(), place) for place, (own, line) in enumerate(lines, 1))
    staging.write(str(directory), found, "in.jsonl", lambda _count: None)
    return staging.Staged(str(directory))


@given(st.lists(st.text(alphabet="ab\u00e9", max_size=6), min_size=1, max_size=30), st.data())
def test_any_records_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], data: st.DataObject
) -> None:
    directory = tmp_path_factory.mktemp("batch")
    staged = stage(directory, [(number, text) for number, text in enumerate(texts)])
    chosen = sorted(data.draw(st.sets(st.integers(0, len(texts) - 1))))
    with open(directory / "copy", "w+b") as copy:
        staged.copy(chosen, copy.fileno())
        copy.seek(0)
        assert copy.read() == b"".join(texts[each].encode() + b"\n" for each in chosen)
    assert [line for _, line in staged.lines(chosen)] == [texts[each].encode() for each in chosen]
    staged.close()


def test_many_records_cross_the_buffers(tmp_path: Path) -> None:
    staged = stage(tmp_path, [(n, f'{{"id": {n}}}') for n in range(12_345)])
    assert staged.line(0) == b'{"id": 0}'
    assert staged.line(4_999) == b'{"id": 4999}'
    assert staged.line(12_344) == b'{"id": 12344}'
    staged.close()


@pytest.mark.parametrize("apart", [1, 6_000])
def test_an_id_that_is_there_twice_is_named_with_both_lines(tmp_path: Path, apart: int) -> None:
    lines: list[tuple[str | int, str]] = [(n, "{}") for n in range(7_000)]
    lines[500 + apart] = ("500", "{}")
    with pytest.raises(InvalidInput, match=f"in.jsonl:{501 + apart}.*in.jsonl:501 too"):
        stage(tmp_path, lines)


def test_no_records_at_all(tmp_path: Path) -> None:
    with pytest.raises(DockyardError, match="has no records"):
        stage(tmp_path, [])


@given(st.integers(1, 10_000), st.integers(0, 300))
def test_shards_have_each_record_once_and_nearly_one_size(count: int, wanted: int) -> None:
    found = list(split.shards(count, wanted))
    assert found[0].first == 0
    assert found[-1].last == count
    assert all(one.last == other.first for one, other in itertools.pairwise(found))
    sizes = {each.last - each.first for each in found}
    assert min(sizes) > 0
    assert max(sizes) - min(sizes) <= 1
    assert len(found) == (min(wanted, count) or 1)


def test_the_memory_does_not_grow_with_the_input(tmp_path: Path) -> None:
    """100 MB of records go through less than 40 MiB."""
    code = """
import resource, sys
from dockyard.batch import split, staging
def rows():
    for n in range(300_000):
        yield n + 1, {"id": f"record-{n:08}", "text": "x" * 300}, None
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
staging.write(sys.argv[1], split.records(rows(), "", "in"), "in", lambda count: None)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )  # fmt: skip
    assert int(done.stdout) < 40
    assert os.path.getsize(tmp_path / "records") > 100_000_000
