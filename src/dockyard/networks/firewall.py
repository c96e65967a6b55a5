"""Getting along with other firewalls.

A packet must pass every chain of a hook: an ``accept`` in our table does not survive another
chain's policy of drop (Docker sets that on FORWARD). So rules that accept the bridges' traffic, and
their questions for names to the host, go in there too, tagged with the root's hash, and are found
again by that tag.
"""

from collections.abc import Iterable, Sequence

import msgspec

from dockyard import decoding
from dockyard.networks.lock import NetworkLock
from dockyard.networks.model import Network

_OURS = "dockyard_"
_DOCKER_CHAIN = "DOCKER-USER"
_FIREWALLD_TABLE = "firewalld"
_FIREWALLD = ("firewall-cmd", "--zone=trusted")


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
    """What must be accepted elsewhere for the bridges of one root, under one tag."""

    tag: str
    bridges: tuple[str, ...] = ()
    """All of which traffic is passed on."""
    asking: tuple[str, ...] = ()
    """Those with a name server at their gateway."""
    ipv6: bool = False

    def accepted(self, *, forward: bool) -> tuple[tuple[str, str], ...]:
        """A match, as ``nft`` writes it, and the rule's tag, for each rule of a chain."""
        if not forward:
            return tuple(
                (f'iifname "{bridge}" udp dport 53', f"{self.tag}-{bridge}-dns")
                for bridge in self.asking
            )
        return tuple(
            (f'{side}ifname "{bridge}"', f"{self.tag}-{bridge}-{word}")
            for bridge in self.bridges
            for side, word in (("i", "in"), ("o", "out"))
        )


def allowance(root_hash: str, networks: Iterable[Network]) -> Allowance:
    """The allowance of one root."""
    every = tuple(networks)
    return Allowance(
        tag=f"dockyard-{root_hash}",
        bridges=tuple(each.bridge for each in every),
        asking=tuple(each.bridge for each in every if not each.is_default),
        ipv6=any(each.ipv6 for each in every),
    )


def allow(lock: NetworkLock, allowed: Allowance) -> bool:
    """Looks at every firewall of nftables and adds what is missing; true where there is one.

    Raises:
        ComponentFailed: a firewall refused; the bridges' traffic would be dropped.
    """
    chains = _list_chains(lock)
    places = blocking(chains, ipv6=allowed.ipv6)
    commands = []
    for place in places:
        present = _list_rules(lock, place, allowed)
        commands += [*deletions(outdated(place, present, allowed)),
                     *insertions(place, present, allowed)]  # fmt: skip
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
        _distrust(lock, allowed)


def parse_chains(listing: bytes) -> tuple[Chain, ...]:
    """Chains of ``nft -j list chains`` that are not Dockyard's. Pure."""
    items = decoding.from_json(listing, _Listing).nftables
    found = (item.chain for item in items if item.chain is not None)
    return tuple(chain for chain in found if not chain.table.startswith(_OURS))


def parse_rules(listing: bytes, tag: str) -> tuple[Rule, ...]:
    """Rules of ``nft -j list chain`` whose comment has the tag. Pure."""
    items = decoding.from_json(listing, _Listing).nftables
    found = (item.rule for item in items if item.rule is not None)
    return tuple(rule for rule in found if (rule.comment or "").startswith(f"{tag}-"))


def blocking(chains: Iterable[Chain], *, ipv6: bool = False) -> tuple[Chain, ...]:
    """The chains where an accept belongs: for each hook that drops, the best place. Pure.

    For what is forwarded that is Docker's chain for rules of others where the same table has it
    (Docker keeps it first, also after a restart), else the dropping chain itself.
    """
    every = tuple(chains)
    families = {"ip", "inet", "ip6"} if ipv6 else {"ip", "inet"}
    places = {(chain.family, chain.table): chain for chain in every if chain.name == _DOCKER_CHAIN}
    return tuple(
        places.get((chain.family, chain.table), chain) if chain.hook == "forward" else chain
        for chain in every
        if _is_filter(chain) and chain.family in families
        and chain.policy == "drop" and chain.table != _FIREWALLD_TABLE
    )  # fmt: skip


def possible(chains: Iterable[Chain]) -> tuple[Chain, ...]:
    """All chains that may hold rules of ours, whatever their policy is now. Pure."""
    return tuple(chain for chain in chains if _is_filter(chain) or chain.name == _DOCKER_CHAIN)


def insertions(place: Chain, present: Iterable[Rule], allowed: Allowance) -> tuple[str, ...]:
    """The nft commands that add what is missing at ``place``. Pure.

    Plain matches with a comment are what ``iptables-nft`` can read, so it still lists its table.
    """
    have = {rule.comment for rule in present}
    return tuple(
        f"insert rule {place.family} {place.table} {place.name}"
        f' {match} counter accept comment "{tag}"'
        for match, tag in allowed.accepted(forward=place.hook != "input")
        if tag not in have
    )


def outdated(place: Chain, present: Iterable[Rule], allowed: Allowance) -> tuple[Rule, ...]:
    """Our rules at ``place`` for bridges that are gone. Pure."""
    wanted = {tag for _, tag in allowed.accepted(forward=place.hook != "input")}
    return tuple(rule for rule in present if rule.comment not in wanted)


def deletions(present: Iterable[Rule]) -> tuple[str, ...]:
    """The nft commands that remove these rules. Pure."""
    return tuple(
        f"delete rule {rule.family} {rule.table} {rule.chain} handle {rule.handle}"
        for rule in present
    )


def _is_filter(chain: Chain) -> bool:
    return chain.hook in {"forward", "input"} and chain.family in {"ip", "inet", "ip6"}


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
    for bridge in allowed.bridges:
        if lock.run([*_FIREWALLD, f"--query-interface={bridge}"], check=False).code != 0:
            lock.run([*_FIREWALLD, f"--change-interface={bridge}"])


def _distrust(lock: NetworkLock, allowed: Allowance) -> None:
    """Removes the root's bridges, whichever they were, from the trusted zone."""
    mark = allowed.tag.removeprefix("dockyard-")
    for name in lock.run([*_FIREWALLD, "--list-interfaces"], check=False).text.split():
        if mark in name:
            lock.run([*_FIREWALLD, f"--remove-interface={name}"], check=False)
