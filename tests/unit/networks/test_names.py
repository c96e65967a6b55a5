from __future__ import annotations

from tests.support.networks import DEFAULT, endpoint, made

from dockyard.networks import names
from dockyard.networks.model import Pool

MINE = made()
INNER = made(
    "inner", internal=True, id="beef" * 16, ipv4=Pool(subnet="10.8.0.0/24", gateway="10.8.0.1")
)
ALL = {each.name: each for each in (DEFAULT, MINE, INNER)}


def test_a_network_is_a_file_with_a_line_for_each_container() -> None:
    first = endpoint("c-aa", on=MINE, names=("Web", "aa", "web"), aliases=("www",))
    second = endpoint("c-bb", on=MINE, beside=[first], names=("db",))
    found = names.configuration(ALL, [second, first, endpoint("c-cc")])
    assert found == {
        "open": {
            MINE.id: "10.9.0.1\naa 10.9.0.2  web.mine,aa.mine,www.mine,web,aa,www\n"
            "bb 10.9.0.3  db.mine,db\n"
        },
        "internal": {},
    }


def test_both_versions_of_ip_are_listened_on_and_answered_with() -> None:
    six = made(ipv6=Pool(subnet="fd00:9::/64", gateway="fd00:9::1"))
    one = endpoint("c-aa", on=six, names=("web",))
    assert names.configuration({"mine": six}, [one])["open"][six.id] == (
        "10.9.0.1,fd00:9::1\naa 10.9.0.2 fd00:9::2 web.mine,web\n"
    )


def test_internal_networks_have_a_server_that_asks_nobody() -> None:
    found = names.configuration(ALL, [endpoint("c-aa", on=INNER, names=("db",))])
    assert found == {"open": {}, "internal": {INNER.id: "10.8.0.1\naa 10.8.0.2  db.inner,db\n"}}


def test_who_is_on_both_kinds_finds_both_at_the_open_server() -> None:
    both = [endpoint("c-aa", on=INNER, names=("web",)), endpoint("c-aa", on=MINE, names=("web",))]
    found = names.configuration(ALL, both)
    assert found["open"][INNER.id].startswith("127.8.0.1\n"), "where nobody asks"
    assert found["internal"][INNER.id].startswith("10.8.0.1\n")
