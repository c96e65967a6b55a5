"""From an input to records with ids, and from their number to shards. Pure, and streaming.

Whatever an input's size, no more than one record of it is held here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from dockyard.batch import ids
from dockyard.batch.model import DEFAULT_ID, Record, Shard
from dockyard.errors import InvalidInput

RECORDS_A_SHARD = 10_000
"""At most, where nobody says how many shards there are to be."""
_SHOWN = 60
_VALUE = "value"
_ENCODER = msgspec.json.Encoder()

Row = tuple[int, object, bytes | None]
"""Its place (from 1), what it is, and the bytes that say so if they are one line of JSON."""


def records(rows: Iterable[Row], field: str, where: str) -> Iterator[Record]:
    """Gives each row its id, and makes an object of it that carries the id.

    Args:
        field: the field with the ids; empty: see :func:`settled_field`.
        where: the input's name, for messages.

    Raises:
        InvalidInput: a record has no id, or one that can't be used.
    """
    wanted = field
    chosen = False
    for place, value, line in rows:
        if not chosen:
            wanted, chosen = settled_field(value, field), True
        if wanted:
            yield _with_own_id(place, value, line, wanted, where)
        else:
            yield _numbered(place, value, where)


def settled_field(first: object, field: str) -> str:
    """The field that has the ids, by the first record; empty where records are numbered."""
    if field:
        return field
    return DEFAULT_ID if isinstance(first, Mapping) and DEFAULT_ID in first else ""


def _with_own_id(place: int, value: object, line: bytes | None, field: str, where: str) -> Record:
    if not isinstance(value, Mapping):
        raise InvalidInput(
            f'{where}:{place}: no object, so it has no "{field}"',
            context=_shown(value),
            hint="each record has to be an object with its id, or none may have one",
        )
    if field not in value:
        raise InvalidInput(
            f'{where}:{place}: the record has no "{field}"',
            context=_shown(value),
            hint=f"every record needs its id; --id names another field than {field}",
        )
    own = value[field]
    why = ids.problem(own)
    if why is not None:
        raise InvalidInput(
            f'{where}:{place}: the id "{field}" {why}',
            context=_shown(own), hint="give each record a text or a whole number as its id",
        )  # fmt: skip
    return Record(own, _ENCODER.encode(value) if line is None else line, place)


def _numbered(place: int, value: object, where: str) -> Record:
    if isinstance(value, Mapping):
        if DEFAULT_ID in value:
            raise InvalidInput(
                f'{where}:{place}: the record has an "{DEFAULT_ID}", and the first one has none',
                hint="give all records an id, or none, which numbers them by their lines",
            )
        whole: dict[str, Any] = {DEFAULT_ID: place, **value}
    else:
        whole = {DEFAULT_ID: place, _VALUE: value}
    return Record(place, _ENCODER.encode(whole), place)


def _shown(value: object) -> str:
    text = _ENCODER.encode(value).decode()
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def shards(count: int, wanted: int = 0) -> Iterator[Shard]:
    """Shards of nearly the same size, in the order of the input; none is empty.

    Args:
        wanted: how many; 0 for as many as have 10,000 records at most.
    """
    number = min(wanted or -(-count // RECORDS_A_SHARD), count)
    for each in range(number):
        yield Shard(number=each, first=each * count // number, last=(each + 1) * count // number)
