"""Does actions, each after those that it has to follow, several at once.

Knows nothing of what they do. What waits for a condition takes no thread: it is looked at now and
then. The first failure keeps what hasn't begun from beginning.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Final

from dockyard.compose import together
from dockyard.compose.actions import Action, Await, Pause
from dockyard.errors import DockyardError
from dockyard.system.attentive import LOOK_SECONDS

PARALLEL: Final = 8
"""More at once make nothing faster on a machine with few processors."""
_POLL_SECONDS: Final = 0.05
Waiting = Await | Pause
"""What is looked at until it has come, and takes no thread."""


class Late(DockyardError):
    """What was waited for didn't come in time: ``waiting``."""

    reference = "timeout"
    waiting: tuple[Waiting, ...] = ()


def never() -> bool:
    """For what nobody breaks off."""
    return False


def run(
    stage: Sequence[Action],
    perform: Callable[[Action], object],
    arrived: Callable[[Waiting], bool],
    *,
    parallel: int = 0,
    deadline: float | None = None,
    cancelled: Callable[[], bool] = never,
) -> None:
    """Does all actions of a stage.

    Args:
        perform: does one; called in several threads.
        arrived: whether what is waited for has come; called in this thread.
        parallel: how many are done at once; 0 for as many as do good.
        deadline: when to give up waiting, by the monotonic clock.
        cancelled: once it says so nothing more is begun or waited for, which is no failure; called
            in several threads.

    Raises:
        Late: what is waited for hasn't come by the deadline.
        RuntimeError: two actions that differ have one key, or some follow each other in a circle.
        Exception: whatever the first action that failed raised, once those that had begun are
            over; its context names the others.
    """
    pending = _by_key(stage)
    waiting: dict[str, Waiting] = {}
    running: dict[Future[object], str] = {}
    pool = ThreadPoolExecutor(parallel if parallel > 0 else PARALLEL, thread_name_prefix="compose")
    try:
        while pending or running or waiting:
            if cancelled():
                pending.clear()
                waiting.clear()
            for action in _ready(pending, (*waiting, *running.values())):
                del pending[action.key]
                if isinstance(action, Waiting):
                    waiting[action.key] = action
                else:
                    running[pool.submit(_unless, cancelled, perform, action)] = action.key
            if pending and not running and not waiting:
                raise RuntimeError(f"actions that follow each other: {', '.join(pending)}")
            for key in [key for key, action in waiting.items() if arrived(action)]:
                del waiting[key]
            _rest(running, looking=bool(waiting))
            for future in [each for each in running if each.done()]:
                del running[future]
                future.result()
            if waiting and deadline is not None and time.monotonic() > deadline:
                raise _late(waiting.values())
    except DockyardError as error:
        pool.shutdown(cancel_futures=True)
        together.add_others(error, [each.exception() for each in running if not each.cancelled()])
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _by_key(stage: Sequence[Action]) -> dict[str, Action]:
    found: dict[str, Action] = {}
    for action in stage:
        if found.setdefault(action.key, action) != action:
            raise RuntimeError(f"several actions have the key {action.key}")
    return found


def _unless(
    cancelled: Callable[[], bool], perform: Callable[[Action], object], action: Action
) -> None:
    if not cancelled():
        perform(action)


def _ready(pending: dict[str, Action], begun: Iterable[str]) -> list[Action]:
    left = {*pending, *begun}
    return [action for action in pending.values() if left.isdisjoint(action.after)]


def _rest(running: dict[Future[object], str], *, looking: bool) -> None:
    """Waits for something to be over, or until it is time to look again."""
    if running:
        seconds = _POLL_SECONDS if looking else LOOK_SECONDS  # then the caller looks again
        wait(running, timeout=seconds, return_when=FIRST_COMPLETED)
    elif looking:
        time.sleep(_POLL_SECONDS)


def _late(waiting: Iterable[Waiting]) -> Late:
    left = tuple(waiting)
    names = sorted({name for action in left for name in action.names})
    error = Late(
        f"timeout waiting for {', '.join(names)}",
        hint="look at what they say: dockyard compose logs; --wait-timeout sets the time",
    )
    error.waiting = left
    return error
