"""From what was asked for to what can be kept: other containers by id, and all checks.

Nothing is changed on the host. What holds only while a container runs (the processes whose
namespaces are joined, device numbers) is looked up by :mod:`dockyard.containers.surroundings`.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from dockyard.config import ANY_ADDRESS
from dockyard.containers import (
    host_devices,
    networking,
    spec_devices,
    spec_mounts,
    spec_namespaces,
    spec_network,
    spec_resources,
    spec_rights,
)
from dockyard.containers.model import Container, Mount, Networking, Options
from dockyard.containers.parts import Parts
from dockyard.containers.restart import decide
from dockyard.errors import InvalidInput
from dockyard.images import platforms
from dockyard.images.model import Image
from dockyard.system.signals import signal_number


def settle(parts: Parts, image: Image, image_name: str, options: Options, profile: str) -> Options:
    """The options with the containers that they name as ids; warns of what can't be kept.

    Raises:
        InvalidInput, NotSupported, PermissionMissing, NotFound: the options can't be met.
    """
    decide.check(options)
    if options.stop_signal is not None:
        signal_number(options.stop_signal)
    spec_namespaces.check(options)
    spec_network.check(options)
    _check_platform(parts, image, image_name, options.platform)
    if options.devices.cdi or options.devices.gpus:
        parts.devices.resolve(options.devices.cdi, options.devices.gpus)
    spec_mounts.check_labels(options, selinux=parts.facts.selinux)
    facts = parts.facts_for(options.resources)
    _, warnings = spec_resources.limits(options.resources, facts, host_devices.number_of)
    for warning in warnings:
        parts.warn(warning)
    spec_rights.rights(options.security, parts.facts, profile, filtered=profile != "")
    for rule in options.devices.cgroup_rules:
        spec_devices.cgroup_rule(rule)
    joined = {
        kind: spec_namespaces.donor_mode(parts.store.find(name).id)
        for kind, name in spec_namespaces.donors(options.namespaces).items()
    }
    settled = networking.settle(parts, options.networking)
    binding = networking.host_binding(parts, settled)
    return msgspec.structs.replace(
        options,
        namespaces=msgspec.structs.replace(options.namespaces, **joined),
        networking=_addressed(settled, binding or parts.config.publish_address),
    )


def _addressed(networking: Networking, default: str) -> Networking:
    """The ports on the address that is configured now, if one is.

    Whoever starts the container later, such as the controller after a reboot, may have another
    configuration.
    """
    if default == ANY_ADDRESS:
        return networking
    ports = tuple(
        msgspec.structs.replace(port, host_ip=port.host_ip or default) for port in networking.ports
    )
    return msgspec.structs.replace(networking, ports=ports)


def donated_mounts(parts: Parts, options: Options) -> tuple[Mount, ...]:
    """The binds and volumes of ``--volumes-from`` whose targets the user didn't mount otherwise.

    Raises:
        NotFound: no such container.
        InvalidInput: an unknown mode, or the container's volumes don't exist yet.
    """
    chosen: dict[str, Mount] = {}
    for entry in options.volumes_from:
        name, access = spec_mounts.volumes_from(entry)
        donor = parts.store.find(name)
        chosen |= {mount.target: mount for mount in _given(donor, access)}
    own = {mount.target for mount in options.mounts}
    return tuple(mount for target, mount in chosen.items() if target not in own)


def read_profile(parts: Parts, options: Options) -> str:
    """Text of the file that ``--security-opt seccomp=FILE`` names; empty where none is named.

    It is kept with the container, so that a later start has the same filter.
    """
    path = spec_rights.choices(options.security.options, parts.facts).seccomp_file
    if path is None:
        return ""
    try:
        with open(path, encoding="utf-8") as stream:
            return stream.read()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(
            f"cannot read the seccomp profile {path}: {error}",
            hint="--security-opt seccomp=FILE, or seccomp=unconfined for none",
            exit_code=125,
        ) from error


def _given(donor: Container, access: str) -> Sequence[Mount]:
    mounts = [mount for mount in donor.mounts if mount.kind != "tmpfs"]
    if any(mount.source is None for mount in mounts):
        raise InvalidInput(
            f"the volumes of container {donor.name} don't exist yet",
            hint=f"start it first: dockyard start {donor.name}",
            exit_code=125,
        )
    return [
        msgspec.structs.replace(mount, read_only=mount.read_only or access == "ro", no_copy=True)
        for mount in mounts
    ]


def _check_platform(parts: Parts, image: Image, image_name: str, wanted: str | None) -> None:
    """Docker's rule: another platform has to be asked for, and the image has to have it."""
    platforms.require(image.config, image_name, wanted, exit_code=125)
    if wanted is not None or platforms.fits(image.config, platforms.here()):
        return
    own = platforms.of(image.config)
    parts.warn(
        f"the requested image's platform ({own}) does not match the detected host platform"
        f" ({platforms.here()}) and no specific platform was requested"
        + (
            f": --platform {own} lets its programs open sockets"
            if own.architecture == "386"
            else ""
        )
    )
