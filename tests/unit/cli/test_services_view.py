"""What ``services`` says of a variant."""

from __future__ import annotations

import pytest

from dockyard.cli import services_view as view
from dockyard.serving.decide.model import Rollout, Step
from dockyard.serving.model import Route, Service, Variant
from dockyard.serving.records import Standing
from dockyard.serving.verbs import Status

NEXT = Variant(name="next", port=80)
SERVICE = Service(
    project="shop", name="web", route=Route(listen="0.0.0.0:80"),
    variants=(Variant(name="web", port=80), NEXT),
)  # fmt: skip
ROLLOUT = Rollout(
    project="shop", service="web", canary="next", steps=(Step(weight=10),), why="began"
)


@pytest.mark.parametrize(
    ("problem", "reason", "said"),
    [
        ("", "", "rollout: began"),
        ("", "next-1 exited with code 3", "next-1 exited with code 3; rollout: began"),
        ("it can't listen", "next-1 exited", "it can't listen; rollout: began"),
    ],
)
def test_what_is_wrong_comes_before_a_rollout(problem: str, reason: str, said: str) -> None:
    standing = Standing(reason=reason, wanted=1)
    status = Status(
        service=SERVICE, variant=NEXT, standing=standing, share=10, rollout=ROLLOUT, problem=problem
    )
    assert view.row(status)["Reason"] == said
    assert view.row(status)["Status"] == ("refused" if problem else "idle")


def test_a_rollout_is_its_canarys_and_while_it_goes_on() -> None:
    over = Rollout(
        project="shop", service="web", canary="next", steps=(Step(weight=10),), state="promoted"
    )
    for variant, rollout in ((SERVICE.variants[0], ROLLOUT), (NEXT, over)):
        status = Status(
            service=SERVICE, variant=variant, standing=Standing(), share=90, rollout=rollout
        )
        assert view.row(status)["Reason"] == ""
