"""The JSON schema of x-dockyard takes and refuses what the block's own checks do."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import msgspec
import pytest
from tests.support import pages
from tests.support.bases import CHECKOUT
from tests.support.compose import project

from dockyard.cli import main
from dockyard.errors import InvalidInput
from dockyard.serving import block, model
from dockyard.serving.extension import document, reading, rules
from dockyard.serving.extension.kinds import Group
from dockyard.serving.extension.properties import BLOCK

WHOLE: dict[str, Any] = {
    "route": {
        "path": "/a", "strip": True, "host": "*.a.example.com", "header": {"X-A": "b"},
        "listen": "[::1]:80", "tls": {"cert": "c", "key": "secret:k"}, "model": "org/name",
    },
    "port": 80, "protocol": "h2c", "scale": {"min": 0, "max": 2, "target": 0.5, "metric": "rps"},
    "ready": {"path": "/h?x=1", "timeout": "0.5s", "deadline": "1m30s"}, "concurrency": 0,
    "timeout": "0s", "grace": "1h", "max_body": "32 MiB", "idempotent": False, "keep_alive": "5s",
    "sticky": {"cookie": "c"}, "queue": {"max": 0}, "auth": {"keys": "keys.txt"},
    "rate_limit": {"requests": 1, "per": "1m", "key": "ip"}, "weight": 5,
    "match": {"header": {"x": "1"}, "cookie": {"c": "d"}},
}  # fmt: skip

GOOD: list[dict[str, Any]] = [
    WHOLE,
    {"route": {}},
    {"variant_of": "a", "weight": 1},
    {"variant_of": "a", "shadow": True},
    {"route": {"listen": 8080}, "max_body": 1024},
    {"route": {"path": "/"}, "port": "80", "scale": {"target": "1.5"}, "idempotent": "true"},
    {"route": {}, "scale": {"metric": "concurrency"}},
]
BAD: list[dict[str, Any]] = [
    {}, {"rout": {}}, {"route": {"pth": "/"}}, {"route": "/a"}, {"route": None}, {"port": 80},
    {"route": {"path": "a"}}, {"route": {"path": "/a b"}}, {"route": {"path": "/a//b"}},
    {"route": {"path": "/a\n"}}, {"route": {"strip": 1}}, {"route": {"host": "a:80"}},
    {"route": {"host": "*"}}, {"route": {"header": {"a b": "x"}}}, {"route": {"header": {"a": 1}}},
    {"route": {"header": ["a=b"]}}, {"route": {"listen": "localhost:80"}},
    {"route": {"tls": {"cert": "c"}}}, {"route": {"tls": {"cert": "c", "key": ""}}},
    {"route": {}, "port": 0}, {"route": {}, "port": 65536}, {"route": {}, "port": 1.5},
    {"route": {}, "port": "http"}, {"route": {}, "protocol": "http3"},
    {"route": {}, "scale": {"min": -1}}, {"route": {}, "scale": {"max": 0}},
    {"route": {}, "scale": {"target": 0}}, {"route": {}, "scale": {"target": True}},
    {"route": {}, "scale": {"metric": "qps"}}, {"route": {}, "scale": {"metric": "cpu"}},
    {"route": {}, "scale": {"metric": "rps", "min": 1}}, {"route": {}, "ready": {"path": "h"}},
    {"route": {}, "ready": {"timeout": "0s"}}, {"route": {}, "timeout": "30"},
    {"route": {}, "timeout": 30}, {"route": {}, "timeout": "1 m"}, {"route": {}, "max_body": "x"},
    {"route": {}, "max_body": -1}, {"route": {}, "idempotent": "sometimes"},
    {"route": {}, "sticky": {}}, {"route": {}, "sticky": {"cookie": "a;b"}},
    {"route": {}, "queue": {"max": -1}}, {"route": {}, "rate_limit": {"per": "1s"}},
    {"route": {}, "rate_limit": {"requests": 0}}, {"route": {}, "rate_limit": {"requests": None}},
    {"route": {}, "rate_limit": {"requests": 1, "key": "cookie:x"}}, {"route": {}, "auth": {}},
    {"route": {}, "auth": {"keys": ["a"]}}, {"route": {}, "match": {}}, {"route": {}, "weight": -1},
    {"route": {}, "keep_alive": "0s"}, {"variant_of": 1}, {"variant_of": "a", "shadow": "maybe"},
]  # fmt: skip


def refused_by_schema(given: dict[str, Any]) -> bool:
    file = {"services": {"web": {"image": "x", "x-dockyard": given}}}
    return not jsonschema.Draft7Validator(document.schema()).is_valid(file)


def refused_by_checks(given: dict[str, Any]) -> bool:
    written = reading.written(given)
    if list(reading.faults(written, ())):
        return True
    own = reading.read(written)
    return bool([*rules.alone(own), *rules.whole(rules.joined({}, own))])


@pytest.mark.parametrize("given", GOOD, ids=json.dumps)
def test_both_take_what_is_right(given: dict[str, Any]) -> None:
    assert not refused_by_checks(given)
    assert not refused_by_schema(given)


@pytest.mark.parametrize("given", BAD, ids=json.dumps)
def test_both_refuse_what_is_wrong(given: dict[str, Any]) -> None:
    assert refused_by_checks(given)
    assert refused_by_schema(given)


STRANGE: tuple[Any, ...] = (None, True, -1, 1.5, "", "a b", [], {}, {"a": 1}, ["a"])


def changed() -> Iterator[dict[str, Any]]:
    """The whole block with each of its values replaced by each strange one."""
    for path in paths(WHOLE, ()):
        for strange in STRANGE:
            given = copy.deepcopy(WHOLE)
            at = given
            for step in path[:-1]:
                at = at[step]
            at[path[-1]] = strange
            yield given


def paths(value: dict[str, Any], path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for name, each in value.items():
        yield (*path, name)
        if isinstance(each, dict):
            yield from paths(each, (*path, name))


def test_both_judge_strange_values_alike() -> None:
    apart = [given for given in changed() if refused_by_schema(given) != refused_by_checks(given)]

    assert not apart


def test_nothing_strange_is_more_than_refused() -> None:
    """Whatever stands where, the answer is services or a message for the user."""
    taken = 0
    for changed_block in changed():
        services = {"web": {"x-dockyard": changed_block}, "next": {"x-dockyard": NEXT}}
        secrets = {"k": {"file": "/k"}}
        try:
            taken += len(block.declared(project(services, secrets=secrets)))
        except InvalidInput as error:
            assert error.message.startswith("services.")  # noqa: PT017  # most are refused

    assert taken


NEXT = {"variant_of": "web", "weight": 5}


def test_variables_may_stand_anywhere() -> None:
    given = {
        "route": {"path": "${P}", "strip": "${S}", "host": "${H}", "listen": "${L:-80}"},
        "port": "$PORT", "protocol": "${X}", "scale": {"max": "${M}", "target": "${T}"},
        "timeout": "${T}", "max_body": "${B}", "ready": {"path": "/${P}", "timeout": "${T}"},
    }  # fmt: skip

    assert not refused_by_schema(given)


def test_other_services_are_left_alone() -> None:
    file = {"services": {"db": {"image": "x", "ports": 5}, "web": None}, "x-own": 1}

    jsonschema.Draft7Validator(document.schema()).validate(file)


def test_the_schema_is_one() -> None:
    jsonschema.Draft7Validator.check_schema(document.schema())


def test_the_file_is_what_the_code_prints() -> None:
    assert (CHECKOUT / "docs" / "x-dockyard.schema.json").read_text() == document.text()


def test_defaults_are_those_of_the_values() -> None:
    """As far as they don't follow from something else."""
    kinds: dict[str, type[msgspec.Struct]] = {
        "route": model.Route, "scale": model.Scale, "ready": model.Ready, "queue": model.Queue,
        "rate_limit": model.RateLimit,
    }  # fmt: skip
    named = {name: one.default for name, one in BLOCK.properties.items() if one.default is not None}
    given = reading.read(reading.written(named))
    real = {**_defaults(model.Variant), **_defaults(model.Service)}
    assert given == {name: real[name] for name in given}
    for name, kind in kinds.items():
        group = BLOCK.properties[name].of
        assert isinstance(group, Group)
        own = {key: one.default for key, one in group.properties.items() if one.default is not None}
        read = reading.read({name: own})[name]
        assert read == {key: _defaults(kind)[key] for key in read}


def _defaults(kind: type[msgspec.Struct]) -> dict[str, Any]:
    return {one.name: one.default for one in msgspec.structs.fields(kind)}


def test_the_page_tells_of_each_property() -> None:
    named = set(pages.spans("docs/serving.md"))
    missing = [".".join(path) for path in _names(BLOCK, ()) if ".".join(path) not in named]

    assert not missing


def _names(group: Group, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for name, one in group.properties.items():
        yield (*path, name)
        if isinstance(one.of, Group):
            yield from _names(one.of, (*path, name))


def test_a_command_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(("services", "schema")) == 0

    assert capsys.readouterr().out == document.text()
