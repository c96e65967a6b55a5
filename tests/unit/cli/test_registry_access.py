"""The commands on users, robots and rules of a registry, on a directory of the test's own."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.access import CHEAP

from dockyard.cli.main import run
from dockyard.registry.access.passwords import Passwords

PASSWORD = "correct horse"

Answer = tuple[int, str, str]


@pytest.fixture
def registry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., Answer]:
    """Runs ``dockyard registry ...``, with what is typed on standard input."""
    monkeypatch.setattr("dockyard.registry.access.manage.Passwords", lambda: Passwords(CHEAP))

    def call(*words: str, typed: bytes = b"") -> Answer:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(typed)))
        code = run(("registry", *words, "--root", str(tmp_path / "registry")))
        return code, *capfd.readouterr()

    return call


def test_a_user_from_first_to_last(registry: Callable[..., Answer]) -> None:
    add = ("user", "add", "anna", "-g", "team-a", "--group", "ops", "--password-stdin")
    assert registry(*add, typed=f"{PASSWORD}\n".encode()) == (0, "anna\n", "")
    assert registry("user", "update", "anna", "--group-rm", "ops", "--admin", "--disable")[0] == 0
    (row,) = map(json.loads, registry("user", "ls", "--format", "json")[1].splitlines())
    assert (row["Groups"], row["Admin"], row["Status"]) == ("team-a", "true", "disabled")
    assert registry("user", "passwd", "anna", "--password-stdin", typed=b"another one\r\n")[0] == 0
    assert registry("user", "rm", "anna", "nobody") == (
        1, "anna\n", ("dockyard: no such user: nobody\n"
        "hint: dockyard registry user ls lists all users\n"),
    )  # fmt: skip
    assert registry("user", "ls", "-q") == (0, "", "")


@pytest.mark.parametrize("typed", [b"", b"\n", b"short\n", b"\xff\xfe passwords\n"])
def test_what_is_no_password_is_refused_and_not_shown(
    registry: Callable[..., Answer], typed: bytes
) -> None:
    code, out, err = registry("user", "add", "anna", "--password-stdin", typed=typed)
    assert (code, out) == (1, "")
    assert "the password is" in err
    assert "xfe" not in err


def test_without_a_terminal_nothing_is_asked(registry: Callable[..., Answer]) -> None:
    code, _, err = registry("user", "add", "anna")
    assert code == 1
    assert "--password-stdin" in err


def test_flags_that_contradict_each_other_are_refused(registry: Callable[..., Answer]) -> None:
    registry("user", "add", "anna", "--password-stdin", typed=PASSWORD.encode())
    code, _, err = registry("user", "update", "anna", "--enable", "--disable")
    assert code == 1
    assert "conflicting options: --disable and --enable" in err


def test_a_robot_from_first_to_last(registry: Callable[..., Answer]) -> None:
    code, secret, note = registry("token", "create", "ci", "--grant", "a/**:push,pull")
    assert code == 0
    assert secret.startswith("dyr_")
    assert "robot$ci" in note
    assert secret.strip() not in note
    code, table, _ = registry("token", "ls")
    assert [line.split()[:2] for line in table.splitlines()] == [
        ["USERNAME", "GRANTS"], ["robot$ci", "a/**:pull,push"],
    ]  # fmt: skip
    assert "expires in " in table
    assert secret.strip() not in table
    assert registry("token", "revoke", "robot$ci")[:2] == (0, "robot$ci\n")
    assert registry("token", "ls", "-q")[1] == ""
    assert len(registry("token", "rotate-key", "--now")[1].strip()) == 32


@pytest.mark.parametrize(
    "words",
    [("--grant", "a:pull", "--expires", "soon"), ("--grant", "a:pull", "--expires", "0s"),
     ("--grant", "a"), ("--grant", "A:pull"), ()],
)  # fmt: skip
def test_a_robot_that_makes_no_sense_is_refused(
    registry: Callable[..., Answer], words: tuple[str, ...]
) -> None:
    assert registry("token", "create", "ci", *words)[:2] == (1, "")


def test_a_robot_may_be_for_ever(registry: Callable[..., Answer]) -> None:
    registry("token", "create", "ci", "--grant", "a:pull", "--expires", "never")
    assert registry("token", "ls", "--format", "{{.Status}} {{.ExpiresAt}} {{.LastUsed}}")[1] == (
        "active never never\n"
    )


def test_a_rule_from_first_to_last(registry: Callable[..., Answer]) -> None:
    registry("user", "add", "anna", "--password-stdin", typed=PASSWORD.encode())
    code, out, note = registry("policy", "set", "group:team-a", "team-a/**", "push,pull")
    assert (code, out) == (0, "group:team-a team-a/** pull,push\n")
    assert note == "Nobody is in the group team-a yet.\n"
    registry("user", "update", "anna", "--group-add", "team-a")
    assert registry("policy", "test", "anna", "team-a/app") == (
        1,
        (
            "pull: allowed: rule group:team-a team-a/** pull,push\n"
            "push: allowed: rule group:team-a team-a/** pull,push\n"
            "delete: denied: no rule allows it\n"
        ),
        "",
    )
    assert registry("policy", "test", "anna", "team-a/app", "push")[0] == 0
    assert registry("policy", "ls")[1].split() == [
        "SUBJECT", "REPOSITORIES", "ACTIONS", "group:team-a", "team-a/**", "pull,push",
    ]  # fmt: skip
    assert registry("policy", "rm", "group:team-a")[0] == 0
    assert registry("policy", "rm", "group:team-a")[0] == 1


@pytest.mark.parametrize(
    "words",
    ["user ls", "user rm anna", "user update anna", "user passwd anna", "token ls", "policy ls",
     "token revoke ci", "token rotate-key", "policy rm *", "policy test anna a", "audit"],
)  # fmt: skip
def test_a_slip_in_a_directory_makes_no_registry(
    registry: Callable[..., Answer], tmp_path: Path, words: str
) -> None:
    code, out, err = registry(*words.split(), typed=PASSWORD.encode())
    assert (code, out) == (1, "")
    assert "there is no registry in" in err
    assert not (tmp_path / "registry").exists()


def test_the_audit_log_is_read_and_filtered(registry: Callable[..., Answer]) -> None:
    registry("user", "add", "anna", "--password-stdin", typed=PASSWORD.encode())
    registry("policy", "set", "user:anna", "a", "pull")

    _, out, _ = registry("audit", "--filter", "action=policy set", "--format",
                         "{{.Action}} {{.Reference}} {{.Detail}}", "--since", "1h")  # fmt: skip
    assert out == "policy set user:anna a pull\n"
    assert registry("audit", "--since", "2999-01-01")[1].count("\n") == 1
    code, _, err = registry("audit", "--filter", "colour=red")
    assert code == 1
    assert "invalid filter 'colour'" in err
    assert "filters are action, repository, result, who" in err
    _, out, _ = registry("audit", "--filter", "action=user *", "--format", "{{.Action}}")
    assert out == "user add\n"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("who=anna", "user:NAME"), ("who=robot:ci", "robot:robot$NAME"),
        ("who=user:a?b", "* is any text"),
        ("who=anonymous", "anonymous:"), ("result=ok", "allowed, denied, failed"),
        ("action=pusch", "push"), ("repository=A[", "a repository's name"),
    ],
)  # fmt: skip
def test_a_filter_that_can_find_nothing_is_refused(
    registry: Callable[..., Answer], text: str, hint: str
) -> None:
    registry("user", "add", "anna", "--password-stdin", typed=PASSWORD.encode())
    code, out, err = registry("audit", "--filter", text)
    assert (code, out) == (1, "")
    assert "invalid" in err
    assert hint in err


def test_what_other_programs_call_an_option_leads_to_ours(registry: Callable[..., Answer]) -> None:
    for words in (("--port", "5000"), ("--listen=:5000",), ("-p", "5000")):
        code, _, err = registry("serve", *words)
        assert code == 125
        assert "did you mean --addr?" in err


def test_a_group_of_commands_explains_itself(
    registry: Callable[..., Answer], capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(("registry", "user", "--help")) == 0
    assert "passwd" in capfd.readouterr().out
    assert run(("registry", "user", "ad")) == 1
    assert "did you mean dockyard registry user add?" in capfd.readouterr().err
