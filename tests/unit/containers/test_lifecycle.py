from __future__ import annotations

from collections.abc import Callable
from typing import get_args

import msgspec
import pytest

from dockyard.containers import lifecycle
from dockyard.containers.model import Container, Options, Restarts, State
from dockyard.errors import Conflict


def container(state: State) -> Container:
    return Container(
        id="a" * 64, name="box", image_id="i", image_name="i", state=state, created=0,
        options=Options(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("state", "dead", "living"),
    [
        ("creating", "discard", "discard"), ("created", "nothing", "nothing"),
        ("starting", "stop", "stop"), ("running", "finish", "nothing"),
        ("exited", "nothing", "nothing"), ("removing", "remove", "remove"),
        ("restarting", "nothing", "nothing"),
    ],
)  # fmt: skip
def test_what_a_crash_left_is_settled(state: State, dead: str, living: str) -> None:
    assert lifecycle.recovery(container(state), alive=False, boot="") == dead
    assert lifecycle.recovery(container(state), alive=True, boot="") == living


def test_a_restart_that_the_host_interrupted_is_called_off() -> None:
    waiting = msgspec.structs.replace(
        container("restarting"), restarts=Restarts(due=1, boot="before")
    )
    assert lifecycle.recovery(waiting, alive=False, boot="before") == "nothing"
    assert lifecycle.recovery(waiting, alive=False, boot="after") == "call-off"


@pytest.mark.parametrize("state", get_args(State))
def test_what_may_be_done_in_which_state(state: State) -> None:
    def allowed(check: Callable[[Container], None]) -> bool:
        try:
            check(container(state))
        except Conflict:
            return False
        return True

    assert allowed(lifecycle.require_startable) == (state in {"created", "exited", "restarting"})
    assert allowed(lifecycle.require_running) == (state == "running")
    assert allowed(lambda c: lifecycle.require_removable(c, force=False)) == (
        state not in {"running", "restarting"}
    )
    assert allowed(lambda c: lifecycle.require_removable(c, force=True))


@pytest.mark.parametrize(
    ("entrypoint", "command", "runs"),
    [
        (None, None, ("e", "c")), (None, ("x",), ("e", "x")), (("n",), None, ("n",)),
        (("n",), ("x",), ("n", "x")), ((), ("x",), ("x",)), ((), None, ()), (None, (), ("e",)),
    ],
)  # fmt: skip
def test_entrypoint_and_command_combine_as_in_docker(
    entrypoint: tuple[str, ...] | None, command: tuple[str, ...] | None, runs: tuple[str, ...]
) -> None:
    assert runs == lifecycle.command_line(
        image_entrypoint=("e",), image_command=("c",), entrypoint=entrypoint, command=command
    )


@pytest.mark.parametrize(
    ("text", "code"), [("0", 0), ("137\n", 137), ("", 255), (None, 255), ("x", 255), ("-1", -1)]
)
def test_an_exit_file_that_is_missing_or_odd_means_lost(text: str | None, code: int) -> None:
    assert lifecycle.exit_code_of(text) == code
