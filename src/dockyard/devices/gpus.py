"""From ``--gpus`` to names of devices. Pure."""

from __future__ import annotations

from dockyard.devices.registry import Registry
from dockyard.devices.request import ALL, GpuRequest
from dockyard.devices.rules import is_qualified
from dockyard.errors import InvalidInput, NotFound

HOW = (
    "nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml describes the GPUs of this host"
    " (amd-ctk cdi generate for AMD's)"
)
_CLASS = "gpu"
_EVERY = "all"
_PREFERRED = "nvidia.com/gpu"
_CDI = "cdi"


def select(request: GpuRequest, registry: Registry) -> tuple[str, ...]:
    """The qualified names of the devices that a request means.

    As in Docker a number takes the first ones by index, whether others use them or not.

    Raises:
        NotFound: there are no such GPUs.
        InvalidInput: several vendors have GPUs here, and none is named.
    """
    if request.driver == _CDI or any(map(is_qualified, request.ids)):
        return request.ids
    kind = _kind(request.driver, registry)
    names = registry.names_of(kind)
    if request.ids:
        return _named(request.ids, kind, names)
    single = [name for name in names if name != _EVERY]
    indexed = [name for name in single if name.isdecimal()] or single
    if request.count == ALL:
        chosen = [_EVERY] if _EVERY in names else indexed
        return tuple(f"{kind}={name}" for name in chosen)
    wanted = request.count or 1
    if wanted > len(indexed):
        raise NotFound(
            f"could not select {wanted} GPUs: {kind} has {len(indexed)}",
            hint=f"there are: {', '.join(names)}",
            reference="no-such-gpu",
            exit_code=125,
        )
    return tuple(f"{kind}={name}" for name in indexed[:wanted])


def _kind(driver: str, registry: Registry) -> str:
    """``VENDOR/gpu``: the driver's, else NVIDIA's, else the only one there is."""
    kinds = [kind for kind in registry.kinds() if kind.partition("/")[2] == _CLASS]
    if driver:
        fitting = [kind for kind in kinds if driver in {kind, *_short_names(kind)}]
        if not fitting:
            raise _none(f'could not select device driver "{driver}"', kinds)
        return fitting[0]
    if _PREFERRED in kinds:
        return _PREFERRED
    if len(kinds) > 1:
        raise InvalidInput(
            f"GPUs of several vendors are here: {', '.join(kinds)}",
            hint=f"name one: --gpus all,driver={_short_names(kinds[0])[1]},"
            f" or --device {kinds[0]}=NAME",
            exit_code=125,
        )
    if not kinds:
        raise _none("no GPU is described on this host", kinds)
    return kinds[0]


def _short_names(kind: str) -> tuple[str, str]:
    """Of ``nvidia.com/gpu``: ``nvidia.com`` and ``nvidia``."""
    vendor = kind.partition("/")[0]
    return vendor, vendor.partition(".")[0]


def _named(ids: tuple[str, ...], kind: str, names: tuple[str, ...]) -> tuple[str, ...]:
    unknown = [name for name in ids if name not in names]
    if unknown:
        raise NotFound(
            f"no such GPU: {', '.join(f'{kind}={name}' for name in unknown)}",
            hint=f"there are: {', '.join(names)}",
            reference="no-such-gpu",
            exit_code=125,
        )
    return tuple(f"{kind}={name}" for name in ids)


def _none(what: str, kinds: list[str]) -> NotFound:
    there = f"there are {', '.join(kinds)}; " if kinds else ""
    return NotFound(what, hint=f"{there}{HOW}", reference="no-such-gpu", exit_code=125)
