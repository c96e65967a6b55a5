from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dockyard.serving.decide import placement
from dockyard.serving.decide.placement import Grant, Machine, Need

GIB = 1 << 30


def machine(available: float, *, total: float = 16.0, cpus: float = 4.0) -> Machine:
    """Sizes in GiB."""
    return Machine(memory_total=int(total * GIB), memory_available=int(available * GIB), cpus=cpus)


def need(
    name: str, wanted: int, running: int = 0, *, size: float = 2.0, used: float | None = None,
    low: int = 0, limit: float = 0.0,
) -> Need:  # fmt: skip
    """Its replicas take all that they are counted with, where nothing is said of it."""
    taken = running * size if used is None else used
    return Need(
        name=name, wanted=wanted, running=running, min=low, memory_limit=int(size * GIB),
        memory_used=int(taken * GIB), cpus_limit=limit,
    )  # fmt: skip


SPARED = 0.8
"""GiB of 16 that stay free."""


def granted(grants: dict[str, Grant]) -> dict[str, int]:
    return {name: grant.replicas for name, grant in grants.items()}


def test_all_that_is_wanted_where_it_fits() -> None:
    grants = placement.allot(machine(15), [need("a", 3), need("b", 2)])

    assert grants == {"a": Grant(3), "b": Grant(2)}


def test_what_does_not_fit_says_so_with_figures() -> None:
    grants = placement.allot(machine(1.2 + SPARED), [need("embed", 8, running=3)])

    assert grants["embed"] == Grant(
        3, "embed needs 2.0 GiB for one more replica, 1.2 GiB are free: 3 of 8 replicas run"
    )


def test_small_sizes_are_in_mebibytes() -> None:
    refused = placement.allot(machine(1.0), [need("ocr", 2, size=0.25)])["ocr"]

    assert refused.why == (
        "ocr needs 256 MiB for one more replica, 205 MiB are free: 0 of 2 replicas run"
    )


def test_what_running_replicas_may_still_take_is_set_aside() -> None:
    """Three of 2 GiB that use 0.5 each: only what their limits leave is free."""
    few = placement.allot(machine(7.0 + SPARED), [need("a", 8, running=3, used=1.5)])
    more = placement.allot(machine(7.0 + SPARED), [need("a", 8, running=3)])

    assert (few["a"].replicas, more["a"].replicas) == (4, 6)


def test_without_a_limit_what_was_seen_counts() -> None:
    seen = Need(name="a", wanted=9, running=1, memory_peak=3 * GIB, memory_used=3 * GIB)
    unseen = Need(name="a", wanted=9)

    assert placement.allot(machine(6.5 + SPARED), [seen])["a"].replicas == 3
    assert placement.size(unseen) == placement.UNKNOWN


def test_each_gets_the_same_part_of_what_it_wants() -> None:
    grants = placement.allot(machine(12 + SPARED), [need("a", 8), need("b", 4)])

    assert granted(grants) == {"a": 4, "b": 2}


def test_minimums_come_first() -> None:
    grants = placement.allot(machine(8 + SPARED), [need("a", 8), need("b", 3, low=3)])

    assert granted(grants) == {"a": 1, "b": 3}


def test_who_has_none_is_made_room_for_by_who_has_most() -> None:
    """It gets its replica when the other's has ended, and the giver doesn't take it back."""
    first = [need("a", 8, running=4), need("b", 2, running=2), need("c", 1)]
    grants = placement.allot(machine(1 + SPARED), first)

    assert granted(grants) == {"a": 3, "b": 2, "c": 0}
    assert grants["a"].why == "a gives way to c, which has too few"
    assert grants["c"].why.endswith("0 of 1 replicas run; waits until others have ended")

    then = [need("a", 8, running=3), need("b", 2, running=2), need("c", 1)]
    assert granted(placement.allot(machine(3 + SPARED), then)) == {"a": 3, "b": 2, "c": 1}

    last = [need("a", 8, running=3), need("b", 2, running=2), need("c", 1, running=1)]
    assert granted(placement.allot(machine(1 + SPARED), last)) == {"a": 3, "b": 2, "c": 1}


def test_what_is_made_room_for_nobody_else_takes() -> None:
    needs = [need("a", 8, running=4), need("b", 9, running=1, size=0.25), need("c", 1)]

    assert granted(placement.allot(machine(1 + SPARED), needs)) == {"a": 3, "b": 1, "c": 0}


def test_nobody_gives_way_for_nothing() -> None:
    """Even all that can be given up would not be enough."""
    needs = [need("a", 3, running=3, size=1.0), need("b", 1, size=8.0)]

    assert granted(placement.allot(machine(1 + SPARED), needs)) == {"a": 3, "b": 0}


def test_what_is_ending_anyway_is_waited_for() -> None:
    needs = [need("a", 1, running=3), need("b", 4, running=2), need("c", 1)]

    assert granted(placement.allot(machine(0.5 + SPARED), needs)) == {"a": 1, "b": 2, "c": 0}


def test_what_the_machine_never_has_is_no_reason_to_give_way() -> None:
    needs = [need("a", 8, running=4), need("b", 1, size=40.0), need("c", 1, limit=8.0)]
    grants = placement.allot(machine(1 + SPARED), needs)

    assert granted(grants) == {"a": 4, "b": 0, "c": 0}
    assert grants["b"].why == "b needs 40.0 GiB for a replica, the machine has 15.2 GiB"
    assert grants["c"].why == "c asks for 8 processors, the machine has 4"
    assert {name for name, one in grants.items() if one.never} == {"b", "c"}
    assert placement.possible(machine(1), need("b", 1, running=1, size=40.0), 1) == Grant(
        1, grants["b"].why, never=True
    ), "what takes the place of one that runs"


def test_limits_of_processors_may_be_more_together_than_the_machine_has() -> None:
    limited = placement.allot(machine(15), [need("a", 6, size=1.0, limit=1.5)])

    assert limited["a"].replicas == 6


@st.composite
def needs_of_many(draw: st.DrawFn) -> list[Need]:
    """Up to six variants, with anything running already."""
    found = []
    for number in range(draw(st.integers(1, 6))):
        low, running = draw(st.integers(0, 3)), draw(st.integers(0, 9))
        size = draw(st.integers(1, 4096)) << 20
        found.append(
            Need(
                name=str(number), wanted=max(draw(st.integers(0, 9)), low), running=running,
                min=low, memory_limit=size, memory_used=int(running * size * draw(st.floats(0, 1))),
            )
        )  # fmt: skip
    return found


@given(needs_of_many(), st.floats(0.1, 16))
def test_what_is_new_fits_beside_all_that_runs(needs: list[Need], available: float) -> None:
    host = machine(available)
    grants = placement.allot(host, needs)
    new = sum(
        max(grants[one.name].replicas - one.running, 0) * placement.size(one) for one in needs
    )

    assert new == 0 or new <= host.memory_available - placement.LEAST_SPARED
    assert all(0 <= grants[one.name].replicas <= max(one.wanted, one.min) for one in needs)
    assert all(
        grants[one.name].why for one in needs
        if grants[one.name].replicas < max(one.wanted, one.min)
    )  # fmt: skip
