"""``rollout start``: from its options to when a canary is worse."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from dockyard.serving.decide import rollout
from dockyard.serving.decide.model import Criteria, Rollout, Step

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def begun(engine: Any) -> list[Rollout]:
    """What begins."""
    found: list[Rollout] = []

    def begin(canary: str, steps: Sequence[Step], criteria: Criteria) -> Rollout:
        before = {"web": 100, canary: 0}
        found.append(
            rollout.begin("demo", "web", canary, before, 0.0, steps=steps, criteria=criteria)
        )
        return found[-1]

    engine.services = SimpleNamespace(begin_rollout=begin)
    return found


def test_options_are_criteria_and_steps(dockyard: Call, begun: list[Rollout]) -> None:
    code, out, err = dockyard(
        "rollout", "start", "--steps", "5,50%", "--pause", "2m", "--requests", "80",
        "--confidence", "0.99", "--error-margin", "0", "--latency-factor=2", "next",
    )  # fmt: skip
    assert (code, out) == (0, "rollout of next for web: 5 % at first\n"), err
    assert begun[0].criteria == Criteria(
        requests=80, confidence=0.99, error_margin=0.0, latency_factor=2.0
    )
    assert begun[0].steps == (Step(weight=5, pause=120.0), Step(weight=50, pause=120.0))


def test_without_options_the_usual_ones_hold(dockyard: Call, begun: list[Rollout]) -> None:
    assert dockyard("rollout", "start", "next")[0] == 0
    assert (begun[0].criteria, begun[0].steps) == (Criteria(), rollout.DEFAULT_STEPS)


@pytest.mark.parametrize(("words", "said"), [
    (("--confidence", "1"), "confidence from 0.5 to below 1"),
    (("--confidence", "much"), "it is not a decimal number"),
    (("--error-margin", "-0.1"), "it is not a decimal number"),
    (("--error-margin", "1.5"), "error_margin from 0 to below 1"),
    (("--latency-factor", "0.9"), "latency_factor from 1"),
    (("--latency-factor", "9" * 400), "latency_factor from 1"),
    (("--latency-factor", "nan"), "it is not a decimal number"),
    (("--requests", "0"), "no number of requests: 0"),
])  # fmt: skip
def test_what_makes_no_sense_is_refused(
    dockyard: Call, begun: list[Rollout], words: tuple[str, ...], said: str
) -> None:
    code, _, err = dockyard("rollout", "start", *words, "next")
    assert code != 0
    assert said in err
    assert begun == []
