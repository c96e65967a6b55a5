from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from dockyard.errors import ComponentFailed
from dockyard.networks import firewall, legacy
from dockyard.networks.firewall import Allowance, Chain, Rule
from dockyard.networks.lock import NetworkLock

ALLOWED = Allowance("dockyard-0123abcd", ("dy-0123abcd",))
ASKING = Allowance("dockyard-0123abcd", ("dyfeed-0123abcd",), ("dyfeed-0123abcd",))


def forward(table: str, policy: str, *, family: str = "ip", name: str = "FORWARD") -> Chain:
    return Chain(family=family, table=table, name=name, hook="forward", policy=policy)


def listing(*items: object) -> bytes:
    return json.dumps({"nftables": [{"metainfo": {"version": "1"}}, *items]}).encode()


def test_only_chains_that_drop_block() -> None:
    chains = [
        forward("filter", "drop"),
        forward("other", "accept"),
        forward("six", "drop", family="ip6"),
        Chain(family="ip", table="in", name="INPUT", hook="input", policy="drop"),
        forward("mine", "drop", family="inet", name="fwd"),
    ]
    assert [chain.table for chain in firewall.blocking(chains)] == ["filter", "in", "mine"]
    assert "six" in [chain.table for chain in firewall.blocking(chains, ipv6=True)]


def test_dockers_chain_is_the_place_in_its_own_table_only() -> None:
    docker = Chain(family="ip", table="filter", name="DOCKER-USER")
    chains = [docker, forward("filter", "drop"), forward("mine", "drop")]
    assert [chain.name for chain in firewall.blocking(chains)] == ["DOCKER-USER", "FORWARD"]
    assert firewall.blocking([docker, forward("filter", "accept")]) == ()
    assert len(firewall.possible(chains)) == 3


def test_own_tables_of_any_root_are_not_foreign() -> None:
    chain = {"family": "ip", "table": "dockyard_ffffffff", "name": "forward", "handle": 1}
    assert firewall.parse_chains(listing({"chain": chain})) == ()


def test_missing_directions_are_inserted_once() -> None:
    place = forward("filter", "drop")
    both = firewall.insertions(place, [], ALLOWED)
    assert both == (
        (
            'insert rule ip filter FORWARD iifname "dy-0123abcd" counter accept'
            ' comment "dockyard-0123abcd-dy-0123abcd-in"'
        ),
        (
            'insert rule ip filter FORWARD oifname "dy-0123abcd" counter accept'
            ' comment "dockyard-0123abcd-dy-0123abcd-out"'
        ),
    )
    present = [Rule("ip", "filter", "FORWARD", 7, "dockyard-0123abcd-dy-0123abcd-in")]
    assert firewall.insertions(place, present, ALLOWED) == both[1:]


def test_questions_for_names_pass_a_firewall_of_what_comes_in() -> None:
    place = Chain(family="ip", table="filter", name="INPUT", hook="input", policy="drop")
    assert firewall.insertions(place, [], ASKING) == (
        (
            'insert rule ip filter INPUT iifname "dyfeed-0123abcd" udp dport 53 counter accept'
            ' comment "dockyard-0123abcd-dyfeed-0123abcd-dns"'
        ),
    )
    assert firewall.insertions(place, [], ALLOWED) == ()


def test_rules_for_bridges_that_are_gone_go_too() -> None:
    place = forward("filter", "drop")
    rules = [
        Rule("ip", "filter", "FORWARD", 7, "dockyard-0123abcd-dy-0123abcd-in"),
        Rule("ip", "filter", "FORWARD", 8, "dockyard-0123abcd-dydead-0123abcd-in"),
    ]
    assert [rule.handle for rule in firewall.outdated(place, rules, ALLOWED)] == [8]


def test_rules_are_found_again_by_their_tag() -> None:
    rule = {"family": "ip", "table": "filter", "chain": "FORWARD", "expr": [{"xt": None}]}
    found = firewall.parse_rules(
        listing(
            {"rule": {**rule, "handle": 1}},
            {"rule": {**rule, "handle": 2, "comment": "dockyard-ffffffff-in"}},
            {"rule": {**rule, "handle": 3, "comment": "dockyard-0123abcd-dy-0123abcd-out"}},
        ),
        ALLOWED.tag,
    )
    assert firewall.deletions(found) == ("delete rule ip filter FORWARD handle 3",)


LEGACY = """\
-P INPUT ACCEPT
-P FORWARD DROP
-P OUTPUT ACCEPT
-N DOCKER-USER
-A FORWARD -j DOCKER-USER
"""
LEGACY_RULE = (
    "-A DOCKER-USER -i dy-0123abcd -m comment"
    ' --comment "dockyard-0123abcd-dy-0123abcd-in" -j ACCEPT\n'
)


def test_the_older_filter_is_treated_alike() -> None:
    both = legacy.insertions(LEGACY, ALLOWED)
    assert [arguments[:4] for arguments in both] == [
        ("-I", "DOCKER-USER", "-i", "dy-0123abcd"),
        ("-I", "DOCKER-USER", "-o", "dy-0123abcd"),
    ]
    assert legacy.insertions(LEGACY + LEGACY_RULE, ALLOWED) == both[1:]
    assert legacy.insertions(LEGACY.replace("DROP", "ACCEPT"), ALLOWED) == ()
    assert legacy.outdated(LEGACY + LEGACY_RULE, ALLOWED) == ()
    none = Allowance(ALLOWED.tag)
    assert [words[:2] for words in legacy.outdated(LEGACY + LEGACY_RULE, none)] == [
        ("-D", "DOCKER-USER")
    ]


def test_the_older_filter_lets_questions_for_names_in() -> None:
    found = legacy.insertions("-P INPUT DROP\n-P FORWARD ACCEPT\n", ASKING)
    assert [" ".join(words[:10]) for words in found] == [
        "-I INPUT -i dyfeed-0123abcd -p udp -m udp --dport 53"
    ]


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host with firewalld: the log of what was called."""
    chain = {"family": "inet", "table": "firewalld", "name": "filter_FORWARD", "hook": "forward",
             "policy": "drop", "handle": 1}  # fmt: skip
    log = tmp_path / "calls"
    (tmp_path / "nft.json").write_bytes(listing({"chain": chain}))
    _program(tmp_path / "nft", f"cat {tmp_path}/nft.json")
    script = f'echo "$@" >>{log}; case "$*" in *query*) exit 1;; *list*) echo dy-0123abcd lo;; esac'
    _program(tmp_path / "firewall-cmd", script)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return log


@pytest.fixture
def lock(tmp_path: Path) -> Iterator[NetworkLock]:
    with NetworkLock.acquire(str(tmp_path / "network.lock")) as held:
        yield held


def _program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_firewalld_is_asked_to_trust_the_bridge(calls: Path, lock: NetworkLock) -> None:
    assert firewall.allow(lock, ALLOWED)
    firewall.withdraw(lock, ALLOWED)
    asked = [line.split()[-1] for line in calls.read_text().splitlines()]
    assert asked == [
        "--query-interface=dy-0123abcd",
        "--change-interface=dy-0123abcd",
        "--list-interfaces",
        "--remove-interface=dy-0123abcd",
    ]


def test_a_firewall_that_refuses_is_an_error(
    calls: Path, lock: NetworkLock, tmp_path: Path
) -> None:
    _program(tmp_path / "firewall-cmd", "echo no access >&2; exit 9")
    with pytest.raises(ComponentFailed, match="no access"):
        firewall.allow(lock, ALLOWED)
