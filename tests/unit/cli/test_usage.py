"""Mistakes on the command line: Docker's words and exit codes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dockyard.cli import catalog
from dockyard.errors import NotFound

Call = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize(
    ("line", "first"),
    [
        ("help", "Usage:  dockyard [OPTIONS] COMMAND"),
        ("-h", "Usage:  dockyard [OPTIONS] COMMAND"),
        ("help run", "Usage:  dockyard run"),
        ("help network create", "Usage:  dockyard network create"),
        ("network help", "Usage:  dockyard network"),
    ],
)
def test_help_is_where_one_looks_for_it(dockyard: Call, line: str, first: str) -> None:
    code, out, err = dockyard(*line.split())
    assert (code, err) == (0, "")
    assert out.startswith(first)


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("run --nosuch x", 125, "unknown flag: --nosuch"),
        ("ps --nosuch", 125, "unknown flag: --nosuch"),
        ("run -e", 125, "flag needs an argument: 'e' in -e"),
        ("run --env", 125, "flag needs an argument: --env"),
        ("run -dZ app", 125, "unknown shorthand flag: 'Z' in -dZ"),
        ("run --rm=maybe app", 125, 'invalid argument "maybe" for "--rm" flag'),
        ("run --pull sometimes app", 125, "hint: one of always, missing, never"),
        ("run -m xx app", 125, 'invalid argument "xx" for "-m, --memory" flag: invalid size'),
        ("run -p 0.0.0.0.0:1 app", 125, 'for "-p, --publish" flag'),
        ("run --pids-limit many app", 125, "--pids-limit"),
        ("run", 1, "'dockyard run' requires at least 1 argument"),
        ("exec web", 1, "'dockyard exec' requires at least 2 arguments"),
        ("ps extra", 1, "'dockyard ps' accepts no arguments"),
        ("logs", 1, "'dockyard logs' requires 1 argument"),
        ("port", 1, "'dockyard port' requires at least 1 and at most 2 arguments"),
        ("images a b", 1, "'dockyard images' accepts at most 1 argument"),
        ("nosuch", 1, "unknown command: dockyard nosuch"),
        ("builder nosuch", 1, "unknown command: dockyard builder nosuch"),
        ("--nosuch", 125, "unknown flag: --nosuch"),
    ],
)
def test_a_mistake_is_explained(dockyard: Call, line: str, code: int, words: str) -> None:
    got, out, err = dockyard(*line.split())
    assert (got, out) == (code, "")
    assert err.startswith("dockyard: ")
    assert words in err


def test_a_mistyped_option_or_command_is_guessed(dockyard: Call) -> None:
    assert "did you mean --memory or" in dockyard("run", "--memry", "1g", "app")[2]
    assert "did you mean dockyard images?" in dockyard("imags")[2]


@pytest.mark.parametrize("flag", ["--kernel-memory=5m"])
def test_what_docker_has_and_we_do_not_have_yet_is_refused_clearly(
    dockyard: Call, flag: str
) -> None:
    code, _, err = dockyard("run", flag, "app")
    assert code == 125
    assert "is not supported\nhint: kernels have" in err


def test_an_engine_failure_of_run_is_125_and_of_others_1(dockyard: Call) -> None:
    assert dockyard("run", "--pull", "never", "nosuch")[0] == 125
    assert dockyard("inspect", "nosuch")[0] == 1
    assert dockyard("logs", "nosuch")[0] == 1


@pytest.mark.parametrize("entry", catalog.ENTRIES, ids=lambda entry: entry.name)
def test_every_command_explains_itself(dockyard: Call, entry: catalog.Entry) -> None:
    code, out, _ = dockyard(*entry.name.split(), "--help")
    assert code == 0
    assert out.startswith(f"Usage:  dockyard {entry.name}")
    assert entry.summary in " ".join(out.split())


def test_the_help_lists_every_command(dockyard: Call) -> None:
    code, out, _ = dockyard()
    assert code == 0
    assert all(entry.name in out for entry in catalog.ENTRIES)


def test_an_unexpected_error_is_one_message_and_a_traceback_only_on_demand(
    dockyard: Call, engine: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("by accident")

    monkeypatch.setattr(engine.containers, "all", broken)  # type: ignore[attr-defined]  # the fake
    code, _, err = dockyard("ps")
    assert code == 1
    assert "unexpected ZeroDivisionError: by accident" in err
    assert "report" in err
    assert "Traceback" not in err
    monkeypatch.setenv("DOCKYARD_DEBUG", "1")
    assert "Traceback" in dockyard("ps")[2]


def test_a_full_disk_is_named_as_such(
    dockyard: Call, engine: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "/x")

    monkeypatch.setattr(engine.containers, "all", full)  # type: ignore[attr-defined]  # the fake
    code, _, err = dockyard("ps")
    assert code == 1
    assert "no space left to write /x" in err


def test_ctrl_c_is_130(dockyard: Call, engine: object, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(engine.containers, "all", interrupted)  # type: ignore[attr-defined]  # the fake
    assert dockyard("ps")[0] == 130


def test_ctrl_c_is_130_whatever_goes_wrong_in_undoing_what_it_broke_off(
    dockyard: Call, engine: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        try:
            raise KeyboardInterrupt
        finally:
            raise NotFound("what was to be undone is gone")

    monkeypatch.setattr(engine.containers, "all", interrupted)  # type: ignore[attr-defined]  # the fake
    assert dockyard("ps")[0] == 130


def test_what_a_command_says_of_its_own_end_is_its_own(
    dockyard: Call, engine: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(*_: object) -> None:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt:
            raise NotFound("canceled", hint="on purpose") from None

    monkeypatch.setattr(engine.containers, "all", ended)  # type: ignore[attr-defined]  # the fake
    code, _, err = dockyard("ps")
    assert (code, "on purpose" in err) == (1, True)
