"""Short forms and the long forms that they stand for."""

from __future__ import annotations

from typing import Any

import pytest

from dockyard.compose.load.canonical import canonical
from dockyard.compose.load.defaults import with_defaults
from dockyard.compose.load.place import Places
from dockyard.errors import InvalidInput


def long(**properties: object) -> dict[str, Any]:
    tree = canonical({"services": {"web": properties}}, Places())
    found: dict[str, Any] = tree["services"]["web"]
    return found


@pytest.mark.parametrize(
    ("short", "targets"),
    [
        ("80", [(80, None)]),
        (80, [(80, None)]),
        ("8080:80", [(80, "8080")]),
        ("8000-8002:80-82", [(80, "8000"), (81, "8001"), (82, "8002")]),
        ("8000-8010:80", [(80, "8000-8010")]),
        ("9-11", [(10, None), (11, None), (9, None)]),
    ],
)
def test_ports(short: object, targets: list[tuple[int, str | None]]) -> None:
    ports = long(ports=[short])["ports"]

    assert [(port["target"], port.get("published")) for port in ports] == targets


def test_a_port_has_an_address_and_a_protocol() -> None:
    assert long(ports=["[::1]:53:53/UDP"])["ports"] == [
        {"mode": "ingress", "host_ip": "::1", "target": 53, "published": "53", "protocol": "udp"}
    ]


@pytest.mark.parametrize(
    ("port", "why"),
    [
        ("web", "neither a port nor a range"),
        ("70000", "neither a port nor a range"),
        ("90-80", "ends before it begins"),
        ("80-82:90-93", "have different lengths"),
        ("80/icmp", "is no protocol"),
        ("example.com:80:80", "is no address"),
        ("80:", "the container's port is missing"),
    ],
)
def test_ports_that_are_none(port: str, why: str) -> None:
    with pytest.raises(InvalidInput, match=why) as caught:
        long(ports=["1", port])

    assert caught.value.message.startswith("services.web.ports[1]: ")


@pytest.mark.parametrize(
    ("short", "volume"),
    [
        ("/data", {"type": "volume", "target": "/data", "volume": {}}),
        ("/d", {"type": "volume", "target": "/d"}),
        (
            "named:/data/../x:ro,nocopy",
            {
                "type": "volume", "source": "named", "target": "/x", "read_only": True,
                "volume": {"nocopy": True},
            },
        ),
        (
            "./here:/there:z,rslave",
            {
                "type": "bind", "source": "./here", "target": "/there",
                "bind": {"selinux": "z", "propagation": "rslave", "create_host_path": True},
            },
        ),
        (
            "C:\\data:/data",
            {
                "type": "bind", "source": "C:\\data", "target": "/data",
                "bind": {"create_host_path": True},
            },
        ),
    ],
)  # fmt: skip
def test_volumes(short: str, volume: dict[str, Any]) -> None:
    assert long(volumes=[short])["volumes"] == [volume]


@pytest.mark.parametrize("volume", ["", "one::b", "one:/b:ro:rw", ":/b"])
def test_volumes_that_are_none(volume: str) -> None:
    with pytest.raises(InvalidInput, match=r"services\.web\.volumes\[0\]: "):
        long(volumes=[volume])


def test_what_isnt_interpolated_yet_stays_as_it_is() -> None:
    properties = {"ports": ["${PORT}:80"], "volumes": ["${DIR:-./x}:/x", "one::b"]}

    tree = canonical({"services": {"web": properties}}, Places(), raw=True)

    assert tree["services"]["web"]["ports"] == ["${PORT}:80"]
    assert tree["services"]["web"]["volumes"][1] == "one::b"


def test_other_short_forms() -> None:
    service = long(
        build=".", depends_on=["db"], env_file=".env", networks=["back"], secrets=["key"],
        dns=["", "1.1.1.1"], devices=["/dev/a:/dev/b"], gpus="all", label_file="labels",
    )  # fmt: skip

    assert service == {
        "build": {"context": "."},
        "depends_on": {"db": {"condition": "service_started", "required": True}},
        "env_file": [{"required": True, "path": ".env"}],
        "networks": {"back": None},
        "secrets": [{"source": "key"}],
        "dns": ["1.1.1.1"],
        "devices": [{"source": "/dev/a", "target": "/dev/b", "permissions": "rwm"}],
        "gpus": [{"count": "all"}],
        "label_file": ["labels"],
    }


def test_a_name_below_external_is_the_name() -> None:
    tree = canonical({"networks": {"n": {"external": {"name": "real"}}}}, Places())

    assert tree["networks"]["n"] == {"external": True, "name": "real"}


def test_the_given_tree_stays_as_it_is() -> None:
    tree = {"services": {"web": {"ports": ["80"], "secrets": ["key"]}}}

    with_defaults(canonical(tree, Places()))

    assert tree == {"services": {"web": {"ports": ["80"], "secrets": ["key"]}}}


def test_defaults() -> None:
    service = with_defaults({"services": {"web": long(secrets=["key"], ports=[{"target": 1}])}})

    assert service["services"]["web"]["secrets"] == [
        {"target": "/run/secrets/key", "source": "key"}
    ]
    assert service["services"]["web"]["ports"][0]["protocol"] == "tcp"
