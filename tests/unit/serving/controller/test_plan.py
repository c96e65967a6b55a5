"""Which replicas are started, drained and removed."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from dockyard.serving.controller.model import Plan, Replica, State, Wishes
from dockyard.serving.controller.plan import plan

STATES: tuple[State, ...] = ("starting", "ready", "draining", "ended")


def replica(
    number: int, state: State = "ready", template: str = "new", *, unhealthy: bool = False
) -> Replica:
    return Replica(id=f"{number}", name=f"r-{number}", number=number, template=template,
                   state=state, unhealthy=unhealthy)  # fmt: skip


def wishes(replicas: int, may_start: int = 9) -> Wishes:
    return Wishes(replicas=replicas, template="new", may_start=may_start)


def test_what_is_missing_is_started_as_far_as_it_may() -> None:
    assert plan(wishes(3), [replica(1)]) == Plan(start=2)
    assert plan(wishes(3), [replica(1)], pending=1) == Plan(start=1)
    assert plan(wishes(3, may_start=0), [replica(1)]) == Plan()


def test_surplus_replicas_go_those_first_that_do_not_serve() -> None:
    found = plan(wishes(1), [replica(1), replica(2, "starting"), replica(3)])
    assert found == Plan(drain=("3",), remove=("2",))


def test_an_old_one_goes_once_a_new_one_is_ready() -> None:
    old = [replica(1, template="old"), replica(2, template="old")]
    assert plan(wishes(2), old) == Plan(start=1)
    assert plan(wishes(2), [*old, replica(3, "starting")]) == Plan()
    assert plan(wishes(2), [*old, replica(3)]) == Plan(drain=("1",))


def test_where_both_need_one_port_the_old_one_goes_first() -> None:
    alone = Wishes(replicas=1, template="new", may_start=1, alone=True)
    assert plan(alone, []) == Plan(start=1)
    assert plan(alone, [replica(1, template="old")]) == Plan(drain=("1",))
    assert plan(alone, [replica(1, "draining", template="old")]) == Plan()
    assert plan(alone, [replica(1, "ended")]) == Plan(remove=("1",))
    assert plan(alone, [replica(1)]) == Plan()
    assert plan(alone, [replica(1, unhealthy=True)]) == Plan(drain=("1",))


def test_a_paused_one_waits_unless_it_is_not_wanted_any_more() -> None:
    paused = msgspec.structs.replace(replica(1, "draining"), paused=True)
    old = msgspec.structs.replace(paused, template="old")
    assert plan(wishes(1), [paused]) == Plan(start=1)
    assert plan(wishes(1), [paused, replica(2)]) == Plan()
    assert plan(wishes(1), [old, replica(2)]) == Plan(remove=("1",))
    assert plan(wishes(0), [paused]) == Plan(remove=("1",))
    assert plan(wishes(0), [replica(1, "draining")]) == Plan()


def test_one_that_is_unhealthy_is_replaced_before_it_goes() -> None:
    sick = replica(1, unhealthy=True)
    assert plan(wishes(1), [sick]) == Plan(start=1)
    assert plan(wishes(1), [sick, replica(2)]) == Plan(drain=("1",))


def test_none_are_left_where_none_are_wanted() -> None:
    found = plan(wishes(0), [replica(1), replica(2, "starting"), replica(3, "ended")])
    assert found == Plan(drain=("1",), remove=("3", "2"))


@given(
    st.integers(1, 5),
    st.lists(st.tuples(st.sampled_from(STATES), st.sampled_from(["new", "old"]), st.booleans()),
             max_size=8),
    st.integers(0, 3),
)  # fmt: skip
def test_who_serves_is_only_drained_while_enough_others_do(
    wanted: int, found: list[tuple[State, str, bool]], pending: int
) -> None:
    present = [
        replica(number, state, template, unhealthy=unhealthy)
        for number, (state, template, unhealthy) in enumerate(found)
    ]
    made = plan(wishes(wanted), present, pending)
    gone = {*made.drain, *made.remove}
    serving = [each for each in present if each.state == "ready"]
    left = [each for each in serving if each.id not in gone]
    assert len(left) >= min(wanted, len(serving))
    alive = [each for each in present if each.state in {"starting", "ready"}]
    assert len(alive) - len(gone & {each.id for each in alive}) + pending + made.start <= max(
        wanted + 1, len(alive) + pending
    )
