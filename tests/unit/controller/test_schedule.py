"""When the controller looks again, and when it ends."""

from __future__ import annotations

from dockyard.controller import schedule
from dockyard.controller.model import NANOSECONDS, Heartbeat, Outlook
from dockyard.system.host import ProcessIdentity

NOW = 1000 * NANOSECONDS


def test_it_sleeps_until_the_first_moment_but_never_longer_than_a_beat() -> None:
    soon, later = Outlook(1, NOW + NANOSECONDS), Outlook(1, NOW + 2 * NANOSECONDS)

    assert schedule.pause([later, soon, Outlook(1)], NOW, None) == 1
    assert schedule.pause([Outlook(1, NOW - 5)], NOW, None) == 0
    assert schedule.pause([Outlook(1, NOW + 999 * NANOSECONDS)], NOW, None) == 10
    assert schedule.pause([], NOW, None) == 10
    assert schedule.pause([], NOW, NOW + NANOSECONDS // 2) == 0.5


def test_it_ends_when_nothing_is_left_at_once_without_containers() -> None:
    def end(idle: int | None, *, containers: bool = True, standing: bool = False) -> int | None:
        return schedule.end_of_grace(idle, containers=containers, standing=standing)

    assert end(None) is None
    assert end(NOW) == NOW + schedule.GRACE
    assert end(NOW, containers=False) == NOW
    assert end(NOW, containers=False, standing=True) is None


def test_a_heartbeat_grows_stale() -> None:
    beat = Heartbeat(process=ProcessIdentity(1, 2, "boot"), beat=NOW, since=0)

    assert schedule.fresh(beat, NOW + schedule.BEAT)
    assert not schedule.fresh(beat, NOW + schedule.STALE)


def test_what_is_watched_is_added_up() -> None:
    assert schedule.watched([Outlook(), Outlook(2), Outlook(3, 7)]) == 5
