from __future__ import annotations

import pytest
from tests.support.networks import endpoint, made

from dockyard.networks import resolv
from dockyard.networks.model import Pool


def test_servers_that_a_container_cannot_reach_are_left_out() -> None:
    host = (
        "# by hand\nnameserver 127.0.0.53\nnameserver 192.0.2.53\nnameserver fe80::1\n"
        "search example.org\noptions edns0\n"
    )
    assert resolv.resolv_conf(host) == (
        "nameserver 192.0.2.53\nsearch example.org\noptions edns0\n"
    )


def test_behind_a_local_stub_the_real_servers_are_taken() -> None:
    stub = "nameserver 127.0.0.53\nsearch a.example\n"
    real = "nameserver 192.0.2.1\nsearch b.example\n"
    assert resolv.resolv_conf(stub, real) == real
    assert resolv.resolv_conf("nameserver 192.0.2.9\n", real) == "nameserver 192.0.2.9\n"


def test_no_public_server_is_put_in() -> None:
    assert resolv.resolv_conf("nameserver 127.0.0.1\nsearch a.example\n") == "search a.example\n"


def test_hosts_names_the_container() -> None:
    six = made(ipv6=Pool(subnet="fd00:9::/64", gateway="fd00:9::1"))
    text = resolv.hosts("web.example web", [endpoint(), endpoint(on=six)])
    assert text.endswith(
        "10.87.0.2\tweb.example web\n10.9.0.2\tweb.example web\nfd00:9::2\tweb.example web\n"
    )
    assert resolv.hosts("web", ()).startswith("127.0.0.1\tlocalhost\n")
    assert "web" not in resolv.hosts("web", ())


BASE = "nameserver 192.0.2.53\nsearch example.org\noptions edns0 ndots:2\n"


@pytest.mark.parametrize(
    ("asked", "gateways", "expected"),
    [
        (resolv.Asked(), (), BASE),
        (
            resolv.Asked(),
            ("10.9.0.1",),
            "search example.org\nnameserver 10.9.0.1\noptions edns0 ndots:0 timeout:3 attempts:3\n",
        ),
        (
            resolv.Asked(servers=("9.9.9.9",), search=("a", "b"), options=("ndots:5",)),
            (),
            "nameserver 9.9.9.9\nsearch a b\noptions ndots:5\n",
        ),
        (
            resolv.Asked(servers=("9.9.9.9",), search=(".",), options=("ndots:5",)),
            ("10.9.0.1", "10.8.0.1"),
            "nameserver 10.9.0.1\nnameserver 10.8.0.1\noptions ndots:5 timeout:3 attempts:3\n",
        ),
        (
            resolv.Asked(options=("timeout:9",)),
            ("10.9.0.1",),
            "search example.org\nnameserver 10.9.0.1\noptions timeout:9 ndots:0 attempts:3\n",
        ),
    ],
)
def test_what_was_asked_for_replaces_what_the_host_has(
    asked: resolv.Asked, gateways: tuple[str, ...], expected: str
) -> None:
    assert resolv.compose(BASE, asked, gateways) == expected
