from __future__ import annotations

from dockyard.networks import plan, resolv
from dockyard.networks.addresses import parse_subnet


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
    network = plan.make_network("0123abcd", parse_subnet("10.87.0.0/22"), 1400)
    endpoint = plan.make_endpoint(network, [], "c-one", "dv1", ())
    assert resolv.hosts("web", endpoint).endswith("10.87.0.2\tweb\n")
    assert resolv.hosts("web", None).startswith("127.0.0.1\tlocalhost\n")
    assert "web" not in resolv.hosts("web", None)
