from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.errors import InvalidInput, NotFound
from dockyard.serving.decide import traffic
from dockyard.serving.decide.model import Rollout, Step
from dockyard.serving.gateway.model import Leg
from dockyard.serving.model import Route, Scale, Service, Variant

ALL = frozenset({"embed", "next", "third"})


def service(*weights: int, shadow: bool = False, low: int = 0) -> Service:
    names = ("embed", "next", "third")
    variants = [
        Variant(name=name, port=8000, weight=weight, scale=Scale(min=low, max=4))
        for name, weight in zip(names, weights, strict=False)
    ]
    if shadow:
        variants.append(Variant(name="mirror", port=8000, weight=50, shadow=True))
    return Service(
        project="p", name="embed", route=Route(listen="127.0.0.1:80"), variants=tuple(variants)
    )


def rollout(share: int, **before: int) -> Rollout:
    return Rollout(
        project="p", service="embed", canary="next", steps=(Step(weight=share),), before=before
    )


def split(
    of: Service, said: dict[str, int] | None = None, ready: frozenset[str] = ALL,
    on_its_way: Rollout | None = None,
) -> dict[str, int]:  # fmt: skip
    return {leg.variant: leg.weight for leg in traffic.legs(of, said or {}, ready, on_its_way)}


def test_the_file_says_it() -> None:
    assert split(service(90, 10)) == {"embed": 9, "next": 1}


def test_what_was_set_stands_above_the_file() -> None:
    assert split(service(90, 10), {"embed": 50, "next": 50}) == {"embed": 1, "next": 1}
    assert split(service(90, 10), {"next": 1}) == {"embed": 0, "next": 1}


def test_what_was_set_for_variants_that_are_gone_counts_for_nothing() -> None:
    assert split(service(90, 10), {"gone": 100}) == {"embed": 9, "next": 1}
    assert split(service(90, 10), {"embed": 0, "gone": 100}) == {"embed": 9, "next": 1}


def test_a_rollout_stands_above_both() -> None:
    found = split(service(90, 10), {"embed": 1}, ALL, rollout(25, embed=100, next=0))

    assert found == {"embed": 3, "next": 1}


def test_the_others_keep_their_proportion_in_a_rollout() -> None:
    on_its_way = rollout(10, embed=70, third=30)
    found = traffic.legs(service(10, 0, 90), {}, ALL, on_its_way)

    assert traffic.percentages(found) == pytest.approx({"embed": 63, "next": 10, "third": 27})


def test_a_variant_gets_nothing_before_it_was_ready() -> None:
    """kserve#5983: a canary that was still starting got its part, and answered 503."""
    ready = frozenset({"embed", "third"})

    assert split(service(60, 10, 30), ready=ready) == {"embed": 2, "next": 0, "third": 1}
    on_its_way = rollout(50, embed=100, next=0)
    assert split(service(100, 0), {}, ready, on_its_way) == {"embed": 1, "next": 0}


def test_the_services_own_version_gets_its_part_though_no_request_started_it_yet() -> None:
    ready = frozenset({"next"})

    assert split(service(90, 10), ready=ready) == {"embed": 9, "next": 1}
    assert split(service(100, 0), {}, ready, rollout(10, embed=100, next=0)) == {
        "embed": 9, "next": 1,
    }  # fmt: skip
    assert split(service(100, 0), ready=ready) == {"embed": 1, "next": 0}


@pytest.mark.parametrize(
    ("weights", "ready", "gets"),
    [
        ((100, 0), frozenset[str](), "embed"),
        ((90, 10), frozenset[str](), "embed"),
        ((0, 10), frozenset[str](), "next"),
        ((0, 10), frozenset({"embed"}), "embed"),
        ((0, 0), frozenset[str](), "embed"),
    ],
)
def test_somebody_always_answers(
    weights: tuple[int, int], ready: frozenset[str], gets: str
) -> None:
    """The activator holds what comes for one that isn't ready."""
    assert split(service(*weights), ready=ready) == {
        name: int(name == gets) for name in ("embed", "next")
    }


def test_a_shadow_gets_none_of_it() -> None:
    assert split(service(100, 0, shadow=True)) == {"embed": 1, "next": 0}


WEIGHTS = st.lists(st.integers(0, traffic.MAX_WEIGHT), min_size=3, max_size=3)


@given(WEIGHTS, WEIGHTS, st.sets(st.sampled_from(sorted(ALL))), st.integers(1, 100))
def test_weights_are_whole_and_sum_up(
    weights: list[int], before: list[int], ready: set[str], share: int
) -> None:
    """Envoy takes 32 bits for their sum."""
    names = ("embed", "next", "third")
    on_its_way = rollout(share, **dict(zip(names, before, strict=True)))
    for made in (None, on_its_way):
        found = traffic.legs(service(*weights), {}, ready, made)
        total = sum(leg.weight for leg in found)

        assert 0 < total < 2**32
        assert all(leg.weight >= 0 for leg in found)
        if ready == ALL and made is not None:
            part = traffic.percentages(found)["next"]
            assert part == pytest.approx(share if before[0] + before[2] else 100)


def test_a_rollout_holds_its_canary() -> None:
    of = service(100, 0)
    on_its_way = rollout(10, embed=100, next=0)
    embed, canary = of.variants

    assert traffic.held(of, canary, {}, ALL, on_its_way).min == 1
    assert traffic.held(of, embed, {}, ALL, on_its_way).min == 0
    assert traffic.held(of, canary, {}, ALL).min == 0


def test_a_variant_that_is_to_get_traffic_is_started_once() -> None:
    """It gets none before it was ready, so no request would ever start it."""
    of = service(90, 10)
    embed, beside = of.variants

    assert traffic.held(of, beside, {}, frozenset({"embed"})).min == 1
    assert traffic.held(of, beside, {}, ALL).min == 0
    assert traffic.held(of, embed, {}, frozenset()).min == 0


def test_a_variant_without_weight_may_go_to_zero() -> None:
    of = service(100, 0)

    assert traffic.held(of, of.variants[1], {}, frozenset()).min == 0


def test_what_is_set_names_every_variant() -> None:
    assert traffic.checked(service(90, 10), {"next": 10}) == {"embed": 0, "next": 10}


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"embed": -1, "next": 2}, "the weight of embed is -1"),
        ({"embed": 10**9}, "the weight of embed is 1000000000"),
        ({"embed": 0, "next": 0}, "nothing of embed would get traffic"),
        ({"embed": 1, "mirror": 1}, "mirror is a shadow"),
    ],
)
def test_a_split_that_makes_no_sense(weights: dict[str, int], message: str) -> None:
    with pytest.raises(InvalidInput, match=message) as caught:
        traffic.checked(service(90, 10, shadow=True), weights)

    assert caught.value.hint


def test_an_unknown_variant_is_named_with_what_there_is() -> None:
    with pytest.raises(NotFound, match="embed has no variant 'nxt'") as caught:
        traffic.checked(service(90, 10, shadow=True), {"nxt": 1})

    assert caught.value.hint == "its variants are embed, next"


def test_percentages_of_legs() -> None:
    legs = (Leg(variant="a", weight=3), Leg(variant="b", weight=1))

    assert traffic.percentages(legs) == {"a": 75.0, "b": 25.0}
