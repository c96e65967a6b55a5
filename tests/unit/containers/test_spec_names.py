from __future__ import annotations

import pytest

from dockyard.containers import spec_network
from dockyard.containers.options import Networking, Options
from dockyard.errors import InvalidInput
from dockyard.networks.model import Connection

_FURTHER_LINE = "x\nbadid 10.9.9.9  victim,db,github.com"


def on(alias: str) -> Networking:
    return Networking(network="red", connections=(Connection(network="red", aliases=(alias,)),))


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        (Options(hostname=_FURTHER_LINE), "hostname"),
        (Options(hostname="a b"), "hostname"),
        (Options(hostname="a" * 65), "hostname"),
        (Options(hostname="a,b"), "hostname"),
        (Options(domainname=_FURTHER_LINE), "domainname"),
        (Options(domainname="a b"), "domainname"),
        (Options(networking=Networking(dns_search=(_FURTHER_LINE,))), "--dns-search"),
        (Options(networking=Networking(dns_search=("",))), "--dns-search"),
        (Options(networking=Networking(dns_options=("ndots:2\nnameserver 9.9.9.9",))),
         "--dns-option"),
        (Options(networking=Networking(dns=("9.9.9.9\nnameserver 1.1.1.1",))), "--dns server"),
        (Options(networking=Networking(extra_hosts=("a b:1.2.3.4",))), "--add-host"),
        (Options(networking=Networking(extra_hosts=("a\n1.1.1.1 b:1.2.3.4",))), "--add-host"),
        (Options(networking=Networking(extra_hosts=("a:1.2.3.4\n1.1.1.1 b",))), "--add-host"),
        (Options(networking=on(_FURTHER_LINE)), "network alias"),
    ],
)  # fmt: skip
def test_no_name_makes_an_entry_of_its_own(options: Options, kind: str) -> None:
    """The name servers' files, ``hosts`` and ``resolv.conf`` are lines of words."""
    with pytest.raises(InvalidInput, match=f"invalid {kind}") as raised:
        spec_network.check(options)
    assert "\n" not in raised.value.message
    assert raised.value.hint


def test_an_alias_is_looked_at_when_a_container_is_connected_too() -> None:
    with pytest.raises(InvalidInput, match="network alias"):
        spec_network.check_connection(Connection(network="red", aliases=("a b",)))


def test_ordinary_names_pass() -> None:
    spec_network.check(
        Options(
            hostname="my_box.example", domainname="example.net",
            networking=Networking(
                dns=("9.9.9.9", "fd00::1"), dns_search=("example.net.", "."),
                dns_options=("ndots:2", "trust-ad"),
                extra_hosts=("a:1.2.3.4", "b:::1", "c:host-gateway", "my_host:10.0.0.1"),
            ),
        )
    )  # fmt: skip
    spec_network.check(Options(networking=on("my_project_web_1")))
