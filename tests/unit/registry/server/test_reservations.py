"""What is set aside for uploads, so that all together keep the quotas."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.support.shelf import Shelf

from dockyard.registry.server.blobs import Upload
from dockyard.registry.server.problems import Refused
from dockyard.registry.server.reservations import Reservation, Reservations
from dockyard.registry.server.rules import Quota, Rules

MB = 1 << 20
RULES = Rules(quotas=(Quota("team/**", 10 * MB),))


@pytest.fixture
def reservations(shelf: Shelf) -> Reservations:
    return Reservations(shelf.database, shelf.content, shelf.blobs)


def begun(shelf: Shelf, repository: str = "team/a") -> Upload:
    upload = shelf.blobs.start(repository, "x")
    assert upload is not None
    return upload


def test_of_many_at_once_as_many_get_room_as_there_is(
    shelf: Shelf, reservations: Reservations
) -> None:
    asking = [reservations.open(begun(shelf, f"team/{number}")) for number in range(8)]

    def ask(one: Reservation) -> bool:
        try:
            reservations.extend(one, RULES, 4 * MB)
        except Refused:
            return False
        return True

    with ThreadPoolExecutor(8) as crowd:
        assert sum(crowd.map(ask, asking)) == 2


def test_what_is_no_longer_set_aside_counts_as_its_file(
    shelf: Shelf, reservations: Reservations
) -> None:
    first, second = begun(shelf), begun(shelf)
    Path(shelf.content.upload(first.id)).write_bytes(b"x" * MB)
    one = reservations.open(first)
    reservations.extend(one, RULES, 6 * MB)
    other = reservations.open(second)
    with pytest.raises(Refused, match="quota of 10485760 bytes"):
        reservations.extend(other, RULES, 5 * MB)

    reservations.close(one)
    reservations.close(one)

    reservations.extend(other, RULES, 9 * MB)
    assert other.granted == 9 * MB
    left = reservations.room(RULES, "team/c")
    assert left is not None
    assert left.bytes == 0


def test_what_is_set_aside_too_late_counts_for_nothing(
    shelf: Shelf, reservations: Reservations
) -> None:
    gone = reservations.open(begun(shelf))
    reservations.close(gone)  # while a thread is still at it
    reservations.extend(gone, RULES, 6 * MB)

    left = reservations.room(RULES, "team/c")
    assert left is not None
    assert left.bytes == 10 * MB


def test_what_has_no_known_end_gets_a_fair_part_of_what_is_left(
    shelf: Shelf, reservations: Reservations
) -> None:
    rules = Rules(quotas=(Quota("team/**", 1024 * MB),))
    one = reservations.open(begun(shelf))

    reservations.extend(one, rules, 0, ahead=True)
    assert one.granted == 32 * MB
    reservations.extend(one, RULES, 9 * MB, ahead=True)
    assert one.granted == 10 * MB
    with pytest.raises(Refused):
        reservations.extend(one, RULES, 10 * MB + 1, ahead=True)


def test_where_nothing_is_laid_down_nothing_is_asked(
    shelf: Shelf, reservations: Reservations
) -> None:
    one = reservations.open(begun(shelf, "other/a"))

    assert not reservations.needs(one, RULES, 1 << 50)
    assert reservations.room(RULES, "other/a") is None
    reservations.extend(one, RULES, 1 << 50)
    reservations.admit(one, RULES, 1 << 50)
    with pytest.raises(Refused, match="at most 5 bytes"):
        reservations.admit(one, Rules(max_blob=5), 6)
