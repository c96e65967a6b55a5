"""Which request goes to which replica, whatever comes, goes and fails in whatever order."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from dockyard.serving.activator.dispatch import Dispatch
from dockyard.serving.gateway.model import Backend

BACKENDS = [Backend("r", port) for port in range(4)]
some = st.lists(st.sampled_from(BACKENDS), unique=True)


def grants(dispatch: Dispatch) -> list[tuple[int, Backend]]:
    """All that there is to give."""
    found = []
    while (grant := dispatch.grant()) is not None:
        found.append((grant.number, grant.backend))
    return found


def test_the_least_loaded_replica_is_next_and_equals_take_turns() -> None:
    dispatch = Dispatch()
    dispatch.list(BACKENDS[:3], ())

    first = [dispatch.take() for _ in range(6)]
    assert sorted(filter(None, first)) == sorted([*BACKENDS[:3]] * 2)
    dispatch.release(BACKENDS[1])
    assert dispatch.take() == BACKENDS[1]


def test_a_probed_replica_counts_once_it_is_marked() -> None:
    dispatch = Dispatch()
    dispatch.list((), BACKENDS[:1])

    assert dispatch.take() is None
    assert dispatch.unready() == BACKENDS[:1]
    dispatch.mark(BACKENDS[0], ready=True)
    assert dispatch.take() == BACKENDS[0]
    dispatch.list(BACKENDS[:1], ())
    assert dispatch.take() == BACKENDS[0], "the controller heard of it as well"


def test_a_replica_that_the_controller_doubts_has_to_answer_again() -> None:
    dispatch = Dispatch()
    dispatch.list(BACKENDS[:1], ())
    dispatch.list((), BACKENDS[:1])

    assert dispatch.take() is None


def test_a_failed_replica_stays_failed_until_it_answers() -> None:
    dispatch = Dispatch()
    dispatch.list(BACKENDS[:1], ())
    dispatch.mark(BACKENDS[0], ready=False)
    dispatch.list(BACKENDS[:2], ())

    assert [dispatch.take(), dispatch.take()] == [BACKENDS[1]] * 2
    assert dispatch.unready() == [BACKENDS[0]]


def test_one_that_comes_back_after_it_was_removed_is_new() -> None:
    dispatch = Dispatch()
    dispatch.list(BACKENDS[:1], ())
    dispatch.mark(BACKENDS[0], ready=False)
    dispatch.list((), ())
    dispatch.list(BACKENDS[:1], ())

    assert dispatch.take() == BACKENDS[0]


def test_who_waits_again_goes_before_those_who_came_later() -> None:
    dispatch = Dispatch(concurrency=1, bound=1)
    dispatch.list(BACKENDS[:2], ())
    assert dispatch.take()
    assert dispatch.take()
    assert dispatch.wait(3)
    dispatch.wait_again(2)
    dispatch.wait_again(1)
    for backend in BACKENDS[:2]:
        dispatch.release(backend)

    assert [number for number, _ in grants(dispatch)] == [1, 2]
    assert not dispatch.wait(4)


class Machine(RuleBasedStateMachine):
    """Against a model that is a list."""

    def __init__(self) -> None:
        super().__init__()
        self.dispatch = Dispatch()
        self.waiting: list[int] = []
        self.active: list[tuple[int, Backend]] = []
        self.listed: set[Backend] = set()
        self.numbers = 0

    def settle(self) -> None:
        """All that can be given is given, in the order of arrival."""
        for number, backend in grants(self.dispatch):
            assert number == min(self.waiting)
            assert backend in self.listed
            self.waiting.remove(number)
            self.began(number, backend)

    def began(self, number: int, backend: Backend) -> None:
        limit = self.dispatch.concurrency
        assert not limit or self.load(backend) < limit
        self.active.append((number, backend))

    def load(self, backend: Backend) -> int:
        return sum(each == backend for _, each in self.active)

    @rule(concurrency=st.integers(0, 3), bound=st.integers(0, 5))
    def limits(self, concurrency: int, bound: int) -> None:
        self.dispatch.concurrency = concurrency
        self.dispatch.bound = bound
        self.settle()

    @rule(backends=some, probing=some)
    def list(self, backends: list[Backend], probing: list[Backend]) -> None:
        self.listed = {*backends, *probing}
        self.dispatch.list(backends, probing)
        self.settle()

    @rule(backend=st.sampled_from(BACKENDS), ready=st.booleans())
    def mark(self, backend: Backend, ready: bool) -> None:
        self.dispatch.mark(backend, ready=ready)
        self.settle()

    @rule()
    def arrive(self) -> None:
        self.numbers += 1
        backend = self.dispatch.take()
        if backend is not None:
            assert not self.waiting, "nobody overtakes"
            assert backend in self.listed
            self.began(self.numbers, backend)
            return
        full = len(self.waiting) >= self.dispatch.bound
        assert self.dispatch.wait(self.numbers) is not full
        if not full:
            self.waiting.append(self.numbers)

    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        if self.waiting:
            number = data.draw(st.sampled_from(self.waiting))
            self.waiting.remove(number)
            self.dispatch.leave(number)

    @rule(data=st.data(), again=st.booleans())
    def end(self, data: st.DataObject, again: bool) -> None:
        if not self.active:
            return
        number, backend = data.draw(st.sampled_from(self.active))
        self.active.remove((number, backend))
        self.dispatch.release(backend)
        if again:
            self.waiting.append(number)
            self.dispatch.wait_again(number)
        self.settle()

    @invariant()
    def nothing_is_lost(self) -> None:
        assert self.dispatch.waiting == len(self.waiting)
        assert self.dispatch.active == len(self.active)
        assert [self.dispatch.load(one) for one in BACKENDS] == [self.load(one) for one in BACKENDS]

    @invariant()
    def nobody_waits_in_vain(self) -> None:
        limit = self.dispatch.concurrency
        room = [
            backend for backend in self.listed - set(self.dispatch.unready())
            if not limit or self.load(backend) < limit
        ]  # fmt: skip
        assert not (self.waiting and room)


TestMachine = Machine.TestCase
