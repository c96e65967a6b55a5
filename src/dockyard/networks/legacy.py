"""The same for the kernel's older packet filter, which ``iptables-legacy`` programs.

It has no generation that would tell of a change, but also costs nothing where it is not in use.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import NamedTuple

from dockyard.networks.firewall import Allowance
from dockyard.networks.lock import NetworkLock
from dockyard.system import process

_DOCKER_CHAIN = "DOCKER-USER"
_HOOKS = (("FORWARD", True), ("INPUT", False))


class Filter(NamedTuple):
    """The packet filter of one version of IP."""

    tables: str
    """Where the kernel lists its tables, once it is in use."""
    programs: tuple[str, str]
    ipv6: bool


_FILTERS = (
    Filter("/proc/self/net/ip_tables_names", ("iptables-legacy", "iptables"), ipv6=False),
    Filter("/proc/self/net/ip6_tables_names", ("ip6tables-legacy", "ip6tables"), ipv6=True),
)


def in_use() -> bool:
    """True where this namespace has a filter table of ``iptables-legacy``."""
    return any(map(_in_use, _FILTERS))


def allow(lock: NetworkLock, allowed: Allowance) -> None:
    """Adds what is missing. Call it where :func:`in_use`.

    Raises:
        ComponentMissing: neither ``iptables-legacy`` nor ``iptables`` is installed.
        ComponentFailed: it refused.
    """
    for one in filter(_in_use, _FILTERS):
        if one.ipv6 and not allowed.ipv6:
            continue
        listing = _iptables(lock, one, "-S")
        for arguments in (*outdated(listing, allowed), *insertions(listing, allowed)):
            _iptables(lock, one, *arguments)


def withdraw(lock: NetworkLock, allowed: Allowance) -> None:
    """Removes whatever :func:`allow` added. Idempotent."""
    for one in filter(_in_use, _FILTERS):
        for arguments in outdated(_iptables(lock, one, "-S"), Allowance(allowed.tag)):
            _iptables(lock, one, *arguments)


def insertions(listing: str, allowed: Allowance) -> tuple[tuple[str, ...], ...]:
    """Arguments of ``iptables`` that accept the bridges, given ``iptables -S``. Pure."""
    lines = listing.splitlines()
    found: list[tuple[str, ...]] = []
    for hook, forward in _HOOKS:
        if f"-P {hook} DROP" not in lines:
            continue
        chain = _DOCKER_CHAIN if forward and f"-N {_DOCKER_CHAIN}" in lines else hook
        found += [
            ("-I", chain, *_match(match), "-m", "comment", "--comment", tag, "-j", "ACCEPT")
            for match, tag in allowed.accepted(forward=forward)
            if not any(_has_tag(line, chain, tag) for line in lines)
        ]
    return tuple(found)


def outdated(listing: str, allowed: Allowance) -> tuple[tuple[str, ...], ...]:
    """Arguments of ``iptables`` that remove our rules for bridges that are gone. Pure."""
    wanted = {tag for _, forward in _HOOKS for _, tag in allowed.accepted(forward=forward)}
    rules: Iterable[list[str]] = (line.replace('"', "").split() for line in listing.splitlines())
    return tuple(
        ("-D", *words[1:])
        for words in rules
        if words[0] == "-A" and any(_is_outdated(word, wanted, allowed.tag) for word in words)
    )


def _is_outdated(word: str, wanted: Container[str], tag: str) -> bool:
    return word.startswith(f"{tag}-") and word not in wanted


def _match(text: str) -> tuple[str, ...]:
    """The match of ``nft`` in the words of ``iptables``."""
    words = text.replace('"', "").split()
    interface = (f"-{words[0][0]}", words[1])
    return (*interface, "-p", "udp", "-m", "udp", "--dport", "53") if "udp" in words else interface


def _has_tag(line: str, chain: str, tag: str) -> bool:
    words = line.replace('"', "").split()
    return words[:2] == ["-A", chain] and tag in words


def _in_use(one: Filter) -> bool:
    try:
        with open(one.tables, encoding="ascii") as stream:
            return "filter" in stream.read().split()
    except OSError:
        return False


def _iptables(lock: NetworkLock, one: Filter, *arguments: str) -> str:
    name = next((each for each in one.programs if process.find(each)), one.programs[1])
    return lock.run([name, "-w", *arguments]).text
