"""The flags of ``dockyard compose`` itself: which project, and how its commands behave."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from dockyard.cli.line import option, whole_number
from dockyard.errors import InvalidInput

_ANSI = ("never", "always", "auto")
_PROGRESS = ("auto", "tty", "plain", "json", "quiet")

OPTIONS = (
    option("--all-resources", is_flag=True,
           help="Include all resources, even those not used by services"),
    option("--ansi", metavar="string",
           help='Control when to print ANSI control characters ("never"|"always"|"auto")'),
    option("--compatibility", is_flag=True, help="Run compose in backward compatibility mode"),
    option("--dry-run", is_flag=True, help="Execute command in dry run mode"),
    option("--env-file", "env_files", multiple=True, metavar="stringArray",
           help="Specify an alternate environment file"),
    option("-f", "--file", "files", multiple=True, metavar="stringArray",
           help="Compose configuration files"),
    option("--parallel", read=whole_number, metavar="int",
           help="Control max parallelism, -1 for unlimited"),
    option("--profile", "profiles", multiple=True, metavar="stringArray",
           help="Specify a profile to enable"),
    option("--progress", metavar="string",
           help="Set type of progress output (auto, tty, plain, json, quiet)"),
    option("--project-directory", metavar="string",
           help="Specify an alternate working directory (default: the path of the, first"
           " specified, Compose file)"),
    option("-p", "--project-name", metavar="string", help="Project name"),
    option("-v", "--version", is_flag=True, hidden=True,
           help="Show the Docker Compose version information"),
)  # fmt: skip


class Flags(NamedTuple):
    """What was given between ``compose`` and the command, or by variables in its place."""

    files: tuple[str, ...] = ()
    project_name: str | None = None
    profiles: tuple[str, ...] = ()
    env_files: tuple[str, ...] = ()
    project_directory: str | None = None
    ansi: str = "auto"
    progress: str = "auto"
    parallel: int = -1
    """How much is done at once at most; -1 is without limit."""
    dry_run: bool = False
    all_resources: bool = False
    compatibility: bool = False

    @property
    def at_once(self) -> int:
        """``parallel`` where 0 is without limit."""
        return max(self.parallel, 0)

    def compatible(self, environ: Mapping[str, str]) -> bool:
        """Whether names are as Compose 1 had them, by the flag or a variable, of ``.env`` too."""
        return self.compatibility or says_yes(environ.get("COMPOSE_COMPATIBILITY", ""))

    def drawn(self, progress: str) -> Flags:
        """The same with another kind of progress.

        Raises:
            InvalidInput: there is no such kind.
        """
        kind = "quiet" if progress == "none" else progress
        _require(kind, _PROGRESS, "--progress")
        return self._replace(progress=kind)


def understood(
    values: Mapping[str, Any], words: Sequence[str]
) -> tuple[Sequence[str], dict[str, Any]]:
    """The words that are left, and the flags as an argument of the commands.

    Raises:
        InvalidInput: a value is none of those there are, or two contradict each other.
    """
    if values["version"]:
        words = ["version"]
    return words, {"flags": make(values, os.environ)}


def make(values: Mapping[str, Any], environ: Mapping[str, str]) -> Flags:
    """The flags, with variables in place of those that weren't given. Raises as above."""
    ansi = values["ansi"] or environ.get("COMPOSE_ANSI") or "auto"
    _require(ansi, _ANSI, "--ansi")
    progress = values["progress"] or environ.get("COMPOSE_PROGRESS") or "auto"
    progress = "quiet" if progress == "none" else progress
    _require(progress, _PROGRESS, "--progress")
    if (ansi, progress) in {("never", "tty"), ("always", "plain")}:
        state = "disabled" if ansi == "never" else "forced"
        raise InvalidInput(
            f"can't use --progress {progress} while ANSI support is {state}",
            hint=f"leave out --progress or --ansi {ansi}",
        )
    given = tuple(filter(None, environ.get("COMPOSE_ENV_FILES", "").split(",")))
    return Flags(
        files=values["files"],
        project_name=values["project_name"] or None,
        profiles=values["profiles"],
        env_files=tuple(map(os.path.abspath, values["env_files"] or given)),
        project_directory=values["project_directory"] or None,
        ansi=ansi,
        progress=_by_ansi(progress, ansi),
        parallel=_parallel(values["parallel"], environ),
        dry_run=values["dry_run"],
        all_resources=values["all_resources"],
        compatibility=values["compatibility"] or says_yes(environ.get("COMPOSE_COMPATIBILITY", "")),
    )


def _by_ansi(progress: str, ansi: str) -> str:
    if progress != "auto":
        return progress
    return {"never": "plain", "always": "tty"}.get(ansi, progress)


def _parallel(given: int | None, environ: Mapping[str, str]) -> int:
    if given is not None:
        return given
    text = environ.get("COMPOSE_PARALLEL_LIMIT", "")
    if not text:
        return -1
    try:
        return int(text)
    except ValueError:
        raise InvalidInput(
            f'COMPOSE_PARALLEL_LIMIT must be an integer (found: "{text}")',
            hint="unset it, or give a number such as 4",
        ) from None


def _require(value: str, known: Sequence[str], flag: str) -> None:
    if value not in known:
        raise InvalidInput(f'unsupported {flag} value "{value}"', hint=f"one of {', '.join(known)}")


def says_yes(text: str) -> bool:
    """Whether a variable such as ``COMPOSE_REMOVE_ORPHANS`` switches something on. Pure."""
    return text.strip().lower() in {"1", "t", "true", "y"}
