from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.serving.decide import windows
from dockyard.serving.decide.model import History, Sample


def load(sample: Sample) -> float:
    return sample.load


def remembered(*samples: Sample) -> History:
    history = History(replicas=2)
    for sample in samples:
        history = windows.remember(history, sample, sample.at)
    return history


def test_a_mean_is_one_over_time() -> None:
    """Three looks within a second say no more than one."""
    often = [Sample(at, 10.0) for at in (8.2, 8.4, 8.6)]
    samples = (*(Sample(at, 0.0) for at in (2.0, 4.0, 6.0, 8.0)), *often)

    assert windows.mean(samples, 6.0, load) == pytest.approx(10 * 0.6 / 6.0)


def test_a_window_ends_where_it_should() -> None:
    samples = (Sample(0.0, 100.0), Sample(2.0, 0.0), Sample(4.0, 6.0), Sample(6.0, 6.0))

    assert windows.mean(samples, 4.0, load) == 6.0
    assert windows.mean(samples, 5.0, load) == pytest.approx(24 / 5)


def test_a_look_that_came_late_does_not_stand_for_all_that_was_missed() -> None:
    samples = (*(Sample(float(at), 1.0) for at in range(0, 21, 2)), Sample(34.0, 10.0))

    assert windows.mean(samples, 24.0, load) == pytest.approx((10 * 1.0 + 4 * 10.0) / 14)


def test_one_sample_is_its_own_mean() -> None:
    assert windows.mean((Sample(0.0, 3.0),), windows.STABLE, load) == 3.0


@given(st.lists(st.floats(0.001, 10.0), min_size=1, max_size=400), st.floats(0, 50))
def test_looking_often_is_remembered_briefly_and_changes_no_mean(
    pauses: list[float], level: float
) -> None:
    now, history = 0.0, History(replicas=1)
    for pause in pauses:
        now += pause
        history = windows.remember(history, Sample(now, level, level, 1.0), now)

    assert len(history.samples) <= 2 * windows.STABLE / windows.TICK + 3
    assert windows.mean(history.samples, windows.STABLE, load) == pytest.approx(level)
    assert all(now - sample.at < windows.STABLE for sample in history.samples)


def test_what_is_joined_keeps_its_mean_and_its_requests() -> None:
    history = remembered(
        Sample(0.0, 0.0), Sample(0.2, 4.0, 1.0, 1.0), Sample(0.8, 8.0, 0.0, 2.0), Sample(2.8, 0.0)
    )

    assert [sample.at for sample in history.samples] == [0.0, 0.8, 2.8]
    assert history.samples[1].load == pytest.approx((4.0 * 0.2 + 8.0 * 0.6) / 0.8)
    assert history.samples[1].came == 3.0
    assert history.samples[1].requests > 0


def test_short_requests_keep_a_variant_busy() -> None:
    """None of them is there at the moment of a look."""
    history = remembered(*(Sample(2.0 * n, 0.0, 0.0, 1.0) for n in range(10)))

    assert history.busy_at == 18.0
    assert windows.remember(history, Sample(20.0, 0.0), 20.0).busy_at == 18.0


@pytest.mark.parametrize("at", [1000.0 + windows.GAP + 1, 2000.0, 900.0, 0.0])
def test_after_a_gap_or_a_step_of_the_clock_the_past_is_dropped(at: float) -> None:
    before = remembered(*(Sample(980.0 + 2 * n, 50.0, 50.0) for n in range(11)))
    history = windows.remember(before, Sample(at, 1.0), at)

    assert history.samples == (Sample(at, 1.0),)
    assert history.hold_until == at + windows.STABLE
    assert history.busy_at == at
    assert history.panic_since is None


def test_at_zero_a_gap_holds_nothing() -> None:
    """There is nothing that could be taken away by mistake: the grace is as long as ever."""
    before = History(samples=(Sample(0.0, 0.0),), replicas=0)

    assert windows.remember(before, Sample(5000.0, 1.0, 1.0), 5000.0).hold_until == 0.0


def test_a_sample_from_the_future_is_from_now() -> None:
    assert windows.remember(History(), Sample(12.0, 1.0), 10.0).samples[0].at == 10.0
