"""Doing things side by side, each as soon as what it waits for is done."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Collection, Iterable, Mapping

from dockyard.errors import DockyardError
from dockyard.system.attentive import next_of

_Ended = queue.SimpleQueue[tuple[str, BaseException | None]]


def in_order(
    needed: Mapping[str, Collection[str]], act: Callable[[str], object], *, parallel: int = -1
) -> None:
    """Does something for each name, once that is done for all that it needs.

    After a failure nothing new is begun; what goes on is waited for, and the first failure raised,
    whose context names the others.

    Args:
        needed: without cycles; what isn't a name itself counts as done.
        parallel: how many at once at most; -1 is without limit.
    """
    waiting = {name: set(each) & needed.keys() for name, each in needed.items()}
    ended: _Ended = queue.SimpleQueue()
    running = 0
    failures: list[BaseException] = []
    while True:
        for name in [name for name, each in waiting.items() if not each]:
            if failures or 0 < parallel <= running:
                break
            del waiting[name]
            threading.Thread(target=_attempt, args=(name, act, ended), daemon=True).start()
            running += 1
        if not running:
            break
        name, error = next_of(ended)
        running -= 1
        failures += [] if error is None else [error]
        for each in waiting.values():
            each.discard(name)
    if failures:
        add_others(failures[0], failures[1:])
        raise failures[0]


def add_others(first: BaseException, others: Iterable[BaseException | None]) -> None:
    """Names in the context of a failure those that came beside it; one that stands alone stays."""
    told = [each.message for each in others if isinstance(each, DockyardError)]
    if isinstance(first, DockyardError) and told:
        lines = [first.context, *(f"also: {message}" for message in dict.fromkeys(told))]
        first.context = "\n".join(line for line in lines if line)


def at_once(names: Iterable[str], act: Callable[[str], object], *, parallel: int = -1) -> None:
    """Does something for all names side by side; see :func:`in_order`."""
    in_order(dict.fromkeys(names, ()), act, parallel=parallel)


def _attempt(name: str, act: Callable[[str], object], ended: _Ended) -> None:
    try:
        act(name)
    except BaseException as error:  # noqa: BLE001  # it is raised where it is waited for
        ended.put((name, error))
    else:
        ended.put((name, None))
