"""From the words of a line to a command: which one is meant, what to say where there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dockyard._version import __version__
from dockyard.cli import catalog
from dockyard.cli.command import Command, usage_problem
from dockyard.cli.line import HelpWanted, Option, UsageProblem, option, read_options
from dockyard.errors import NotSupported

_SUMMARY = "Builds, ships and runs containers, without a daemon"
_USAGE = "COMMAND"
_VERSION = option("-v", "--version", is_flag=True, help="Print version information and quit")
_DEBUG = option("-D", "--debug", is_flag=True, help="Show tracebacks of unexpected errors")


def call(words: Sequence[str]) -> int:
    """Runs the command that the line names; its exit code.

    Raises:
        DockyardError: there is none, the line is wrong, or what the command does failed.
    """
    try:
        line = read_options(words, (_VERSION, _DEBUG), interspersed=False)
    except HelpWanted:
        return _table_help(catalog.PROGRAM, "")
    except UsageProblem as error:
        raise usage_problem(error, catalog.PROGRAM, _USAGE) from error
    if line.values["debug"]:
        import os

        os.environ["DOCKYARD_DEBUG"] = "1"  # for this process and the programs it starts
    if line.values["version"]:
        from dockyard.cli.output import say

        say(f"Dockyard version {__version__}")
        return 0
    return _in_table(catalog.PROGRAM, "", line.words)


def _in_table(
    path: str, prefix: str, words: Sequence[str], given: Mapping[str, Any] | None = None
) -> int:
    """Goes on in the program's table of commands, or in a group's, whose name is the prefix.

    Args:
        given: what the group's own flags mean, for its commands.
    """
    if words[:1] and words[0] in {"help", "-h"}:  # help COMMAND is the command's
        words = [*words[1:], "--help"]
    if not words or words[0] == "--help":
        return _table_help(path, prefix)
    name, rest = words[0], words[1:]
    if not prefix and name in catalog.SHORT:
        return _short(path, name, rest)
    if name.startswith("-"):
        problem = UsageProblem(f"unknown flag: {name}", exit_code=125)
        raise usage_problem(problem, path, _USAGE)
    if prefix + name in catalog.GROUPS:
        return _in_group(f"{path} {name}", prefix + name, rest)
    command = find(prefix + name)
    if command is None:
        raise _unknown(path, prefix, name)
    return command(f"{path} {name}", rest, given)


def _short(path: str, name: str, words: Sequence[str]) -> int:
    """Runs a group's command that is called by its own name, with the group's flags behind it."""
    from dockyard.cli.compose import shorthand

    group, _, command = catalog.SHORT[name].partition(" ")
    flags, rest = shorthand.parted(words)
    return _in_group(f"{path} {group}", group, [*flags, command, *rest])


def _in_group(path: str, group: str, words: Sequence[str]) -> int:
    """Goes on in a group's table, behind the group's own flags, if it has any."""
    default = catalog.DEFAULTS.get(group, "").removeprefix(f"{group} ")
    if default and (not words or (words[0].startswith("-") and words[0] not in {"--help", "-h"})):
        words = [default, *words]
    module = catalog.FLAGGED.get(group)
    if module is None:
        return _in_table(path, f"{group} ", words)
    import importlib

    flags = importlib.import_module(module)
    try:
        line = read_options(words, flags.OPTIONS, interspersed=False)
    except HelpWanted:
        return _table_help(path, f"{group} ")
    except UsageProblem as error:
        raise usage_problem(error, path, _USAGE) from error
    words, given = flags.understood(line.values, line.words)
    return _in_table(path, f"{group} ", words, given)


def find(name: str) -> Command | None:
    """The command of this name, imported; ``None`` where there is none."""
    entry = catalog.find(name)
    if entry is None:
        return None
    import importlib

    found: Command = importlib.import_module(entry.module).command
    return found


def _unknown(path: str, prefix: str, name: str) -> NotSupported | UsageProblem:
    """What Docker has, and we don't, is nobody's slip of the pen."""
    from dockyard.cli import differences, docker_surface

    wanted = prefix + name
    if wanted in docker_surface.FAMILIES or wanted in docker_surface.COMMANDS:
        why = differences.REFUSED.get(wanted)
        return NotSupported(
            f"{path} {name} is not supported", hint=why or f"'{path} --help' lists what is"
        )
    import difflib

    near = difflib.get_close_matches(name, _names(prefix), n=1)
    hint = f"did you mean {path} {near[0]}?" if near else f"see '{path} --help'"
    return UsageProblem(f"unknown command: {path} {name}", hint=hint)


def _table_help(path: str, prefix: str) -> int:
    from dockyard.cli.help import table_help
    from dockyard.cli.output import say

    group = prefix.rstrip()
    summary = catalog.GROUPS[group] if group else _SUMMARY
    options = group_options(group) if group else (_VERSION, _DEBUG)
    say(table_help(path, summary, _entries(prefix), prefix, options), end="")
    return 0


def group_options(group: str) -> tuple[Option, ...]:
    """The flags that stand between a group's name and a command's; most groups have none."""
    module = catalog.FLAGGED.get(group)
    if module is None:
        return ()
    import importlib

    found: tuple[Option, ...] = importlib.import_module(module).OPTIONS
    return found


def _entries(prefix: str) -> list[catalog.Entry]:
    """What a table holds; for a group in the order of the names."""
    if not prefix:
        return list(catalog.ENTRIES)
    known = (*catalog.ENTRIES, *catalog.ALIASES)
    return sorted(one for one in known if one.name.startswith(prefix))


def _names(prefix: str) -> list[str]:
    names = (entry.name.removeprefix(prefix) for entry in _entries(prefix))
    return list(dict.fromkeys(name.partition(" ")[0] for name in names))
