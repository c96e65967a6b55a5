"""The flags between ``compose`` and the command's name, and what commands get of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dockyard.cli import dispatch
from dockyard.cli.compose import flags
from dockyard.cli.compose.flags import Flags
from dockyard.cli.line import read_options
from dockyard.errors import InvalidInput

Call = Callable[..., tuple[int, str, str]]


def made(*words: str, **environ: str) -> Flags:
    return flags.make(read_options(words, flags.OPTIONS).values, environ)


def test_flags_become_values(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert made(
        "-f", "a.yaml", "-f", "b.yaml", "-p", "demo", "--profile", "x", "--profile", "y",
        "--env-file", "my.env", "--project-directory", "/d", "--parallel", "3", "--dry-run",
        "--all-resources", "--compatibility", "--progress", "plain",
    ) == Flags(
        files=("a.yaml", "b.yaml"), project_name="demo", profiles=("x", "y"),
        env_files=(f"{tmp_path}/my.env",), project_directory="/d", parallel=3, dry_run=True,
        all_resources=True, compatibility=True, progress="plain",
    )  # fmt: skip
    assert made() == Flags()


def test_variables_stand_for_flags() -> None:
    found = made(COMPOSE_ANSI="never", COMPOSE_PARALLEL_LIMIT="2", COMPOSE_ENV_FILES="/a,/b",
                 COMPOSE_COMPATIBILITY="true")  # fmt: skip
    assert (found.ansi, found.progress, found.parallel) == ("never", "plain", 2)
    assert (found.env_files, found.compatibility) == (("/a", "/b"), True)
    assert made("--progress", "json", COMPOSE_PROGRESS="tty").progress == "json"
    assert made("--progress", "none").progress == "quiet"
    assert [made(*each).at_once for each in ((), ("--parallel", "4"))] == [0, 4]


@pytest.mark.parametrize(
    ("words", "environ", "message"),
    [
        (("--ansi", "x"), {}, 'unsupported --ansi value "x"'),
        (("--progress", "x"), {}, 'unsupported --progress value "x"'),
        (("--ansi", "never", "--progress", "tty"), {}, "can't use --progress tty while ANSI"),
        ((), {"COMPOSE_PARALLEL_LIMIT": "x"}, "must be an integer"),
    ],
)
def test_what_contradicts_itself_is_refused(
    words: tuple[str, ...], environ: dict[str, str], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        made(*words, **environ)


def test_the_groups_help_has_its_flags(dockyard: Call) -> None:
    code, out, _ = dockyard("compose", "--help")
    assert code == 0
    assert "--project-directory string" in out
    assert dockyard("compose")[:2] == (0, out)
    assert dockyard("compose", "help")[:2] == (0, out)
    assert [one.key for one in dispatch.group_options("network")] == []


def test_an_unknown_flag_or_command_is_named(dockyard: Call) -> None:
    code, _, err = dockyard("compose", "--fiel", "x", "stop")
    assert (code, "or --file" in err) == (125, True)
    code, _, err = dockyard("compose", "-p", "x", "stpo")
    assert (code, "did you mean dockyard compose stop?" in err) == (1, True)


def test_the_version_is_told_in_all_ways(dockyard: Call) -> None:
    code, out, _ = dockyard("compose", "version")
    assert (code, out.startswith("Dockyard Compose version ")) == (0, True)
    assert dockyard("compose", "-v")[1] == out
    short = dockyard("compose", "version", "--short")[1]
    assert out.endswith(short)
    assert dockyard("compose", "version", "-f", "json")[1] == f'{{"version":"{short.strip()}"}}\n'
    assert dockyard("compose", "version", "-f", "x")[0] == 1
