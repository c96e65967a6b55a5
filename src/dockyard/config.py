"""What the user configures, read once from the environment and passed down.

Nothing else in Dockyard reads the environment for its own settings, so a program that imports
Dockyard can run two engines with two configurations side by side.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Self

import msgspec

from dockyard.errors import InvalidInput

ANY_ADDRESS = "0.0.0.0"  # noqa: S104  # Docker's default; see docs/security.md
LATEST_EPOCH = 253402300799
"""The last second of the year 9999: RFC 3339 has no later ones."""


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of one engine.

    ``root`` holds the state that outlives a reboot, ``run`` what does not. Both are absolute.
    """

    root: str
    run: str
    runtime: str | None = None
    """Name or path of the OCI runtime; ``None`` lets the probe choose."""
    apt_mirror: str | None = None
    """A Debian mirror that only this host uses; never stored in an image."""
    publish_address: str = ANY_ADDRESS
    """Address on which ports are published where the caller names none."""
    cdi_directories: tuple[str, ...] = ("/etc/cdi", "/var/run/cdi")
    """Where specifications of devices are (CDI); the later ones take precedence."""
    source_date_epoch: int | None = None
    """Seconds since 1970 that every build uses as its time, where set."""
    log_driver: str | None = None
    """Log driver of containers for which none is named; ``None`` is ``json-file``."""
    log_options: Mapping[str, str] = {}
    """Its options, such as ``max-size``."""
    compression: str | None = None
    """How layers are compressed that are pushed; ``None`` is zstd."""
    registries: str | None = None
    """A file with what is set for registries; ``None`` looks for it where the system's are."""
    layers: str = "packages"
    """Layers of builds for which nothing is said: ``packages`` or ``plain``."""
    gateway_listen: str = "127.0.0.1:8080"
    """Where the gateway listens for routes that don't say: ``ADDRESS:PORT``."""
    metrics_listen: str = ""
    """Where the controller of services answers Prometheus at ``/metrics``; nowhere where empty."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Reads ``DOCKYARD_*``, ``XDG_*`` and ``SOURCE_DATE_EPOCH``.

        Raises:
            InvalidInput: a variable has a value that means nothing.
        """
        env = os.environ if environ is None else environ
        root, run = _default_directories(env)
        return cls(
            root=os.path.realpath(env.get("DOCKYARD_ROOT") or root),
            run=os.path.realpath(env.get("DOCKYARD_RUN") or run),
            runtime=env.get("DOCKYARD_RUNTIME") or None,
            apt_mirror=env.get("DOCKYARD_APT_MIRROR") or None,
            publish_address=_address(env.get("DOCKYARD_PUBLISH_ADDRESS") or ANY_ADDRESS),
            cdi_directories=_directories(env.get("DOCKYARD_CDI_SPEC_DIRS", "")),
            source_date_epoch=_epoch(env.get("SOURCE_DATE_EPOCH", "")),
            log_driver=env.get("DOCKYARD_LOG_DRIVER") or None,
            log_options=_options(env.get("DOCKYARD_LOG_OPTS", "")),
            compression=env.get("DOCKYARD_COMPRESSION") or None,
            registries=env.get("DOCKYARD_REGISTRIES") or None,
            layers=_layers(env.get("DOCKYARD_LAYERS", "")),
            gateway_listen=_listen("DOCKYARD_GATEWAY", env) or "127.0.0.1:8080",
            metrics_listen=_listen("DOCKYARD_METRICS", env),
        )


def of_root(root: str, run: str) -> Config:
    """The settings of a helper of ours for one root: the environment's, where they make sense."""
    try:
        return Config.from_environment({**os.environ, "DOCKYARD_ROOT": root, "DOCKYARD_RUN": run})
    except InvalidInput:  # of a program that gave its engine others
        return Config(root=root, run=run)


def _address(text: str) -> str:
    import socket

    try:
        socket.inet_aton(text)
    except OSError:
        raise InvalidInput(
            f"DOCKYARD_PUBLISH_ADDRESS is not an IPv4 address: {text}",
            hint="such as 127.0.0.1, which keeps published ports on this host",
        ) from None
    return text


def _directories(text: str) -> tuple[str, ...]:
    """Absolute paths of a list with colons; CDI's own directories where it is empty."""
    found = tuple(filter(None, text.split(":")))
    for path in found:
        if not path.startswith("/"):
            raise InvalidInput(
                f"DOCKYARD_CDI_SPEC_DIRS has a path that is not absolute: {path}",
                hint="such as /etc/cdi:/var/run/cdi",
            )
    return found or ("/etc/cdi", "/var/run/cdi")


def _options(text: str) -> dict[str, str]:
    found = {}
    for entry in filter(None, text.split(",")):
        name, equals, value = entry.partition("=")
        if not (name and equals):
            raise InvalidInput(
                f"DOCKYARD_LOG_OPTS has no NAME=VALUE: {entry}",
                hint="such as max-size=10m,max-file=3",
            )
        found[name] = value
    return found


def _layers(text: str) -> str:
    if text not in {"", "packages", "plain"}:
        raise InvalidInput(f"DOCKYARD_LAYERS has no such value: {text}", hint="packages or plain")
    return text or "packages"


def _listen(name: str, env: Mapping[str, str]) -> str:
    text = env.get(name, "")
    if not text:
        return ""
    address, colon, port = text.rpartition(":")
    if not (colon and address and port.isascii() and port.isdecimal() and 0 < int(port) < 1 << 16):
        raise InvalidInput(
            f"{name} is not ADDRESS:PORT: {text}", hint="such as 127.0.0.1:8080 or 0.0.0.0:80"
        )
    return text


def _epoch(text: str) -> int | None:
    if not text:
        return None
    from dockyard.decoding import natural  # few have it set

    epoch = natural(text, LATEST_EPOCH)
    if epoch is None:
        raise InvalidInput(
            f"SOURCE_DATE_EPOCH is no such number: {text}", hint="it counts seconds since 1970"
        )
    return epoch


def _default_directories(env: Mapping[str, str]) -> tuple[str, str]:
    if os.geteuid() == 0:
        return "/var/lib/dockyard", "/run/dockyard"
    home = env.get("HOME", "/nonexistent")
    data = env.get("XDG_DATA_HOME") or f"{home}/.local/share"
    runtime = env.get("XDG_RUNTIME_DIR") or f"/run/user/{os.geteuid()}"
    return f"{data}/dockyard", f"{runtime}/dockyard"
