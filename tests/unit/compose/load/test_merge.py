from __future__ import annotations

from typing import Any

import pytest

from dockyard.compose.load.documents import documents
from dockyard.compose.load.merge import extended, merged
from dockyard.compose.load.place import Places
from dockyard.compose.load.placed import Placed, below
from dockyard.compose.load.unicity import unique
from dockyard.errors import InvalidInput


def placed(text: str, file: str) -> Placed:
    (document,) = documents(text.encode(), file)
    return Placed(document.tree, document.places)


def service(base: str, other: str) -> Any:
    """A service of two files, without what it redefines."""
    both = (
        placed(f"services: {{a: {{{base} }} }}", "1"),
        placed(f"services: {{a: {{{other} }} }}", "2"),
    )
    return unique(merged(*both)).tree["services"]["a"]


@pytest.mark.parametrize(
    ("base", "other", "both"),
    [
        ("image: a, tty: true", "image: b", {"image": "b", "tty": True}),
        ("image: a", "image:", {"image": "a"}),
        ("cap_add: [A, B]", "cap_add: [B, C]", {"cap_add": ["A", "B", "C"]}),
        ("command: [a, b]", "command: c", {"command": "c"}),
        ("command: [a, b]", "command:", {"command": None}),
        ("entrypoint: a", "entrypoint: [b]", {"entrypoint": ["b"]}),
        (
            "healthcheck: {test: [a, b], retries: 3}",
            "healthcheck: {test: [c]}",
            {"healthcheck": {"test": ["c"], "retries": 3}},
        ),
        (
            "environment: {B: 1.50, A: true, C: }",
            "environment: [A=2, D]",
            {"environment": ["A=2", "B=1.5", "C", "D"]},
        ),
        ("environment: {A: 1}", "environment:", {"environment": ["A=1"]}),
        ("dns: a", "dns: [b, a]", {"dns": ["a", "b"]}),
        ("env_file: a", "env_file: [{path: a, required: false}]",
         {"env_file": [{"path": "a", "required": False}]}),
        ("extra_hosts: {a: [1, 2]}", "extra_hosts: [a=1, b=3]",
         {"extra_hosts": ["a=1", "a=2", "b=3"]}),
        ("build: x", "build: {args: [A=1]}", {"build": {"context": "x", "args": ["A=1"]}}),
        ("build:", "build: y", {"build": {"context": "y"}}),
        (
            "depends_on: [b]",
            "depends_on: {b: {restart: true}}",
            {
                "depends_on": {
                    "b": {"condition": "service_started", "required": True, "restart": True}
                }
            },
        ),
        ("networks: [n]", "networks: {m: {aliases: [x]}}",
         {"networks": {"n": None, "m": {"aliases": ["x"]}}}),
        (
            "logging: {driver: a, options: {x: 1}}",
            "logging: {options: {y: 2}}",
            {"logging": {"driver": "a", "options": {"x": 1, "y": 2}}},
        ),
        (
            "logging: {driver: a, options: {x: 1}}",
            "logging: {driver: b, options: {y: 2}}",
            {"logging": {"driver": "b", "options": {"y": 2}}},
        ),
        ("ulimits: {n: {soft: 1, hard: 2}}", "ulimits: {n: 3}", {"ulimits": {"n": 3}}),
        ("expose: [80, '81']", "expose: ['80', 82]", {"expose": ["80", "81", 82]}),
        (
            "ports: ['80:80', {target: 443}]",
            "ports: ['80:80', {target: 443, protocol: tcp}, {target: 443, protocol: udp}]",
            {"ports": ["80:80", {"target": 443, "protocol": "tcp"},
                       {"target": 443, "protocol": "udp"}]},
        ),
        ("volumes: ['./x:/x', /y]", "volumes: [{type: volume, target: /x}]",
         {"volumes": [{"type": "volume", "target": "/x"}, "/y"]}),
        ("devices: ['/a:/b', /c]", "devices: ['/d:/b:r', /c]", {"devices": ["/d:/b:r", "/c"]}),
        ("secrets: [x, {source: y, target: z}]", "secrets: [{source: x, mode: 1}, {target: z}]",
         {"secrets": [{"source": "x", "mode": 1}, {"target": "z"}]}),
        ("configs: [x]", "configs: [{source: q, target: /x}]",
         {"configs": [{"source": "q", "target": "/x"}]}),
    ],
)  # fmt: skip
def test_rules_of_services(base: str, other: str, both: dict[str, Any]) -> None:
    assert service(base, other) == both


