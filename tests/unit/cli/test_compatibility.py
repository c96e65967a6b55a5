"""docs/compatibility.md is what the commands and the builder say of themselves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dockyard.cli import compatibility
from dockyard.cli.differences import DIFFERENT, REFUSED
from dockyard.cli.dispatch import find
from dockyard.cli.docker_surface import COMMANDS, FAMILIES, INSTRUCTIONS

Call = Callable[..., tuple[int, str, str]]

PAGE = Path(__file__).parents[3] / "docs" / "compatibility.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == compatibility.markdown(), (
        "run: python -m dockyard.cli.compatibility > docs/compatibility.md"
    )


def test_every_command_flag_and_instruction_of_docker_has_its_line() -> None:
    rows = compatibility.commands()
    assert set(rows) == set(COMMANDS)
    for name, flags in COMMANDS.items():
        if find(name) is not None and not flags.startswith("="):
            assert len(rows[name]) == 1 + len(flags.split())
    assert [row.name for row in compatibility.instructions()] == list(INSTRUCTIONS)


def test_no_reason_is_given_for_what_docker_does_not_have() -> None:
    flags = {
        f"{name} {flag.rpartition('|')[2]}"
        for name, line in COMMANDS.items()
        for flag in line.split()
        if not line.startswith("=")
    }
    known = {*COMMANDS, *FAMILIES, *INSTRUCTIONS, *flags, *(key.split()[-1] for key in flags)}
    assert {*DIFFERENT, *REFUSED} - {"-D"} <= known


def test_every_no_and_every_difference_has_its_reason() -> None:
    rows = [(name, row) for name, group in compatibility.commands().items() for row in group]
    rows += [("", row) for row in (*compatibility.instructions(), *compatibility.families())]
    assert [
        f"{name} {row.name}" for name, row in rows if row.answer != "yes" and not row.note
    ] == []


@pytest.mark.parametrize("key", sorted(DIFFERENT))
def test_what_differs_is_there(key: str) -> None:
    rows = [row for group in compatibility.commands().values() for row in group]
    rows += [*compatibility.instructions(), *compatibility.families()]
    assert any(row.answer == "differs" and row.note == DIFFERENT[key] for row in rows)


def _refused() -> list[tuple[str, str]]:
    """Every line that the table answers with no, as the words of a command line."""
    found = []
    for name, rows in compatibility.commands().items():
        own, *flags = rows
        if own.answer == "no":
            found.append((name, own.note))
        else:
            words = ((row, row.name.split(", ")) for row in flags if row.answer == "no")
            found += [(f"{name} {flag}", row.note) for row, names in words for flag in names]
    found += [(row.name, row.note) for row in compatibility.families() if row.answer == "no"]
    return found


@pytest.mark.parametrize(("line", "note"), _refused(), ids=lambda text: text)
def test_what_the_table_says_no_to_is_refused_with_the_same_reason(
    dockyard: Call, line: str, note: str
) -> None:
    code, out, err = dockyard(*line.split(), "value")
    assert (code != 0, out) == (True, "")
    assert "is not supported" in err
    assert f"hint: {note}" in err
