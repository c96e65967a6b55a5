"""How many connections of the host's a replica has: what it is still to finish."""

from __future__ import annotations

import socket
import struct

from dockyard.system.host import ProcessIdentity

_ESTABLISHED = "01"


def established(text: str, port: int, peer: str) -> int:
    """Connections to a port from one address, in the words of ``/proc/PID/net/tcp``. Pure.

    Args:
        port: 0 for any.
    """
    wanted = _hex_address(peer)
    count = 0
    for line in text.splitlines()[1:]:
        words = line.split()
        local, remote, state = words[1], words[2], words[3]
        if state != _ESTABLISHED or port not in {0, int(local.rpartition(":")[2], 16)}:
            continue
        count += remote.rpartition(":")[0][-8:] == wanted
    return count


def _hex_address(address: str) -> str:
    """As the kernel writes it: the bytes of each word in the host's order."""
    return f"{struct.unpack('=I', socket.inet_aton(address))[0]:08X}"


def open_to(process: ProcessIdentity, port: int, peer: str) -> int:
    """Connections that a replica has from the host; 0 once it is gone."""
    count = 0
    for name in ("tcp", "tcp6"):
        try:
            with open(f"/proc/{process.pid}/net/{name}", encoding="ascii") as stream:
                text = stream.read()
        except OSError:
            return 0
        count += established(text, port, peer)
    return count if process.alive() else 0
