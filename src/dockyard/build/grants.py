"""What the command line gives to all RUN steps, and what it allows them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec
from msgspec.structs import replace

from dockyard.build.dockerfile import instructions as ins
from dockyard.containers.model import Ulimit
from dockyard.errors import BuildError, InvalidInput
from dockyard.networks import spelling
from dockyard.networks.addresses import is_address

HOST_NETWORK = "network.host"
INSECURE = "security.insecure"
HOST_GATEWAY = "host-gateway"
"""Stands for the address under which a step reaches this host."""

DEVICE = "device"
"""All devices of vendors; ``device=NAME`` is one."""

_ENTITLEMENTS = frozenset({HOST_NETWORK, INSECURE, DEVICE})

Network = Literal["default", "none", "host"]


class StepOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Options of a build that concern its RUN steps.

    ``network`` is for steps that name none themselves, ``hosts`` are names and addresses for
    ``/etc/hosts``, ``shm_size`` is in bytes, ``cgroup_parent`` the cgroup (or slice) for theirs.
    """

    network: Network = "default"
    allow: frozenset[str] = frozenset()
    hosts: tuple[tuple[str, str], ...] = ()
    shm_size: int | None = None
    ulimits: tuple[Ulimit, ...] = ()
    cgroup_parent: str | None = None

    def check(self, step: ins.Run) -> None:
        """Raises :class:`BuildError` for a step that asks for what isn't allowed."""
        if step.network is ins.NetworkMode.HOST and HOST_NETWORK not in self.allow:
            raise _not_allowed(HOST_NETWORK)
        if step.security is ins.SecurityMode.INSECURE and INSECURE not in self.allow:
            raise _not_allowed(INSECURE)
        for device in step.devices:
            if not self.allow & {DEVICE, f"{DEVICE}={device.name}"}:
                raise BuildError(
                    f'device "{device.name}" is requested by the build but not allowed',
                    hint=f"if you trust this Dockerfile, build with --allow device={device.name}",
                    reference="not-allowed",
                )

    def network_of(self, step: ins.Run) -> str:
        """The network of a step: its own, or else that of the build."""
        return self.network if step.network is ins.NetworkMode.DEFAULT else step.network.value


def granted(options: StepOptions | None, allow: Iterable[str]) -> StepOptions:
    """The options with more entitlements.

    Raises:
        InvalidInput: an entitlement or a host that is none.
    """
    before = options or StepOptions()
    for name, address in before.hosts:
        _check_host(name, address, f"{name}:{address}")
    return replace(before, allow=before.allow | {parse_allow(each) for each in allow})


def parse_allow(text: str) -> str:
    """``--allow``: an entitlement.

    Raises:
        InvalidInput: there is no such one.
    """
    if text not in _ENTITLEMENTS and not text.startswith(f"{DEVICE}="):
        raise InvalidInput(
            f"unknown entitlement {text}", hint=f"known are {', '.join(sorted(_ENTITLEMENTS))}"
        )
    return text


def parse_network(text: str) -> Network:
    """``--network`` of a build.

    Raises:
        InvalidInput: any other than those that a build has.
    """
    match text:
        case "" | "default" | "bridge":
            return "default"
        case "none":
            return "none"
        case "host":
            return "host"
    raise InvalidInput(f'network mode "{text}" not supported by build', hint="default, none, host")


def parse_host(text: str) -> tuple[str, str]:
    """``--add-host``: ``NAME:ADDRESS`` or ``NAME=ADDRESS``; the name and the address.

    Raises:
        InvalidInput: it is neither.
    """
    name, _, address = text.partition("=" if "=" in text else ":")
    address = address.removeprefix("[").removesuffix("]")
    _check_host(name, address, text)
    return name, address


def _check_host(name: str, address: str, text: str) -> None:
    if not (address and spelling.is_word(name)):
        raise InvalidInput(f"bad format for add-host: {text!r}", hint="the form is NAME:ADDRESS")
    if address != HOST_GATEWAY and not is_address(address):
        raise InvalidInput(
            f"invalid IP address in add-host: {address!r}",
            hint="an IPv4 or IPv6 address, or host-gateway",
        )


def _not_allowed(entitlement: str) -> BuildError:
    return BuildError(
        f"{entitlement} is not allowed",
        hint=f"if you trust this Dockerfile, build with --allow {entitlement}",
        reference="not-allowed",
    )
