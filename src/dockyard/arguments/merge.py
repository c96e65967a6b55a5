"""The Python API's arguments on top of options."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import msgspec

from dockyard.arguments import api
from dockyard.arguments.devices import parse_gpus
from dockyard.arguments.mounts import check_mounts, parse_model, parse_volume
from dockyard.arguments.quantities import parse_cpus, parse_size
from dockyard.containers.options import Devices, Mount, NetworkMode, Options
from dockyard.networks.model import DEFAULT_NETWORK, PortMapping


def merge(
    options: Options,
    *,
    name: str | None,
    command: Sequence[str] | None,
    ports: Mapping[int | str, int | str | None] | None,
    env: Mapping[str, str] | None,
    volumes: Mapping[str, str] | None,
    models: Mapping[str, str] | None = None,
    memory: int | str | None,
    cpus: float | str | None,
    gpus: int | str | None,
    network: NetworkMode,
    remove: bool,
    publish_address: str,
) -> Options:
    """``options`` with the arguments of :meth:`dockyard.Engine.run` on top.

    Raises:
        InvalidInput: one makes no sense, or is of another type than its annotation.
    """
    options = api.options("options", options, Options) or Options()
    published = _published(api.pairs("ports", ports, "{8000: 0}"), publish_address)
    networking, resources = options.networking, options.resources
    merged = msgspec.structs.replace(
        options,
        name=name or options.name,
        command=options.command if command is None else api.words(command),
        env=(*options.env, *api.variables(env)),
        mounts=check_mounts((*options.mounts, *_mounts(volumes, models))),
        remove=remove,
        networking=msgspec.structs.replace(
            networking,
            ports=(*networking.ports, *published),
            network=networking.network if network == DEFAULT_NETWORK else network,
        ),
        devices=_devices(options.devices, gpus),
        resources=msgspec.structs.replace(
            resources,
            memory=_memory(memory) or resources.memory,
            cpus=resources.cpus if cpus is None else _cpus(cpus),
        ),
    )
    return api.checked(merged)


def _devices(devices: Devices, gpus: int | str | None) -> Devices:
    if gpus is None:
        return devices
    return msgspec.structs.replace(devices, gpus=(*devices.gpus, parse_gpus(str(gpus))))


def _published(
    ports: Mapping[int | str, int | str | None], address: str
) -> tuple[PortMapping, ...]:
    from dockyard.networks.ports import parse_publish  # only where ports are published

    found: list[PortMapping] = []
    for container, host in ports.items():
        host_ip, colon, port = str(host or "").rpartition(":")
        wanted = "" if port == "0" else port
        parsed = parse_publish(f"{host_ip}{colon}{wanted}:{container}" if colon or wanted
                               else str(container))  # fmt: skip
        found += [msgspec.structs.replace(one, host_ip=one.host_ip or address) for one in parsed]
    return tuple(found)


def _mounts(
    volumes: Mapping[str, str] | None, models: Mapping[str, str] | None
) -> tuple[Mount, ...]:
    wanted = api.texts("volumes", volumes, '{"/host/dir": "/container/dir:ro"}')
    binds = tuple(_api_volume(source, target) for source, target in wanted.items())
    known = api.texts("models", models, '{"name:tag": "/container/dir"}')
    return (*binds, *(parse_model(f"{name}={target}") for name, target in known.items()))


def _api_volume(source: str, target: str) -> Mount:
    """A program's directory may be relative without a dot, for it can't be a volume's name."""
    path = os.path.expanduser(source)
    return parse_volume(f"{os.path.abspath(path) if '/' in path else path}:{target}", os.getcwd())


def _cpus(cpus: float | str) -> float | None:
    return parse_cpus(cpus) if isinstance(cpus, str) else cpus


def _memory(memory: int | str | None) -> int | None:
    return parse_size(memory) if isinstance(memory, str) else memory
