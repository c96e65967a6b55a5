"""What a container's ``/etc/resolv.conf`` and ``/etc/hosts`` say. Pure but for ``read_*``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from dockyard.networks.model import Endpoint
from dockyard.system.files import read_text

_HOST_CONF = "/etc/resolv.conf"
_HOST_HOSTS = "/etc/hosts"
_RESOLVED_CONF = "/run/systemd/resolve/resolv.conf"
"""systemd-resolved's list of the real servers, behind its stub on 127.0.0.53."""

_OURS = ("ndots:0", "timeout:3", "attempts:3")
"""For name servers of ours (resolv.conf(5)): while theirs are taken up anew, which takes some
milliseconds, a question is lost and has to be asked again soon."""
_HOSTS = """\
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::\tip6-localnet
ff00::\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
"""


def nameservers(text: str) -> tuple[str, ...]:
    """The servers that a ``resolv.conf`` names (resolv.conf(5))."""
    lines = (line.split() for line in text.splitlines())
    return tuple(words[1] for words in lines if len(words) > 1 and words[0] == "nameserver")


def resolv_conf(host: str, resolved: str = "") -> str:
    """The ``resolv.conf`` of a container on a bridge.

    A server on the host's loopback, or on IPv6, can't be reached from there and is left out. No
    public server is put in instead: where none is left, names don't resolve.

    Args:
        host: text of the host's own file; a container on the host's network gets it as it is.
        resolved: text of systemd-resolved's list, used where ``host`` has no server that is left.
    """
    text = host
    if resolved and not any(map(_reachable, nameservers(host))):
        text = resolved
    return "".join(f"{line}\n" for line in text.splitlines() if _kept(line))


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """``--dns``, ``--dns-search`` and ``--dns-option``."""

    servers: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    """A single dot clears the list."""
    options: tuple[str, ...] = ()


def compose(base: str, asked: Asked, gateways: Sequence[str]) -> str:
    """The ``resolv.conf`` of a container with what was asked for.

    Args:
        base: what it would be otherwise.
        gateways: where the networks' own name servers answer; they ask those of ``asked``.
    """
    servers = tuple(gateways) or asked.servers
    inherited = () if asked.options else tuple(_options(base))
    options = asked.options
    if gateways:
        said = {each.partition(":")[0] for each in (*options, *inherited)}
        options = (*options, *(each for each in _OURS if each.partition(":")[0] not in said))
    replaced = {"nameserver": bool(servers), "search": bool(asked.search),
                "domain": bool(asked.search), "options": bool(options)}  # fmt: skip
    kept = [line for line in base.splitlines() if not replaced.get(line.partition(" ")[0])]
    search = [f"search {' '.join(asked.search)}"] if asked.search not in {(), (".",)} else []
    lines = [*kept, *(f"nameserver {each}" for each in servers), *search]
    if options:
        wanted = dict.fromkeys([*inherited, *options])
        lines.append(f"options {' '.join(wanted)}")
    return "".join(f"{line}\n" for line in lines)


def _options(text: str) -> list[str]:
    found = [line.split()[1:] for line in text.splitlines() if line.startswith("options")]
    return [each for line in found for each in line if not each.startswith("ndots:")]


def hosts(hostname: str, endpoints: Iterable[Endpoint]) -> str:
    """The ``hosts`` of a container; it has no ``endpoints`` where it has no network."""
    addresses = (each for one in endpoints for each in (one.address, one.address6) if each)
    return _HOSTS + "".join(f"{address}\t{hostname}\n" for address in addresses)


def read_for_container(*, host_network: bool) -> str:
    """The ``resolv.conf`` for a container of this host; empty where the host has none."""
    text = read_text(_HOST_CONF)
    return text if host_network else resolv_conf(text, read_text(_RESOLVED_CONF))


def read_host_hosts() -> str:
    """The host's own ``hosts``, for a container on the host's network."""
    return read_text(_HOST_HOSTS)


def _kept(line: str) -> bool:
    if line.startswith(("#", ";")):
        return False
    servers = nameservers(line)
    return all(map(_reachable, servers))


def _reachable(server: str) -> bool:
    return ":" not in server and not server.startswith("127.")
