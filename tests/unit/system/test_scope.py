from __future__ import annotations

from collections.abc import Sequence

import pytest

from dockyard.errors import ComponentFailed
from dockyard.system import process, scope

UNIT = "dockyard-conmon-f00-7.scope"
SLICE = "dockyard-x.slice"
BEFORE = "0::/system.slice/ssh.service\n"
AFTER = f"0::/dockyard.slice/{SLICE}/{UNIT}\n"


class Systemd:
    """Takes the place of busctl: what it was asked, and where it says a process is."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.refusals: list[str] = []
        self.places = [AFTER]

    def run(self, argv: Sequence[str], **_: object) -> process.Completed:
        self.calls.append(list(argv))
        if self.refusals:
            raise ComponentFailed(self.refusals.pop(0))
        return process.Completed(0, b"", b"")

    def read(self, path: str) -> str:
        assert path == "/proc/7/cgroup"
        return self.places.pop(0) if len(self.places) > 1 else self.places[0]


@pytest.fixture
def systemd(monkeypatch: pytest.MonkeyPatch) -> Systemd:
    systemd = Systemd()
    monkeypatch.setattr(process, "run", systemd.run)
    monkeypatch.setattr(scope, "read_file", systemd.read)
    return systemd


def test_the_call_that_makes_a_scope() -> None:
    assert scope.command(UNIT, SLICE, 7)[-16:] == [
        "StartTransientUnit", "ssa(sv)a(sa(sv))", UNIT, "fail",
        "3", "PIDs", "au", "1", "7", "Slice", "s", SLICE,
        "CollectMode", "s", "inactive-or-failed", "0",
    ]  # fmt: skip


def test_a_lasting_scope_is_not_among_what_a_shutdown_ends() -> None:
    words = scope.command(UNIT, SLICE, 7, lasting=True)
    assert words[words.index("fail") + 1] == "4"
    assert words[-4:] == ["DefaultDependencies", "b", "false", "0"]


def test_a_shutdown_is_told_from_other_refusals() -> None:
    assert scope.is_shutdown(
        "busctl: Call failed: Transaction for x.scope/start is destructive (dockyard-x.slice has"
        " 'stop' job queued, but 'start' is included in transaction)."
    )
    assert scope.is_shutdown(
        "busctl: Call failed: Requested transaction contradicts existing jobs: Resource deadlock"
        " avoided"
    )
    assert not scope.is_shutdown("busctl: Call failed: Access denied")


def test_a_refusal_is_passed_on(systemd: Systemd) -> None:
    systemd.refusals = ["busctl: Access denied"]
    with pytest.raises(ComponentFailed, match="Access denied"):
        scope.start(UNIT, SLICE, 7)


def test_the_process_has_been_moved_when_it_returns(systemd: Systemd) -> None:
    systemd.places = [BEFORE, BEFORE, AFTER]
    scope.start(UNIT, SLICE, 7)
    assert systemd.places == [AFTER]


def test_nobody_waits_for_a_process_that_is_gone(systemd: Systemd) -> None:
    systemd.places = [BEFORE, ""]
    scope.start(UNIT, SLICE, 7)
    assert systemd.places == [""]


def test_a_process_that_is_never_moved_is_an_error(
    systemd: Systemd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scope, "_TIMEOUT_SECONDS", 0)
    systemd.places = [BEFORE]
    with pytest.raises(ComponentFailed, match=r"did not move process 7 into dockyard-conmon"):
        scope.start(UNIT, SLICE, 7)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (AFTER, True),
        (f"5:pids:/\n1:name=systemd:/dockyard.slice/{UNIT}\n", True),
        (f"0::/dockyard.slice/{UNIT}/below\n", True),
        (BEFORE, False),
        (f"0::/dockyard.slice/x{UNIT}\n", False),
        (f"0::/dockyard.slice/{UNIT}x\n", False),
        ("", False),
    ],
)
def test_the_unit_of_a_process(text: str, expected: bool) -> None:
    assert scope.holds(UNIT, text) is expected
