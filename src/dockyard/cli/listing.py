"""Lists and single objects on standard output: a table, JSON, or a template."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from dockyard.cli.output import say
from dockyard.cli.table import table, whole
from dockyard.cli.visible import visible
from dockyard.errors import DockyardError

Row = Mapping[str, str]


def list_text(
    rows: Sequence[Row],
    titles: Mapping[str, str],
    columns: Sequence[str],
    form: str | None,
    width: int | None = None,
    first: Collection[str] = (),
    spare: Sequence[str] = (),
) -> str:
    """A list in the form asked for.

    Args:
        rows: the values by field; each row has all fields.
        titles: the column titles of the fields that a table may show.
        columns: fields of the usual table.
        form: the value of ``--format``; ``None`` and ``table`` are the usual table.
        width: columns of the terminal; see :func:`dockyard.cli.table.table`.
        first: fields that the usual table cuts before any other.
        spare: fields without which it goes where it is narrow; the others stay whole then.

    Raises:
        InvalidInput: a template names an unknown field.
    """
    if not form or form == "table":
        lines = [[titles[column] for column in columns]]
        lines += [[row[column] for column in columns] for row in rows]
        if spare:
            return whole(lines, width, [columns.index(one) for one in spare])
        return table(lines, width, first=[columns.index(one) for one in first])
    from dockyard.cli import template  # only where there is a format

    if form == "json":
        return "".join(template.to_json(dict(sorted(row.items()))) + "\n" for row in rows)
    if form.startswith("table"):
        parts = template.parse(form.removeprefix("table").strip())
        head = template.render_titles(parts, titles)
        lines = [line.split("\t") for line in (head, *(template.render(parts, r) for r in rows))]
        longest = max(map(len, lines))
        return table([[*line, *[""] * (longest - len(line))] for line in lines], width)
    parts = template.parse(form)
    return "".join(template.render(parts, row) + "\n" for row in rows)


def object_text(value: object, form: str | None) -> str:
    """An object by a template, or as JSON on one line for ``json``."""
    from dockyard.cli import template

    if form == "json":
        return template.to_json(value) + "\n"
    return template.render(template.parse(form or ""), value) + "\n"


def inspect(names: Sequence[str], find: Callable[[str], Any], form: str | None) -> int:
    """Prints the documents of the named objects, then an error for each that isn't there.

    Returns:
        The exit code: 1 where one wasn't found.
    """
    from dockyard.cli import render

    found, missing = [], []
    for name in names:
        try:
            found.append(find(name))
        except DockyardError as error:
            missing.append(error)
    if form:
        for document in found:
            put(object_text(document, form))
    else:
        import json

        put(json.dumps(found, indent=4, ensure_ascii=False) + "\n")
    for failure in missing:
        render.print_error(failure)
    return 1 if missing else 0


def terminal_width(*, cut: bool = True) -> int | None:
    """Columns of standard output where it is a terminal and may be cut to fit."""
    if not (cut and sys.stdout.isatty()):
        return None
    import os

    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or None
    except OSError:
        return None


def put(text: str, *, drawn: bool = False) -> None:
    """Writes to standard output: byte for byte, but on a terminal without what could control it.

    Args:
        drawn: the text has escape sequences of ours, and nobody else's.
    """
    shown = visible(text) if sys.stdout.isatty() and not drawn else text
    say(shown, end="")


def split_filters(values: Sequence[str], known: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """``--filter`` values as pairs.

    Raises:
        InvalidInput: no pair, or an unknown name.
    """
    from dockyard.errors import InvalidInput

    pairs = []
    for value in values:
        name, equals, wanted = value.partition("=")
        if not equals:
            raise InvalidInput(
                f'invalid argument "{value}" for "-f, --filter" flag: bad format of filter'
                " (expected name=value)",
                hint=f"such as {known[0]}=VALUE; filters are {', '.join(known)}",
                exit_code=125,
            )
        if name not in known:
            raise InvalidInput(f"invalid filter '{name}'", hint=f"filters are {', '.join(known)}")
        pairs.append((name, wanted))
    return tuple(pairs)
