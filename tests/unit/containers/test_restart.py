"""Docker's restart policies, without a container."""

from __future__ import annotations

import msgspec
import pytest

from dockyard import arguments
from dockyard.containers.model import Container, Options, Restarts, State
from dockyard.containers.options import Restart, RestartPolicy
from dockyard.containers.restart import decide
from dockyard.containers.restart.decide import SECOND
from dockyard.errors import InvalidInput

NOW = 1_000_000 * SECOND


def after(
    policy: Restart, known: Restarts | None = None, *, code: int = 1, ran: int = 0,
    by_hand: bool = False,
) -> Restarts | None:  # fmt: skip
    return decide.after_end(
        policy, known or Restarts(), exit_code=code, ran=ran, by_hand=by_hand, now=NOW
    )


@pytest.mark.parametrize(
    ("policy", "code", "restarts"),
    [
        ("no", 1, False), ("no", 0, False), ("always", 0, True), ("always", 1, True),
        ("unless-stopped", 0, True), ("on-failure", 0, False), ("on-failure", 137, True),
    ],
)  # fmt: skip
def test_who_is_restarted(policy: RestartPolicy, code: int, restarts: bool) -> None:
    assert (after(Restart(policy=policy), code=code) is not None) == restarts


@pytest.mark.parametrize("policy", ["always", "unless-stopped", "on-failure"])
def test_what_a_command_ended_stays_down(policy: RestartPolicy) -> None:
    assert after(Restart(policy=policy), by_hand=True) is None


def test_retries_are_counted() -> None:
    policy = Restart(policy="on-failure", max_retries=3)
    known: Restarts | None = Restarts()
    counts = []
    while known is not None:
        counts.append(known.count)
        known = after(policy, known, code=7)

    assert counts == [0, 1, 2, 3]


def test_the_wait_doubles_up_to_a_minute_and_begins_anew_after_a_long_run() -> None:
    known = Restarts()
    waits = []
    for _ in range(12):
        following = after(Restart(policy="always"), known)
        assert following is not None
        assert following.due == NOW + following.wait
        known = following
        waits.append(known.wait / SECOND)

    assert waits == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 60, 60]
    short = after(Restart(policy="always"), known, ran=10 * SECOND - 1)
    long = after(Restart(policy="always"), known, ran=10 * SECOND)
    assert short is not None
    assert long is not None
    assert (short.wait, long.wait) == (60 * SECOND, SECOND // 10)
    assert long.count == 13


def ended(policy: RestartPolicy, state: State, *, by_hand: bool) -> Container:
    return Container(
        id="a" * 64, name="box", image_id="i", image_name="i", state=state, created=0,
        options=Options(restart=Restart(policy=policy)), stopped_by_hand=by_hand,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("policy", "by_hand", "back"),
    [
        ("always", False, True), ("always", True, True), ("unless-stopped", False, True),
        ("unless-stopped", True, False), ("on-failure", False, False), ("no", False, False),
    ],
)  # fmt: skip
def test_who_comes_back_with_the_host(policy: RestartPolicy, by_hand: bool, back: bool) -> None:
    assert decide.comes_back(ended(policy, "exited", by_hand=by_hand)) == back
    assert not decide.comes_back(ended(policy, "created", by_hand=by_hand))
    assert not decide.comes_back(ended(policy, "running", by_hand=by_hand))


@pytest.mark.parametrize(
    ("text", "policy", "retries"),
    [
        ("no", "no", 0), ("", "no", 0), ("always", "always", 0), ("always:0", "always", 0),
        ("unless-stopped", "unless-stopped", 0), ("on-failure", "on-failure", 0),
        ("on-failure:3", "on-failure", 3),
    ],
)  # fmt: skip
def test_policies_are_read(text: str, policy: RestartPolicy, retries: int) -> None:
    assert arguments.parse_restart(text) == Restart(policy=policy, max_retries=retries)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sometimes", "unknown policy 'sometimes'"), ("on-failure:x", "must be an integer"),
        ("always:3", "can only be used with 'on-failure'"), (":3", "no policy provided"),
        ("on-failure:-1", "cannot be negative"), ("on-failure:", "must be an integer"),
    ],
)  # fmt: skip
def test_other_policies_are_refused_in_dockers_words(text: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as caught:
        arguments.parse_restart(text)
    assert caught.value.exit_code == 125


def test_a_record_from_before_there_were_policies_is_read() -> None:
    record = msgspec.json.encode(ended("no", "exited", by_hand=False))
    old = {k: v for k, v in msgspec.json.decode(record).items()
           if k not in {"restarts", "stopped_by_hand"}}  # fmt: skip

    assert msgspec.convert(old, Container).restarts == Restarts()
