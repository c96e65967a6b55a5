"""What of the specification has no meaning on one machine, or isn't there: refused, or warned of.

Nothing that a file says is dropped without a word. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from dockyard.compose import rolling
from dockyard.compose.model.parts import Deploy, Port, RestartPolicy, ServiceModel
from dockyard.compose.model.project import Project
from dockyard.compose.model.service import Service
from dockyard.errors import NotSupported

_WINDOWS: Final = "it is for Windows"

REFUSED: Final[dict[str, tuple[Callable[[Service], object], str]]] = {
    "credential_spec": (lambda one: one.credential_spec, f"leave it out: {_WINDOWS}"),
    "cpu_count": (lambda one: one.cpu_count, f"write cpus instead: {_WINDOWS}"),
    "cpu_percent": (lambda one: one.cpu_percent, f"write cpus instead: {_WINDOWS}"),
    "isolation": (
        lambda one: one.isolation not in {"", "default"}, f"leave it out: {_WINDOWS}",
    ),
    "provider": (
        lambda one: one.provider, "run what it provides yourself, and give services its address",
    ),
    "storage_opt": (
        lambda one: one.storage_opt, "leave it out: containers share the disk of the root",
    ),
    "use_api_socket": (
        lambda one: one.use_api_socket, "leave it out: there is no daemon with such a socket",
    ),
    "external_links": (
        lambda one: any(_renames(entry) for entry in one.external_links),
        "put both on one network, and use the container's own name there",
    ),
}  # fmt: skip
"""Properties of services without which a container isn't what the file means; and what to do."""


def _endless(policy: RestartPolicy) -> bool:
    """Whether it counts attempts that the engine doesn't: those of ``on-failure`` alone."""
    return bool(policy.max_attempts) and policy.condition != "on-failure"


_DEPLOY: Final[dict[str, Callable[[Deploy], object]]] = {
    "endpoint_mode": lambda one: one.endpoint_mode,
    "labels": lambda one: one.labels,
    "mode": lambda one: one.mode not in {"", "replicated"},
    "placement": lambda one: one.placement,
    "rollback_config": lambda one: one.rollback_config,
    "update_config.max_failure_ratio": (
        lambda one: one.update_config and one.update_config.max_failure_ratio
    ),
    "restart_policy.delay": lambda one: one.restart_policy and one.restart_policy.delay,
    "restart_policy.window": lambda one: one.restart_policy and one.restart_policy.window,
    "restart_policy.max_attempts": lambda one: one.restart_policy and _endless(one.restart_policy),
    "resources.limits.devices": lambda one: one.resources.limits and one.resources.limits.devices,
    "resources.reservations.cpus": (
        lambda one: one.resources.reservations and one.resources.reservations.cpus
    ),
    "resources.reservations.generic_resources": (
        lambda one: one.resources.reservations and one.resources.reservations.generic_resources
    ),
}
"""Of ``deploy``: what only several machines have a meaning for, and what the engine lacks."""

_PORTS: Final[dict[str, Callable[[Port], object]]] = {
    "app_protocol": lambda one: one.app_protocol,
    "mode": lambda one: one.mode not in {"", "ingress", "host"},
}


def refuse(project: Project) -> None:
    """Refuses what can't be had.

    Raises:
        NotSupported: in the order of the services; the message is the value's path.
    """
    for name, service in project.services.items():
        for field, (is_asked, hint) in REFUSED.items():
            if is_asked(service):
                raise NotSupported(f"services.{name}.{field}: it is not supported", hint=hint)


def warnings(project: Project) -> tuple[str, ...]:
    """A sentence for each value that has no effect."""
    found = [
        _ignored(path)
        for service in project.services.values()
        for path in (*_paths(service), *_files(project, service))
    ]
    found += [sentence for one in project.services.values() for sentence in of_build(one)]
    found += [
        _ignored(f"networks.{name}.attachable")
        for name, network in project.networks.items()
        if network.attachable
    ]
    found += [
        f"models.{name}.{field} has no effect: models are mounted, nothing serves them"
        for name, model in project.models.items()
        for field in ("context_size", "runtime_flags")
        if getattr(model, field)
    ]
    return tuple(found)


def of_build(service: Service) -> tuple[str, ...]:
    """A sentence for each value of a service's build that has no effect."""
    if service.build is None:
        return ()
    return tuple(
        f"services.{service.name}.build.secrets[{index}].{field} has no effect: the Dockerfile's"
        " RUN --mount=type=secret says it"
        for index, each in enumerate(service.build.secrets)
        for field, given in (("uid", each.uid), ("gid", each.gid), ("mode", each.mode is not None))
        if given
    )


def _paths(service: Service) -> Iterator[str]:
    where = f"services.{service.name}"
    yield from (f"{where}.deploy.{field}" for field in _deployed(service))
    for index, port in enumerate(service.ports):
        yield from (f"{where}.ports[{index}].{field}" for field, has in _PORTS.items() if has(port))
    for index, volume in enumerate(service.volumes):
        if volume.consistency:
            yield f"{where}.volumes[{index}].consistency"
    for name, model in service.models.items():
        if (model or ServiceModel()).endpoint_var:
            yield f"{where}.models.{name}.endpoint_var"


def _is_held_back(service: Service) -> bool:
    """Whether new containers can't run beside the old ones, though the service wants it."""
    asked = rolling.config(service)
    wants = asked is not None and asked.order == rolling.START_FIRST
    return wants and rolling.publishes_fixed(service)


def _deployed(service: Service) -> Iterator[str]:
    if service.deploy is None:
        return
    yield from (field for field, is_asked in _DEPLOY.items() if is_asked(service.deploy))
    if _fails_otherwise(service):
        yield "update_config.failure_action"
    if _is_held_back(service):
        yield "update_config.order"


def _fails_otherwise(service: Service) -> bool:
    """Whether an update that fails ends in another way than the service wants."""
    asked = rolling.config(service)
    wanted = "" if asked is None else asked.failure_action
    return wanted not in {"", "pause"} and not rolling.goes_on(service)


def _files(project: Project, service: Service) -> Iterator[str]:
    """Rights of files that are mounted as they are on the host."""
    for kind in ("secrets", "configs"):
        known = getattr(project, kind)
        for index, each in enumerate(getattr(service, kind)):
            if each.source not in known or not known[each.source].file:
                continue
            given = {"uid": each.uid, "gid": each.gid, "mode": each.mode is not None}
            for field in (name for name, value in given.items() if value):
                yield f"services.{service.name}.{kind}[{index}].{field}"


def _ignored(path: str) -> str:
    return f"{path} has no effect here"


def _renames(entry: str) -> bool:
    name, colon, alias = entry.partition(":")
    return bool(colon) and alias != name
