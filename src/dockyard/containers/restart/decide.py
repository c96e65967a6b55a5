"""Docker's rules for restarting a container. Pure.

See "Start containers automatically" in Docker's documentation. The wait before a restart doubles
from 100 ms to a minute and begins anew once a container has run for 10 seconds.
"""

from __future__ import annotations

import msgspec

from dockyard.containers.model import Container, Restarts
from dockyard.containers.options import Options, Restart
from dockyard.errors import InvalidInput

SECOND = 10**9
FIRST_WAIT = SECOND // 10
LONGEST_WAIT = 60 * SECOND
LONG_RUN = 10 * SECOND


def check(options: Options) -> None:
    """Refuses a policy for a container that is removed at its end.

    Raises:
        InvalidInput: in Docker's words.
    """
    if options.remove and options.restart.policy != "no":
        raise InvalidInput(
            "conflicting options: cannot specify both --restart and --rm",
            hint="leave one out: what is removed at its end can't be restarted",
            exit_code=125,
        )


def after_end(
    policy: Restart, known: Restarts, *, exit_code: int, ran: int, by_hand: bool, now: int
) -> Restarts | None:
    """How a container that has just ended goes on; ``None`` where it stays down.

    Args:
        ran: how long it ran, in nanoseconds.
        by_hand: a command ended it.
        now: nanoseconds since 1970.
    """
    if by_hand or not wants(policy, known.count, exit_code):
        return None
    wait = next_wait(0 if ran >= LONG_RUN else known.wait)
    return msgspec.structs.replace(
        known, count=known.count + 1, wait=wait, due=now + wait, exit_code=exit_code
    )


def wants(policy: Restart, count: int, exit_code: int) -> bool:
    """Whether the policy restarts what ended with this code after so many restarts."""
    match policy.policy:
        case "no":
            return False
        case "always" | "unless-stopped":
            return True
        case "on-failure":
            return exit_code != 0 and not 0 < policy.max_retries <= count


def next_wait(last: int) -> int:
    """Nanoseconds to wait, after ``last`` (0: none yet)."""
    return FIRST_WAIT if last == 0 else min(last * 2, LONGEST_WAIT)


def comes_back(container: Container) -> bool:
    """Whether the start of the host starts a container that isn't running.

    ``always`` comes back even where a command stopped it, as with Docker's daemon. One that never
    ran doesn't.
    """
    if container.state not in {"exited", "restarting"}:
        return False
    match container.options.restart.policy:
        case "always":
            return True
        case "unless-stopped":
            return not container.stopped_by_hand
        case "no" | "on-failure":
            return False
