"""What a container's ``/etc/resolv.conf`` and ``/etc/hosts`` say. Pure but for ``read_*``."""

from __future__ import annotations

from dockyard.networks.model import Endpoint

_HOST_CONF = "/etc/resolv.conf"
_HOST_HOSTS = "/etc/hosts"
_RESOLVED_CONF = "/run/systemd/resolve/resolv.conf"
"""systemd-resolved's list of the real servers, behind its stub on 127.0.0.53."""

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


def hosts(hostname: str, endpoint: Endpoint | None) -> str:
    """The ``hosts`` of a container; ``endpoint`` is ``None`` where it has no network."""
    return _HOSTS if endpoint is None else f"{_HOSTS}{endpoint.address}\t{hostname}\n"


def read_for_container(*, host_network: bool) -> str:
    """The ``resolv.conf`` for a container of this host; empty where the host has none."""
    text = _read(_HOST_CONF)
    return text if host_network else resolv_conf(text, _read(_RESOLVED_CONF))


def read_host_hosts() -> str:
    """The host's own ``hosts``, for a container on the host's network."""
    return _read(_HOST_HOSTS)


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read()
    except OSError:
        return ""


def _kept(line: str) -> bool:
    if line.startswith(("#", ";")):
        return False
    servers = nameservers(line)
    return all(map(_reachable, servers))


def _reachable(server: str) -> bool:
    return ":" not in server and not server.startswith("127.")
