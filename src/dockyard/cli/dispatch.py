"""From the words of a line to a command: which one is meant, what to say where there is none."""

from __future__ import annotations

from collections.abc import Sequence

from dockyard._version import __version__
from dockyard.cli import catalog
from dockyard.cli.command import Command, usage_problem
from dockyard.cli.line import HelpWanted, UsageProblem, option, read_options
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


def _in_table(path: str, prefix: str, words: Sequence[str]) -> int:
    """Goes on in the program's table of commands, or in a group's, whose name is the prefix."""
    if words[:1] and words[0] in {"help", "-h"}:  # help COMMAND is the command's
        words = [*words[1:], "--help"]
    if not words or words[0] == "--help":
        return _table_help(path, prefix)
    name, rest = words[0], words[1:]
    if name.startswith("-"):
        problem = UsageProblem(f"unknown flag: {name}", exit_code=125)
        raise usage_problem(problem, path, _USAGE)
    if not prefix and name in catalog.GROUPS:
        return _in_table(f"{path} {name}", f"{name} ", rest)
    command = find(prefix + name)
    if command is None:
        raise _unknown(path, prefix, name)
    return command(f"{path} {name}", rest)


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

    options = () if prefix else (_VERSION, _DEBUG)
    summary = catalog.GROUPS[prefix.rstrip()] if prefix else _SUMMARY
    say(table_help(path, summary, _entries(prefix), prefix, options), end="")
    return 0


def _entries(prefix: str) -> list[catalog.Entry]:
    """What a table holds; for a group in the order of the names."""
    if not prefix:
        return list(catalog.ENTRIES)
    known = (*catalog.ENTRIES, *catalog.ALIASES)
    return sorted(one for one in known if one.name.startswith(prefix))


def _names(prefix: str) -> list[str]:
    names = (entry.name.removeprefix(prefix) for entry in _entries(prefix))
    return list(dict.fromkeys(name.partition(" ")[0] for name in names))
