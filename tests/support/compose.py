"""Compose projects for tests: a normalised tree from as little as a test wants to say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from dockyard.compose import labels
from dockyard.compose.desired import service as services
from dockyard.compose.desired.files import Room
from dockyard.compose.model.project import Project, from_tree
from dockyard.compose.observe import Observed, Stack
from dockyard.compose.options import CreateOptions
from dockyard.compose.situation import ImageFacts, Situation
from dockyard.containers.model import Container
from dockyard.containers.options import Options

NAME = "demo"
IMAGE = ImageFacts(id="sha256:" + "1" * 64)
ROOM = Room("/root/compose/demo", b"key")


def project(services: Mapping[str, Mapping[str, Any]], **more: Any) -> Project:
    """A project of these services; each has busybox, and the default network."""
    tree: dict[str, Any] = {
        "name": NAME,
        "services": {name: _service(each) for name, each in services.items()},
        "networks": {"default": {"name": f"{NAME}_default", "ipam": {}}},
    }
    return from_tree(tree | more)


def _service(given: Mapping[str, Any]) -> dict[str, Any]:
    """Long forms, as a loader writes them."""
    found: dict[str, Any] = {"image": "busybox", "command": None, "entrypoint": None, **given}
    if "network_mode" not in found:
        found.setdefault("networks", {"default": None})
    needed = found.get("depends_on", {})
    if isinstance(needed, list):
        needed = {name: {"condition": "service_started"} for name in needed}
    found["depends_on"] = {name: {"required": True, **each} for name, each in needed.items()}
    return found


def situation(
    wanted: Project, present: Mapping[str, Options] | None = None, *,
    states: Mapping[str, str] | None = None, **more: Any,
) -> Situation:  # fmt: skip
    """A project, and containers that are there: by name, the options that they were made with."""
    found = tuple(
        observed(name, options, (states or {}).get(name, "running"), number)
        for number, (name, options) in enumerate((present or {}).items())
    )
    desired = {name: services.desired(wanted, each, ROOM) for name, each in wanted.services.items()}
    return Situation(
        project=wanted, wanted=desired, images=dict.fromkeys(wanted.services, IMAGE),
        stack=Stack(name=wanted.name, containers=found), **more,
    )  # fmt: skip


def made(
    wanted: Project, service: str, number: int = 1, labelled: Mapping[str, str] | None = None
) -> Options:
    """The options that a container of a project was made with."""
    desired = services.desired(wanted, wanted.services[service], ROOM)
    options = services.numbered(wanted, desired, number, IMAGE.id)
    return msgspec.structs.replace(options, labels=options.labels | dict(labelled or {}))


def running(wanted: Project, *names: str) -> dict[str, Options]:
    """One container of each service, as they are after ``up``."""
    return {
        f"{wanted.name}-{name}-1": made(wanted, name) for name in names or tuple(wanted.services)
    }


def identity(number: int) -> str:
    """The id of a test's container."""
    return f"{number:x}".rjust(12, "c") + "0" * 52


def observed(name: str, options: Options, state: str, number: int) -> Observed:
    """A container as it would be seen."""
    record = Container(
        id=identity(number), name=name, image_id=IMAGE.id, image_name="busybox",
        state="created" if state == "created" else "exited" if state == "exited" else "running",
        created=number, options=options, labels=options.labels, mounts=options.mounts,
    )  # fmt: skip
    connections = options.networking.connections or ()
    return Observed(record=record, networks=tuple(each.network for each in connections))


def hash_of(wanted: Project, service: str) -> str:
    """The configuration's hash of a service."""
    return made(wanted, service).labels[labels.HASH]


NO_OPTIONS = CreateOptions()
