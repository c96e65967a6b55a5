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


RESTRICTED = {
    "build --cache-from x": ["type=s3,bucket=x", "type=gha", "type=inline"],
    "build --cache-to x": ["type=s3,bucket=x", "type=gha", "type=inline"],
    "build --output x": ["type=registry,name=x,force-compression=true", "type=image,push=maybe"],
    "create --log-driver x": ["syslog", "journald", "fluentd", "gelf", "awslogs", "splunk"],
    "create --log-opt x": ["tag={{.ID}}", "labels-regex=.*", "env-regex=.*"],
    "create --mount x": ["type=image,source=x,target=/x", "type=cluster,source=x,target=/x"],
    "create --publish x": ["80:80/sctp"],
    "create --security-opt x": ["label=type:svirt_t"],
    "create --volume-driver x": ["nfs"],
    "create --gpus x": [],
    "network create --driver x": ["overlay", "macvlan", "ipvlan"],
    "volume create --driver x": ["nfs"],
}
"""Values that Docker takes and we refuse, by the flag; the table must not say a plain yes to it."""


@pytest.mark.parametrize("line", RESTRICTED)
def test_a_flag_that_takes_not_all_of_docker_s_values_differs(line: str) -> None:
    name, flag, _ = line.rsplit(" ", 2)
    commands = ("create", "run") if name == "create" else (name,)
    for command in commands:
        rows = compatibility.commands()[command]
        (row,) = (row for row in rows if row.name.split(", ")[-1] == flag)
        assert row.answer == "differs", line


@pytest.mark.parametrize(
    ("line", "value"),
    [(line, value) for line, values in RESTRICTED.items() for value in values
     if not line.startswith(("network", "volume", "create --log", "create --security"))],
)  # fmt: skip
def test_such_a_value_is_refused_with_a_way_out(
    dockyard: Call, tmp_path: Path, line: str, value: str
) -> None:
    """Those left out are refused by the engine, which has tests of its own."""
    name, flag, _ = line.rsplit(" ", 2)
    code, out, err = dockyard(name, flag, value, str(tmp_path) if name == "build" else "app")
    assert (code != 0, out) == (True, "")
    assert "unexpected" not in err
    assert "hint: " in err


@pytest.mark.parametrize("flag", ["--iidfile=x", "--metadata-file=x", "-otype=local,dest=x"])
def test_a_check_writes_nothing_and_says_so(dockyard: Call, tmp_path: Path, flag: str) -> None:
    code, out, err = dockyard("build", "--check", flag, str(tmp_path))
    assert (code, out) == (125, "")
    assert "has nothing to write: --call=check builds no image" in err
