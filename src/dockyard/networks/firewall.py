"""Getting along with other firewalls.

A packet must pass every chain of a hook: an ``accept`` in our table does not survive another
chain's policy of drop (Docker sets that on FORWARD). So rules that accept the bridge's traffic go
in there too, tagged with the root's hash, and are found again by that tag.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from dockyard.networks.lock import NetworkLock

_OURS = "dockyard_"
_DOCKER_CHAIN = "DOCKER-USER"
_FIREWALLD_TABLE = "firewalld"


class Chain(msgspec.Struct, frozen=True):
    """A chain of nftables (libnftables-json(5)); base chains have a hook."""

    family: str
    table: str
    name: str
    hook: str | None = None
    policy: str | None = None


class Rule(msgspec.Struct, frozen=True):
    """A rule of nftables: where it is, and its comment."""

    family: str
    table: str
    chain: str
    handle: int
    comment: str | None = None


class _Item(msgspec.Struct, frozen=True):
    chain: Chain | None = None
    rule: Rule | None = None


class _Listing(msgspec.Struct, frozen=True):
    nftables: tuple[_Item, ...]


class Allowance(msgspec.Struct, frozen=True):
    """What must be accepted elsewhere: both directions of one bridge, under one tag."""

    bridge: str
    tag: str

    def sides(self) -> tuple[tuple[str, str], ...]:
        """``i`` (it comes from the bridge) and ``o`` (it goes there), each with its rule's tag."""
        return (("i", f"{self.tag}-in"), ("o", f"{self.tag}-out"))


def allowance(root_hash: str, bridge: str) -> Allowance:
    """The allowance of one root."""
    return Allowance(bridge, f"dockyard-{root_hash}")


def allow(lock: NetworkLock, allowed: Allowance) -> bool:
    """Looks at every firewall of nftables and adds what is missing; true where there is one.

    Raises:
        ComponentFailed: a firewall refused; the bridge's traffic would be dropped.
    """
    chains = _list_chains(lock)
    places = blocking(chains)
    commands = [
        command
        for place in places
        for command in insertions(place, _list_rules(lock, place, allowed), allowed)
    ]
    _execute(lock, commands)
    firewalld = _has_firewalld(chains)
    if firewalld:
        _trust(lock, allowed)
    return firewalld or bool(places)


def withdraw(lock: NetworkLock, allowed: Allowance) -> None:
    """Removes whatever :func:`allow` added to firewalls of nftables. Idempotent."""
    chains = _list_chains(lock)
    present = [rule for place in possible(chains) for rule in _list_rules(lock, place, allowed)]
    _execute(lock, deletions(present))
    if _has_firewalld(chains):
        option = f"--remove-interface={allowed.bridge}"
        lock.run(["firewall-cmd", "--quiet", "--zone=trusted", option], check=False)


def parse_chains(listing: bytes) -> tuple[Chain, ...]:
    """Chains of ``nft -j list chains`` that are not Dockyard's. Pure."""
    items = msgspec.json.decode(listing, type=_Listing).nftables
    found = (item.chain for item in items if item.chain is not None)
    return tuple(chain for chain in found if not chain.table.startswith(_OURS))


def parse_rules(listing: bytes, tag: str) -> tuple[Rule, ...]:
    """Rules of ``nft -j list chain`` whose comment has the tag. Pure."""
    items = msgspec.json.decode(listing, type=_Listing).nftables
    found = (item.rule for item in items if item.rule is not None)
    return tuple(rule for rule in found if (rule.comment or "").startswith(f"{tag}-"))


def blocking(chains: Iterable[Chain]) -> tuple[Chain, ...]:
    """The chains where an accept belongs: for each FORWARD that drops, the best place. Pure.

    That is Docker's chain for rules of others where the same table has it (Docker keeps it first,
    also after a restart), else the dropping chain itself.
    """
    every = tuple(chains)
    places = {(chain.family, chain.table): chain for chain in every if chain.name == _DOCKER_CHAIN}
    return tuple(
        places.get((chain.family, chain.table), chain)
        for chain in every
        if _is_forward(chain) and chain.policy == "drop" and chain.table != _FIREWALLD_TABLE
    )


def possible(chains: Iterable[Chain]) -> tuple[Chain, ...]:
    """All chains that may hold rules of ours, whatever their policy is now. Pure."""
    return tuple(chain for chain in chains if _is_forward(chain) or chain.name == _DOCKER_CHAIN)


def insertions(place: Chain, present: Iterable[Rule], allowed: Allowance) -> tuple[str, ...]:
    """The nft commands that add what is missing at ``place``. Pure.

    Plain matches with a comment are what ``iptables-nft`` can read, so it still lists its table.
    """
    have = {rule.comment for rule in present}
    return tuple(
        f"insert rule {place.family} {place.table} {place.name}"
        f' {side}ifname "{allowed.bridge}" counter accept comment "{tag}"'
        for side, tag in allowed.sides()
        if tag not in have
    )


def deletions(present: Iterable[Rule]) -> tuple[str, ...]:
    """The nft commands that remove these rules. Pure."""
    return tuple(
        f"delete rule {rule.family} {rule.table} {rule.chain} handle {rule.handle}"
        for rule in present
    )


def _is_forward(chain: Chain) -> bool:
    return chain.hook == "forward" and chain.family in {"ip", "inet"}


def _has_firewalld(chains: Iterable[Chain]) -> bool:
    return any(chain.table == _FIREWALLD_TABLE for chain in chains)


def _list_chains(lock: NetworkLock) -> tuple[Chain, ...]:
    return parse_chains(lock.run(["nft", "-j", "list", "chains"]).stdout)


def _list_rules(lock: NetworkLock, place: Chain, allowed: Allowance) -> tuple[Rule, ...]:
    argv = ["nft", "-j", "list", "chain", place.family, place.table, place.name]
    done = lock.run(argv, check=False)  # it may be gone by now
    return parse_rules(done.stdout, allowed.tag) if done.code == 0 else ()


def _execute(lock: NetworkLock, commands: Sequence[str]) -> None:
    if commands:
        lock.run(["nft", "-f", "-"], input="\n".join(commands) + "\n")


def _trust(lock: NetworkLock, allowed: Allowance) -> None:
    """firewalld drops what belongs to no zone; its trusted zone accepts all. Until its reload."""
    option = f"--query-interface={allowed.bridge}"
    command = ["firewall-cmd", "--quiet", "--zone=trusted"]
    if lock.run([*command, option], check=False).code != 0:
        lock.run([*command, f"--change-interface={allowed.bridge}"])
