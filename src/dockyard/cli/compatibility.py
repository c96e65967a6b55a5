"""``python -m dockyard.cli.compatibility`` prints docs/compatibility.md from the code itself."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from dockyard.cli import catalog
from dockyard.cli.differences import DIFFERENT, REFUSED, refusal
from dockyard.cli.dispatch import find, group_options
from dockyard.cli.docker_surface import COMMANDS, FAMILIES, INSTRUCTIONS
from dockyard.cli.line import Option
from dockyard.errors import DockyardError

Answer = Literal["yes", "no", "differs"]

_INTRODUCTION = """\
# What Docker has, and what Dockyard does with it

Every command, flag and instruction of Docker 28.5 and Docker Compose 2.40, with **yes** (the same
words, the same effect), **differs** (what is different is said) or **no** (it is refused with a
message; nothing is accepted and ignored). This page is made by
`python -m dockyard.cli.compatibility` from the commands themselves; a test compares the two.
"""


class Row(NamedTuple):
    """One line of the table."""

    name: str
    answer: Answer
    note: str = ""


def commands() -> dict[str, list[Row]]:
    """For each command of Docker its own line, then its flags."""
    return {name: list(_command_rows(name, flags)) for name, flags in COMMANDS.items()}


def instructions() -> list[Row]:
    """Docker's directives, instructions and their flags."""
    return [Row(name, *_instruction(name, text)) for name, text in INSTRUCTIONS.items()]


def families() -> list[Row]:
    """Commands of Docker that are named but not taken apart."""
    return [Row(name, *_family(name)) for name in FAMILIES]


def _command_rows(name: str, flags: str) -> Iterator[Row]:
    options = _options(name)
    if options is None:
        yield Row(name, "no", REFUSED.get(name, ""))
        return
    yield _judged(name, "yes")
    if flags.startswith("="):
        return
    for flag in flags.split():
        short, _, long = flag.rpartition("|")
        shown = f"{short}, {long}" if short else long
        answer, reason = _flag(options, long, short)
        key = f"{name} {long}"
        row = _judged(key, answer, reason)
        yield row._replace(name=shown)


def _judged(key: str, answer: Answer, reason: str = "") -> Row:
    """The line of what our command has, with what differs."""
    if answer == "yes" and key in DIFFERENT:
        return Row(key, "differs", DIFFERENT[key])
    name, _, flag = key.rpartition(" ")
    return Row(key, answer, reason or refusal(name, flag) if answer == "no" else "")


def _options(name: str) -> Sequence[Option] | None:
    """Those of a command, or those that stand before the commands of a group."""
    if name in catalog.GROUPS:
        return group_options(name)
    ours = find(name)
    return None if ours is None else ours.options


def _flag(options: Sequence[Option], long: str, short: str) -> tuple[Answer, str]:
    for option in options:
        if long in option.names:
            if short and short not in option.names:
                return "no", f"only as {long}, not as {short}"
            return "yes", ""
    return "no", ""


def _instruction(name: str, text: str) -> tuple[Answer, str]:
    from dockyard.build.dockerfile.parser import parse
    from dockyard.build.grants import DEVICE, StepOptions
    from dockyard.build.lower import lower
    from dockyard.build.names import Settings

    steps = StepOptions(allow=frozenset({DEVICE}))
    try:
        lower(parse(text), {}, Settings(architecture="amd64", build_args={}, steps=steps))
    except DockyardError as error:
        return "no", error.message
    row = _judged(name, "yes")
    return row.answer, row.note


def _family(name: str) -> tuple[Answer, str]:
    if name not in catalog.GROUPS and find(name) is None:
        return "no", REFUSED.get(name, "")
    row = _judged(name, "yes")
    return row.answer, row.note


def markdown() -> str:
    """The whole page."""
    parts = [_INTRODUCTION, _summary(), "## Dockerfile\n", _table(instructions())]
    for name, rows in commands().items():
        own, *flags = rows
        title = f"## docker {name}: {own.answer}\n"
        parts.append(title + (f"\n{_sentence(own.note)}\n" if own.note else ""))
        if COMMANDS[name].startswith("=") and own.answer != "no":
            parts.append(f"As `docker {COMMANDS[name][1:]}`.\n")
        if flags:
            parts.append(_table(flags))
    parts += ["## Other commands\n", _table(families())]
    return "\n".join(parts)


def _summary() -> str:
    everything = [row for rows in commands().values() for row in rows]
    lines = ["| | yes | differs | no |", "|---|---|---|---|"]
    for title, rows in (("commands and flags", everything), ("Dockerfile", instructions())):
        counts = [sum(row.answer == kind for row in rows) for kind in ("yes", "differs", "no")]
        lines.append(f"| {title} | {counts[0]} | {counts[1]} | {counts[2]} |")
    return "\n".join(lines) + "\n"


def _table(rows: list[Row]) -> str:
    lines = ["| | | |", "|---|---|---|"]
    lines += [f"| `{row.name}` | {row.answer} | {_cell(row.note)} |" for row in rows]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


if __name__ == "__main__":
    sys.stdout.write(markdown())
