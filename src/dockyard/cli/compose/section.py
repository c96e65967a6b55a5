"""Lists as ``compose ls`` and ``compose images`` print them: a table, or JSON. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from dockyard.cli.table import whole
from dockyard.errors import InvalidInput

_COLUMN = 20
_TABLES = frozenset({"", "table", "pretty"})


def section(
    titles: Sequence[str],
    rows: Sequence[Sequence[str]],
    documents: Sequence[Mapping[str, object]],
    form: str,
    width: int | None = None,
    spare: Sequence[str] = (),
) -> str:
    """The list in the form asked for.

    Args:
        documents: what each row is in JSON.
        form: the value of ``--format``.
        width: columns of the terminal.
        spare: titles of the columns without which it goes where it is narrow; see
            :func:`dockyard.cli.table.whole`.

    Raises:
        InvalidInput: there is no such form.
    """
    kind = form.lower()
    if kind in _TABLES:
        return whole([titles, *rows], width, [titles.index(one) for one in spare], least=_COLUMN)
    if kind == "json":
        return _json(documents)
    if kind.replace(" ", "") == "{{json.}}":
        return "".join(map(_json, documents))
    raise InvalidInput(
        f'format value "{form}" could not be parsed: parsing failed', hint="table or json"
    )


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"
