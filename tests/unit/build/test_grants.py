"""What the command line gives to RUN steps and allows them."""

from __future__ import annotations

import pytest

from dockyard.build import grants
from dockyard.build.dockerfile import instructions as ins
from dockyard.build.dockerfile.parser import parse
from dockyard.build.grants import StepOptions, granted
from dockyard.errors import BuildError, InvalidInput


def step(flags: str) -> ins.Run:
    (found,) = parse(f"FROM a\nRUN {flags} x\n").stages[0].instructions
    assert isinstance(found, ins.Run)
    return found


@pytest.mark.parametrize(
    ("flags", "build", "network"),
    [
        ("", "default", "default"), ("", "none", "none"), ("", "host", "host"),
        ("--network=default", "none", "none"), ("--network=none", "host", "none"),
        ("--network=host", "none", "host"),
    ],
)  # fmt: skip
def test_a_steps_own_network_wins(flags: str, build: grants.Network, network: str) -> None:
    assert StepOptions(network=build).network_of(step(flags)) == network


@pytest.mark.parametrize(
    ("flags", "entitlement"),
    [("--network=host", "network.host"), ("--security=insecure", "security.insecure")],
)
def test_only_what_is_allowed(flags: str, entitlement: str) -> None:
    granted(None, [entitlement]).check(step(flags))
    StepOptions().check(step("--network=none --security=sandbox"))
    with pytest.raises(BuildError, match=f"{entitlement} is not allowed"):
        StepOptions().check(step(flags))


def test_entitlements_add_up() -> None:
    options = granted(StepOptions(allow=frozenset({"network.host"})), ["security.insecure"])
    assert options.allow == {"network.host", "security.insecure"}
    with pytest.raises(InvalidInput, match="unknown entitlement root"):
        granted(None, ["root"])


@pytest.mark.parametrize(
    ("text", "network"),
    [("", "default"), ("default", "default"), ("none", "none"), ("host", "host")],
)
def test_networks(text: str, network: str) -> None:
    assert grants.parse_network(text) == network


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("a:1.2.3.4", ("a", "1.2.3.4")), ("a=1.2.3.4", ("a", "1.2.3.4")),
        ("a:::1", ("a", "::1")), ("a:[::1]", ("a", "::1")), ("a=::1", ("a", "::1")),
        ("a:host-gateway", ("a", "host-gateway")),
    ],
)  # fmt: skip
def test_hosts(text: str, host: tuple[str, str]) -> None:
    assert grants.parse_host(text) == host


@pytest.mark.parametrize("text", [
    "a", ":1.2.3.4", "a:", "a:1.2.3", "a:b", "a b:1.2.3.4", "a\n1.1.1.1 b:1.2.3.4",
    "a:fe80::1%x\n1.1.1.1 b",
])  # fmt: skip
def test_hosts_that_are_none(text: str) -> None:
    with pytest.raises(InvalidInput, match="add-host"):
        grants.parse_host(text)
    name, _, address = text.partition(":")
    with pytest.raises(InvalidInput, match="add-host"):
        granted(StepOptions(hosts=((name, address),)), ())
