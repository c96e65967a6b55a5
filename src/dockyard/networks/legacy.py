"""The same for the kernel's older packet filter, which ``iptables-legacy`` programs.

It has no generation that would tell of a change, but also costs nothing where it is not in use.
"""

from __future__ import annotations

from collections.abc import Iterable

from dockyard.networks.firewall import Allowance
from dockyard.networks.lock import NetworkLock
from dockyard.system import process

_TABLES = "/proc/self/net/ip_tables_names"
_DOCKER_CHAIN = "DOCKER-USER"


def in_use() -> bool:
    """True where this namespace has a filter table of ``iptables-legacy``."""
    try:
        with open(_TABLES, encoding="ascii") as stream:
            return "filter" in stream.read().split()
    except OSError:
        return False


def allow(lock: NetworkLock, allowed: Allowance) -> None:
    """Adds what is missing. Call it where :func:`in_use`.

    Raises:
        ComponentMissing: neither ``iptables-legacy`` nor ``iptables`` is installed.
        ComponentFailed: it refused.
    """
    for arguments in insertions(_list(lock), allowed):
        _iptables(lock, *arguments)


def withdraw(lock: NetworkLock, allowed: Allowance) -> None:
    """Removes whatever :func:`allow` added. Idempotent."""
    for arguments in deletions(_list(lock), allowed):
        _iptables(lock, *arguments)


def insertions(listing: str, allowed: Allowance) -> tuple[tuple[str, ...], ...]:
    """Arguments of ``iptables`` that accept the bridge, given ``iptables -S``. Pure."""
    lines = listing.splitlines()
    if "-P FORWARD DROP" not in lines:
        return ()
    chain = _DOCKER_CHAIN if f"-N {_DOCKER_CHAIN}" in lines else "FORWARD"
    return tuple(
        ("-I", chain, f"-{side}", allowed.bridge, "-m", "comment", "--comment", tag, "-j", "ACCEPT")
        for side, tag in allowed.sides()
        if not any(_has_tag(line, chain, tag) for line in lines)
    )


def deletions(listing: str, allowed: Allowance) -> tuple[tuple[str, ...], ...]:
    """Arguments of ``iptables`` that remove our rules, given ``iptables -S``. Pure."""
    tags = {tag for _, tag in allowed.sides()}
    rules: Iterable[list[str]] = (line.replace('"', "").split() for line in listing.splitlines())
    return tuple(("-D", *words[1:]) for words in rules if words[0] == "-A" and tags & {*words})


def _has_tag(line: str, chain: str, tag: str) -> bool:
    words = line.replace('"', "").split()
    return words[:2] == ["-A", chain] and tag in words


def _list(lock: NetworkLock) -> str:
    return _iptables(lock, "-S")


def _iptables(lock: NetworkLock, *arguments: str) -> str:
    name = "iptables-legacy" if process.find("iptables-legacy") else "iptables"
    return lock.run([name, "-w", *arguments]).text
