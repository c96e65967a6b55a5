"""Reads inputs record by record: JSONL, CSV, Parquet, or the files of a folder."""

from __future__ import annotations

import contextlib
import itertools
import math
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from dockyard.batch import csv_rows
from dockyard.batch.contract import shown
from dockyard.batch.model import Format, Source
from dockyard.batch.split import Row
from dockyard.errors import ComponentMissing, InvalidInput, NotFound

MOUNT = "/batch/input"
"""Where containers see the folder of files."""
MAX_LINE = 64 << 20
_FORMATS: dict[str, Format] = {
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".parquet": "parquet",
}  # fmt: skip
_PARQUET_ROWS = 1000


def source(path: str, *, form: Format | None = None, id_field: str = "") -> Source:
    """What an input is, by its name where ``form`` doesn't say so.

    Raises:
        NotFound: there is nothing of that name.
        InvalidInput: it can't be read, or its format can't be told.
    """
    whole = os.path.abspath(path)
    try:
        status = os.stat(whole)
    except FileNotFoundError as error:
        raise NotFound(
            f"input {path} does not exist", hint="--input names a file, or a folder of files"
        ) from error
    except OSError as error:
        raise _unreadable(path, error) from error
    found = form or _format(path, whole)
    if (found == "files") != os.path.isdir(whole):
        raise InvalidInput(
            f"input {path} is {'a file' if found == 'files' else 'a folder'}, not {found}",
            hint="leave out --input-format, or name another input",
        )
    if found == "files" and id_field:
        raise InvalidInput(
            "files have their names as ids", hint="leave out --id for a folder of files"
        )
    if not os.access(whole, os.R_OK):
        raise InvalidInput(f"input {path} may not be read", hint="look at its mode (ls -l)")
    mark = f"{status.st_ino}:{status.st_size}:{status.st_mtime_ns}"
    return Source(path=whole, format=found, id_field=id_field, fingerprint=mark)


def _format(path: str, whole: str) -> Format:
    if os.path.isdir(whole):
        return "files"
    found = _FORMATS.get(os.path.splitext(path)[1].lower())
    if found is None:
        raise InvalidInput(
            f"the format of input {path} can't be told by its name",
            hint="name it .jsonl, .csv or .parquet, or say which by --input-format",
        )
    return found


def rows(source: Source) -> Iterator[Row]:
    """The records of an input, one after the other.

    Raises:
        InvalidInput: something in it isn't what it should be; the message says where.
        ComponentMissing: it is Parquet, and pyarrow isn't installed.
    """
    try:
        yield from _READERS[source.format](source.path)
    except OSError as error:
        raise _unreadable(source.path, error) from error


def _unreadable(path: str, error: OSError) -> InvalidInput:
    return InvalidInput(
        f"cannot read input {path}: {error.strerror}", hint="name a file that can be read"
    )


def _jsonl(path: str) -> Iterator[Row]:
    with open(path, "rb") as stream:
        for place in itertools.count(1):
            line = stream.readline(MAX_LINE + 1)
            if not line:
                return
            if len(line) > MAX_LINE:
                raise InvalidInput(
                    f"{path}:{place}: the line is longer than {MAX_LINE >> 20} MiB",
                    hint="put large content into files, and batch the folder",
                )
            text = line.strip()
            if text:
                yield place, _decoded(text, path, place), text


def _decoded(text: bytes, path: str, place: int) -> object:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(
            f"{path}:{place}: no JSON: {error}", context=shown(text),
            hint="each line has to be one JSON value; nothing was run",
        ) from error  # fmt: skip


def _csv(path: str) -> Iterator[Row]:
    found = csv_rows.rows(path, MAX_LINE)
    _, names = next(found, (1, []))
    _check_header(names, path)
    for place, cells in found:
        if cells:
            yield place, _named(names, cells, path, place), None


def _check_header(names: list[str], path: str) -> None:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InvalidInput(
            f'{path}:1: the column "{twice}" is there twice', hint="columns need different names"
        )


def _named(names: list[str], fields: list[str], path: str, place: int) -> dict[str, str]:
    if len(fields) != len(names):
        raise InvalidInput(
            f"{path}:{place}: {len(fields)} fields, and the header names {len(names)}",
            hint="each row needs a field for each column; one with a comma or newline needs quotes",
        )
    return dict(zip(names, fields, strict=True))


def _parquet(path: str) -> Iterator[Row]:
    module = _pyarrow()
    try:
        with module.ParquetFile(path) as file:
            place = 0
            for batch in file.iter_batches(batch_size=_PARQUET_ROWS):
                for row in batch.to_pylist():
                    place += 1
                    yield place, _as_json(row, path, place), None
    except (ValueError, TypeError) as error:  # pyarrow's own errors are ValueErrors
        raise InvalidInput(
            f"cannot read input {path}: {error}", hint="is it Parquet, and whole?"
        ) from error


def _as_json(row: Mapping[str, object], path: str, place: int) -> dict[str, object]:
    plain: dict[str, object] = msgspec.to_builtins(row)
    for name, value in plain.items():
        odd = _no_number(value)
        if odd is not None:
            raise InvalidInput(
                f'{path}:{place}: the column "{name}" holds {odd}, which JSON has no word for',
                hint="write null or a text in its place; nothing was run",
            )
    return plain


def _no_number(value: object) -> float | None:
    """NaN or an infinity at any depth of a value; ``None`` where there is none."""
    if isinstance(value, float):
        return None if math.isfinite(value) else value
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return next(filter(None, map(_no_number, value)), None)
    return None


def _pyarrow() -> Any:
    import importlib

    try:
        return importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise ComponentMissing(
            "reading Parquet needs pyarrow",
            hint='pip install "dockyard[parquet]" adds it; JSONL and CSV need nothing',
        ) from error


def _files(path: str) -> Iterator[Row]:
    names = _names(path, "")
    for place, name in enumerate(names, 1):
        yield place, {"id": name, "path": f"{MOUNT}/{name}"}, None


def _names(top: str, below: str) -> Iterator[str]:
    """Regular files in the order of their names, with what is below each folder."""
    with os.scandir(os.path.join(top, below)) as scan:
        entries = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in scan)
    for name, is_folder in entries:
        relative = f"{below}/{name}" if below else name
        with contextlib.suppress(UnicodeEncodeError):
            relative.encode()
            if is_folder:
                yield from _names(top, relative)
            elif os.path.isfile(os.path.join(top, relative)):
                yield relative
            continue
        raise InvalidInput(
            f"{top}: the name {relative!r} is not UTF-8, so it can be no id",
            hint="rename the file",
        )


_READERS: dict[Format, Callable[[str], Iterator[Row]]] = {
    "jsonl": _jsonl, "csv": _csv, "parquet": _parquet, "files": _files,
}  # fmt: skip