def test_address_pools_are_joined_by_subnet() -> None:
    base = placed("networks: {n: {ipam: {config: [{subnet: a, gateway: g}]}}}", "1")
    other = placed("networks: {n: {ipam: {config: [{subnet: b}, {subnet: a, x: y}]}}}", "2")
    pools = merged(base, other).tree["networks"]["n"]["ipam"]["config"]
    assert pools == [{"subnet": "b"}, {"subnet": "a", "gateway": "g", "x": "y"}]


def test_neither_tree_is_changed() -> None:
    base, other = placed("a: {b: [1], c: {}}", "1"), placed("a: {b: [2], c: {d: 1}}", "2")
    assert merged(base, other).tree == {"a": {"b": [1, 2], "c": {"d": 1}}}
    assert base.tree == {"a": {"b": [1], "c": {}}}
    assert other.tree == {"a": {"b": [2], "c": {"d": 1}}}


@pytest.mark.parametrize(
    ("base", "other", "words"),
    [
        ("healthcheck: {retries: 1}", "healthcheck: [a]",
         "services.a.healthcheck: this can't be laid over a mapping that an earlier file has"),
        ("cap_add: [A]", "cap_add: {A: 1}",
         "services.a.cap_add: this can't be laid over a list that an earlier file has"),
        ("logging: {driver: a}", "logging: b", "services.a.logging: this must be a mapping"),
        ("depends_on: [b]", "depends_on: [1]",
         "services.a.depends_on: this must be a list of names"),
        ("cap_add: [A]", "cap_add: [1]", "services.a.cap_add[1]: this must be a text"),
        ("ports: [1]", "ports: [{published: 1}]",
         "services.a.ports[1]: the port in the container, target, is missing"),
        ("volumes: [/a]", "volumes: [{type: bind}]",
         "services.a.volumes[1]: the target in the container is missing"),
    ],
)  # fmt: skip
def test_what_cant_be_joined_is_told_with_the_later_place(
    base: str, other: str, words: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        service(base, other)
    assert caught.value.message.startswith("2:1:")
    assert caught.value.message.endswith(words)


def test_places_follow_what_is_appended_replaced_and_redefined() -> None:
    base = placed("services:\n  a:\n    ports: ['1:1', '2:2']\n    command: [a, b]\n", "1")
    other = placed(
        "services:\n  a:\n    command:\n    - c\n    ports:\n    - '1:1'\n    - 3\n", "2"
    )
    both = unique(merged(base, other))
    assert both.tree["services"]["a"] == {"ports": ["1:1", "2:2", 3], "command": ["c"]}
    ports = [str(both.places.find(("services", "a", "ports", index))) for index in range(3)]
    assert ports == ["2:6:7", "1:3:20", "2:7:7"]
    assert str(both.places.find(("services", "a", "command", 0))) == "2:4:7"


def test_a_service_over_the_one_that_it_extends() -> None:
    base = placed("services:\n  b: {command: x, labels: {l: 1}}\n", "1")
    own = placed("services:\n  a: {labels: [m=2], command: y}\n", "2")
    path = ("services", "a")
    both = extended(
        Placed(base.tree["services"]["b"], below(base.places, ("services", "b"), path)),
        Placed(own.tree["services"]["a"], own.places),
        path,
    )
    assert both.tree == {"command": "y", "labels": ["l=1", "m=2"]}
    assert str(both.places.find((*path, "command"))) == "2:2:22"
    assert (
        str(both.places.find((*path, "labels", 1))) == "2:2:7"
    )  # a list out of a mapping: as near as can be


def test_nothing_redefined_moves_nothing() -> None:
    whole = Placed({"services": {"a": {"ports": [1, 2]}}}, Places())
    assert unique(whole) == whole
