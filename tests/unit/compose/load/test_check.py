"""Trees against the specification: what is wrong, where, and what may have been meant."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from dockyard.compose.load.check import check, problems
from dockyard.compose.load.place import Place, Places
from dockyard.errors import InvalidInput

NOWHERE = Places()


def service(**properties: object) -> dict[str, Any]:
    return {"services": {"web": {"image": "nginx", **properties}}}


def wrong(tree: dict[str, Any]) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        check(tree, NOWHERE)
    return caught.value


def test_what_the_specification_has_passes() -> None:
    tree = service(ports=["80", 81, {"target": 82}], build={"context": "."}, **{"x-own": [1]})

    check({**tree, "networks": {"back": None}, "x-own": None, "version": "3"}, NOWHERE)


def test_the_place_is_said() -> None:
    places = Places({("services", "web", "ports", 1): Place("compose.yaml", 7, 9)})

    with pytest.raises(InvalidInput) as caught:
        check(service(ports=["80", True]), places)

    assert caught.value.message == (
        "compose.yaml:7:9: services.web.ports[1]: must be a number, a text or a mapping, not true"
    )


def test_an_unknown_property_is_compared_with_those_that_are_known() -> None:
    error = wrong(service(enviroment={}))

    assert error.message == "services.web.enviroment: a service has no property 'enviroment'"
    assert error.hint == "did you mean 'environment'?"


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"services": []}, "services: must be a mapping, not a list"),
        ({"servics": {}}, "servics: a Compose file has no property 'servics'"),
        ({"services": {"a b": {}}}, "services.a b: 'a b' can't be a name"),
        ({"services": {"web": None}}, "services.web: must be a mapping, not null"),
        (service(image=1), "services.web.image: must be a text, not the number 1"),
        (service(cap_add=["A", "A"]), "services.web.cap_add[1]: 'A' is there already, as number 0"),
        (service(cpu_percent=101), "services.web.cpu_percent: 101 is more than 100"),
        (service(cpu_count=-1), "services.web.cpu_count: -1 is less than 0"),
        (
            service(scale=1.5),
            "services.web.scale: must be a whole number or a text, not the number 1.5",
        ),
        (service(cgroup="own"), "services.web.cgroup: 'own' isn't host or private"),
        (service(depends_on={"a": {}}), "services.web.depends_on.a: 'condition' is missing"),
        (service(user=1000), "services.web.user: must be a text, not the number 1000"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(tree: dict[str, Any], message: str) -> None:
    assert wrong(tree).message == message


def test_what_is_expected_is_said_of_the_form_that_was_written() -> None:
    error = wrong(service(ports=[{"published": [1]}]))

    assert error.message == (
        "services.web.ports[0].published: must be a whole number or a text, not a list"
    )


def test_dates_want_quotes() -> None:
    error = wrong(service(labels={"day": datetime(2001, 1, 1, tzinfo=UTC)}))

    assert "not a date" in error.message
    assert error.hint == "put it between quotes"


def test_true_is_not_the_number_1() -> None:
    check(service(expose=[1, "1"]), NOWHERE)

    assert "must be a text or a number" in wrong(service(expose=[1, True])).message


def test_several_problems_are_told_at_once_up_to_a_bound() -> None:
    found = problems(service(a=1, b=1, c=1, user=[], image=[]), NOWHERE, most=4)

    assert [error.message.split(":")[0] for error in found] == [
        "services.web.image", "services.web.a", "services.web.b", "services.web.c",
    ]  # fmt: skip


def test_where_there_is_nothing_better_to_say_the_reference_is_named() -> None:
    page = "see https://docs.docker.com/reference/compose-file/"

    assert wrong(service(build={"args": 1})).hint == f"{page}build/#args"
    assert wrong(service(ports=[[]])).hint == f"{page}services/#ports"
    assert wrong({"networks": {"n": []}}).hint == f"{page}networks/"
