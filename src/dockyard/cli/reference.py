"""``python -m dockyard.cli.reference`` prints docs/cli.md from the commands themselves."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from dockyard.cli import catalog
from dockyard.cli.dispatch import find, group_options
from dockyard.cli.help import described

_INTRODUCTION = """\
# The command line

`dockyard` (or `dy`) has Docker's commands, with Docker's options, columns and exit codes. What
Docker has and Dockyard does not have yet is refused with a message, never ignored. This page is
made by `python -m dockyard.cli.reference`; a test compares the two.

Machine-readable output goes to standard output, everything else to standard error. On a terminal
tables are cut to its width, unless `--no-trunc` says otherwise; in a pipe they are whole. What
takes long shows there how far it is. `--format` takes `json`, `table TEMPLATE` or a template in
Go's notation: fields (`{{.Names}}`, `{{.State.Status}}`), `json`, `upper`, `lower`, `len`, `join`
and `index`.

| exit code | meaning |
|---|---|
| 0 | success |
| 1 | an ordinary failure, or a wrong number of arguments |
| 125 | a wrong option; for `run`, the container could not be started |
| 126, 127 | the command in the container can't be invoked, or isn't found |
| 128+n | the program ended by signal n (130: Ctrl-C, 137: killed) |
| any other | that of the program in the container (`run`, `exec`, `start -a`) |
"""

_VARIABLES = """\
## Environment

| variable | meaning |
|---|---|
| `DOCKYARD_ROOT`, `DOCKYARD_RUN` | directories of the state, and of what a reboot may lose |
| `DOCKYARD_RUNTIME` | name or path of the OCI runtime |
| `DOCKYARD_PUBLISH_ADDRESS` | address on which ports are published where `-p` names none |
| `DOCKYARD_REGISTRIES` | the one file with what is set for registries |
| `DOCKYARD_LOG_DRIVER`, `DOCKYARD_LOG_OPTS` | log driver where none is named, and its options |
| `DOCKYARD_LAYERS` | `plain`: builds make one layer a step, whatever packages are in it |
| `DOCKYARD_CDI_SPEC_DIRS` | device specifications, in place of `/etc/cdi:/var/run/cdi` |
| `DOCKYARD_APT_MIRROR` | Debian mirror that only this host uses; never stored in an image |
| `DOCKYARD_DEBUG` | show tracebacks of unexpected errors, as `--debug` |
| `SOURCE_DATE_EPOCH` | the time of every build, in seconds since 1970 |
| `NO_COLOR` | print without colours |
"""


def markdown() -> str:
    """The whole page."""
    parts = [_INTRODUCTION, _VARIABLES]
    sections = {entry.name: _section(entry) for entry in catalog.ENTRIES}
    sections |= {name: _group(name) for name in catalog.FLAGGED}
    parts += ["\n".join(sections[name]) + "\n" for name in sorted(sections)]
    parts += ["\n".join(_second_names()) + "\n"]
    return "\n".join(parts)


def _second_names() -> Iterator[str]:
    yield "## Second names"
    yield ""
    yield "| command | is |"
    yield "|---|---|"
    for entry in catalog.ALIASES:
        yield f"| `{catalog.PROGRAM} {entry.name}` | `{catalog.PROGRAM} {entry.same_as}` |"


def _group(name: str) -> Iterator[str]:
    """The flags of a group that has some."""
    path = f"{catalog.PROGRAM} {name}"
    yield f"## {path}"
    yield ""
    yield f"{catalog.GROUPS[name]}. These options stand before the command's name."
    yield ""
    yield "```"
    yield f"{path} [OPTIONS] COMMAND"
    yield "```"
    yield from _table(described(group_options(name)))


def _section(entry: catalog.Entry) -> Iterator[str]:
    command = find(entry.name)
    if command is None:
        raise LookupError(entry.name)
    path = f"{catalog.PROGRAM} {entry.name}"
    yield f"## {path}"
    yield ""
    yield f"{entry.summary}."
    yield ""
    yield "```"
    yield f"{path} {command.usage}".rstrip()
    yield "```"
    yield from _table(described(command.parameters))


def _table(rows: Sequence[tuple[str, str]]) -> Iterator[str]:
    if rows:
        yield ""
        yield "| option | meaning |"
        yield "|---|---|"
    for names, text in rows:
        cells = (f"`{names.strip()}`", text.replace("|", "\\|"))
        yield f"| {cells[0]} | {cells[1]} |"


if __name__ == "__main__":
    sys.stdout.write(markdown())
