"""From ``--log-driver`` and ``--log-opt`` to what is kept, with Docker's rules and words. Pure."""

from collections.abc import Mapping

import msgspec

from dockyard.containers.options import Logging
from dockyard.decoding import INT64_MAX, natural
from dockyard.errors import InvalidInput, NotSupported
from dockyard.oci.booleans import parse_go_boolean

DRIVERS = ("json-file", "local", "none")
DEFAULT_DRIVER = "json-file"

_COMMON = frozenset({"mode", "max-buffer-size"})
_KNOWN = {
    "json-file": _COMMON | {"max-size", "max-file", "compress", "labels", "labels-regex", "env",
                            "env-regex", "tag"},
    "local": _COMMON | {"max-size", "max-file", "compress"},
}  # fmt: skip
_REFUSED = frozenset({"labels-regex", "env-regex", "tag", "max-buffer-size"})
_ELSEWHERE = frozenset({
    "awslogs", "etwlogs", "fluentd", "gcplogs", "gelf", "journald", "splunk", "syslog",
})  # fmt: skip
_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


class LogSettings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What of a container's output is kept."""

    driver: str = DEFAULT_DRIVER
    max_size: int = 0
    """Bytes of a file after which the next one begins; 0 is without end."""
    max_files: int = 1
    """Files kept, with the one that is being written."""
    compress: bool = False
    """Compress those that are complete."""
    details: dict[str, str] = msgspec.field(default_factory=dict)
    """Labels and variables that ``logs --details`` shows."""

    @property
    def rotates(self) -> bool:
        """Somebody has to begin new files."""
        return self.max_size > 0


def choose(asked: Logging, default: Logging) -> Logging:
    """The driver and options of a container; a default's options go with its driver alone."""
    driver = asked.driver or default.driver or DEFAULT_DRIVER
    inherited = default.options if driver == (default.driver or DEFAULT_DRIVER) else {}
    return Logging(driver=driver, options={**inherited, **asked.options})


def resolve(
    logging: Logging, labels: Mapping[str, str], environment: Mapping[str, str]
) -> LogSettings:
    """What a driver and its options mean.

    Args:
        labels: the container's, for ``--log-opt labels=``.
        environment: the container's, for ``--log-opt env=``.

    Raises:
        InvalidInput: an unknown driver or option, or a value that makes no sense.
        NotSupported: Docker has it and Dockyard doesn't.
    """
    driver, options = logging.driver or DEFAULT_DRIVER, logging.options
    _check_names(driver, options)
    if driver == "none":
        return LogSettings(driver=driver)
    local = driver == "local"
    size = _size(options, "20m" if local else "")
    files = _files(options, 5 if local else 1)
    compress = _boolean(options, default=local)
    if compress and local and files < 2:
        raise _invalid("compression cannot be enabled when max file count is 1",
                       "give compress=false too")  # fmt: skip
    if compress and (files < 2 or size == 0):
        raise _invalid(
            "compress cannot be true when max-file is less than 2 or max-size is not set",
            "such as --log-opt max-size=10m --log-opt max-file=3",
        )
    if files > 1 and size == 0:
        raise _invalid("max-file has no effect when max-size is not set",
                       "such as --log-opt max-size=10m --log-opt max-file=3")  # fmt: skip
    shown = {**_chosen(options, "labels", labels), **_chosen(options, "env", environment)}
    return LogSettings(
        driver=driver, max_size=size, max_files=files, compress=compress, details=shown
    )


def parse_option(text: str) -> tuple[str, str]:
    """``--log-opt``: ``NAME=VALUE``."""
    name, _, value = text.partition("=")
    if not name:
        raise _invalid(f"invalid log option: {text!r}", "such as max-size=10m")
    return name, value


def _check_names(driver: str, options: Mapping[str, str]) -> None:
    if driver in _ELSEWHERE:
        raise NotSupported(
            f"log driver {driver} is not supported yet", hint=_one_of_ours(), exit_code=125
        )
    if driver not in DRIVERS:
        raise _invalid(f"error looking up logging plugin {driver}: plugin not found",
                       _one_of_ours())  # fmt: skip
    if driver == "none":
        if options:
            raise _invalid("invalid logging opts for driver none", "it keeps nothing")
        return
    for name in options:
        if name not in _KNOWN[driver]:
            raise _invalid(f"unknown log opt '{name}' for {driver} log driver",
                           f"it takes {', '.join(sorted(_KNOWN[driver] - _REFUSED))}")  # fmt: skip
        if name in _REFUSED or (name == "mode" and options[name] != "blocking"):
            raise NotSupported(
                f"log opt {name} is not supported yet",
                hint="a program always waits until its output is written (mode=blocking)"
                if name in {"mode", "max-buffer-size"} else "labels= and env= take names",
                exit_code=125,
            )  # fmt: skip


def _one_of_ours() -> str:
    return f"one of {', '.join(DRIVERS)}"


def _size(options: Mapping[str, str], default: str) -> int:
    text = options.get("max-size", default)
    if not text:
        return 0
    lower = text.lower().removesuffix("ib").removesuffix("b") or text
    number = lower.rstrip("kmgt")
    unit = lower[len(number) :]
    if unit not in _UNITS or not number.replace(".", "", 1).isdecimal() or not number.isascii():
        raise _invalid(f"invalid size: '{text}'", "such as 512k, 10m or 1g")
    size = float(number) * _UNITS[unit]
    if not 1 <= size <= INT64_MAX:
        raise _invalid("max-size must be a positive number", "such as 512k, 10m or 1g")
    return int(size)


def _files(options: Mapping[str, str], default: int) -> int:
    text = options.get("max-file")
    if text is None:
        return default
    count = natural(text.removeprefix("-"))
    if count is None:
        raise _invalid(f"max-file: not a number: {text}", "a number of files, such as 3")
    if count < 1 or text.startswith("-"):
        raise _invalid("max-file cannot be less than 1", "a number of files, such as 3")
    return count


def _boolean(options: Mapping[str, str], *, default: bool) -> bool:
    text = options.get("compress")
    if text is None:
        return default
    value = parse_go_boolean(text)
    if value is None:
        raise _invalid(f"compress: neither true nor false: {text}", "true or false")
    return value


def _chosen(options: Mapping[str, str], name: str, values: Mapping[str, str]) -> dict[str, str]:
    return {key: values[key] for key in options.get(name, "").split(",") if key in values}


def _invalid(message: str, hint: str) -> InvalidInput:
    return InvalidInput(message, hint=hint, exit_code=125)
