"""What the engine says of ``run``'s and ``build``'s flags, in a Compose file's words. Pure."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from typing import Final

from dockyard.compose.model.parts import DeployResources, ResourceValues
from dockyard.compose.model.service import Service
from dockyard.errors import DockyardError

_SAME: Final = (
    "cgroup_parent", "cpu_period", "cpu_quota", "cpu_rt_period", "cpu_rt_runtime", "cpu_shares",
    "cpus", "ipc", "oom_kill_disable", "oom_score_adj", "pids_limit", "shm_size",
)  # fmt: skip
_LIMITS: Final[Mapping[str, str]] = {
    **{f"--{name.replace('_', '-')}": name for name in _SAME},
    "--blkio-weight": "blkio_config.weight",
    "--blkio-weight-device": "blkio_config.weight_device",
    "--cpuset-cpus": "cpuset",
    "--memory": "mem_limit",
    "--memory-reservation": "mem_reservation",
    "--memory-swap": "memswap_limit",
    "--memory-swappiness": "mem_swappiness",
    "--ulimit": "ulimits",
}
"""Flags of ``run``, and the properties of services that stand for them."""
_BUILDS: Final = (
    (re.compile(r"--secret id=\S+(?: \(or env=NAME\)| or id=NAME,env=VARIABLE)?"), "secrets"),
    (re.compile(r"--secret"), "secrets"),
    (re.compile(r"--ssh[ =]\S+"), "ssh"),
    (re.compile(r"--ssh"), "ssh"),
    (re.compile(r"--build-arg"), "args"),
    (re.compile(r"--target"), "target"),
    (re.compile(r"--platform"), "platforms"),
    (re.compile(r"--build-context"), "additional_contexts"),
    (re.compile(r"--allow(?:[ =]network\.host)"), "network: host"),
    (re.compile(r"--allow(?:[ =]\S+)?"), "entitlements"),
)
_FLAG: Final = re.compile(r"--[a-z-]+")
_ULIMIT: Final = re.compile(r"--ulimit ([a-z]+)=(-?\d+):(-?\d+)")


@contextlib.contextmanager
def of_limits(service: Service) -> Iterator[None]:
    """Has errors about limits name the properties: ``services.web.mem_limit: ...``."""
    try:
        yield
    except DockyardError as error:
        properties = _properties(service)
        where = next((properties[flag] for flag in _flags(error) if flag in properties), "")
        if where and not error.message.startswith("services."):
            error.message = f"services.{service.name}.{where}: {_said(error.message, properties)}"
            error.args = (error.message,)
        error.hint = None if error.hint is None else _said(error.hint, properties)
        raise


@contextlib.contextmanager
def of_builds(service: str) -> Iterator[None]:
    """Has hints of a build name its properties: ``services.web.build.args``."""
    try:
        yield
    except DockyardError as error:
        for pattern, name in _BUILDS if error.hint else ():
            error.hint = pattern.sub(f"services.{service}.build.{name}", error.hint or "")
        raise


def _flags(error: DockyardError) -> list[str]:
    return _FLAG.findall(f"{error.message} {error.hint or ''}")


def _properties(service: Service) -> dict[str, str]:
    """Those that the service uses: limits may be part of ``deploy``."""
    found = dict(_LIMITS)
    asked = DeployResources() if service.deploy is None else service.deploy.resources
    limits, reserved = asked.limits or ResourceValues(), asked.reservations or ResourceValues()
    deployed = {"--memory": limits.memory, "--cpus": limits.cpus, "--pids-limit": limits.pids}
    for flag, value in deployed.items():
        if value:
            name = flag.removeprefix("--").removesuffix("-limit")
            found[flag] = f"deploy.resources.limits.{name}"
    if reserved.memory:
        found["--memory-reservation"] = "deploy.resources.reservations.memory"
    return found


def _said(text: str, properties: Mapping[str, str]) -> str:
    text = _ULIMIT.sub(r"ulimits: {\1: {soft: \2, hard: \3}}", text)
    return _FLAG.sub(lambda match: properties.get(match[0], match[0]), text)
