"""``--device``, ``--gpus`` and values for block devices."""

from __future__ import annotations

from dockyard.arguments.errors import invalid
from dockyard.arguments.quantities import parse_size
from dockyard.containers.options import DeviceMapping, DeviceRate
from dockyard.decoding import natural
from dockyard.devices.request import ALL, GpuRequest

_ACCESS = frozenset("rwm")
_GPU_CAPABILITIES = frozenset({
    "gpu", "compute", "compat32", "display", "graphics", "ngx", "utility", "video",
})  # fmt: skip


def parse_device(text: str) -> DeviceMapping | str:
    """``--device``: ``HOST[:CONTAINER][:rwm]``; a CDI name ``VENDOR/CLASS=NAME`` as it is."""
    if is_cdi_name(text):
        return text
    host, *rest = text.split(":")
    container, access = host, "rwm"
    if len(rest) == 1 and rest[0] and _ACCESS.issuperset(rest[0]):
        access = rest[0]
    elif rest:
        container = rest[0] or host
        access = rest[1] if len(rest) == 2 else access
    if not host or len(rest) > 2:
        raise invalid(f"invalid device specification: {text}", "HOST[:CONTAINER[:rwm]]")
    if not access or not _ACCESS.issuperset(access):
        raise invalid(f"bad mode specified: {access}", "of r, w and m")
    for path in (host, container):
        if not path.startswith("/"):
            raise invalid(f"{path} is not an absolute path", "such as /dev/fuse")
    return DeviceMapping(host, container, access)


def is_cdi_name(text: str) -> bool:
    """True for ``VENDOR/CLASS=NAME``."""
    kind, equals, name = text.partition("=")
    return bool(equals and name) and "/" in kind and not kind.startswith("/")


def parse_gpus(text: str) -> GpuRequest:
    """``--gpus``: ``all``, a number, or ``device=``, ``count=``, ``driver=``, ``capabilities=``.

    A list within a field is quoted, as in Docker: ``'"device=0,1"'``; words after ``device=`` and
    ``capabilities=`` without quotes belong to them too.
    """
    import csv  # only where GPUs are asked for

    fields: dict[str, list[str]] = {}
    last = ""
    for word in next(csv.reader([text]), []):
        name, equals, value = word.partition("=")
        if not equals and last in {"device", "capabilities"}:
            fields[last].append(word)
            continue
        last = name if equals else "count"
        if last not in {"count", "driver", "device", "capabilities"}:
            why = "options are not supported" if last == "options" else f"unexpected key '{last}'"
            raise invalid(f"{why} in '{word}'", "all, a number, device=, driver=, capabilities=")
        if last in fields:
            raise invalid(
                f"gpu request key '{last}' can be specified only once",
                hint="put all values into one, such as capabilities=gpu,utility in quotes",
            )
        fields[last] = (value if equals else word).split(",")
    return _gpu_request(fields, text)


def parse_rate(text: str) -> DeviceRate:
    """``--device-read-bps``: ``PATH:SIZE``, a second."""
    path, value = _split_rate(text)
    return DeviceRate(path, parse_size(value))


def parse_count_rate(text: str) -> DeviceRate:
    """``--device-read-iops`` and ``--blkio-weight-device``: ``PATH:NUMBER``."""
    path, value = _split_rate(text)
    number = natural(value)
    if number is None:
        raise invalid(f"invalid rate for device: {text}", "PATH:NUMBER")
    return DeviceRate(path, number)


def _gpu_request(fields: dict[str, list[str]], text: str) -> GpuRequest:
    counts = fields.get("count")
    capabilities = tuple(filter(None, fields.get("capabilities", [])))
    for one in capabilities:
        if one not in _GPU_CAPABILITIES:
            raise invalid(f"unknown GPU capability: {one}",
                          f"known are {', '.join(sorted(_GPU_CAPABILITIES))}")  # fmt: skip
    ids = tuple(filter(None, fields.get("device", [])))
    if counts and ids:
        raise invalid(
            "cannot set both Count and DeviceIDs on device request",
            context=text,
            hint="leave out count= or device=",
        )
    count = None if ids else _count(counts[0] if counts else "1")
    if not counts and not ids and "device" in fields:
        raise invalid(f"no device is named in '{text}'", hint="such as device=0, or all")
    driver = fields.get("driver", [""])[0]
    return GpuRequest(count=count, ids=ids, driver=driver, capabilities=capabilities)


def _count(text: str) -> int:
    if text in {"all", "-1"}:
        return ALL
    count = natural(text)
    if not count:
        raise invalid(f"invalid count ({text})", "all or a number from 1")
    return count


def _split_rate(text: str) -> tuple[str, str]:
    path, colon, value = text.rpartition(":")
    if not (colon and path and value):
        raise invalid(f"bad format: {text}", "PATH:VALUE")
    if not path.startswith("/dev/"):
        raise invalid(f"bad format for device path: {text}", "such as /dev/sda:1mb")
    return path, value
