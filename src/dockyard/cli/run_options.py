"""The options that ``run`` and ``create`` share: all of :mod:`dockyard.cli.run_flags`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from dockyard.cli import options as shared
from dockyard.cli.run_flags import (
    console,
    devices,
    health,
    logging,
    namespaces,
    networking,
    process,
    resources,
    restart,
    security,
    storage,
)
from dockyard.containers.options import Options
from dockyard.errors import InvalidInput

_SUBJECTS = (
    console, devices, health, logging, namespaces, networking, process, resources, restart,
    security, storage,
)  # fmt: skip

_DECLARED = tuple(option for subject in _SUBJECTS for option in subject.DECLARED)
_ONLY_RUN = frozenset({"--attach", "--detach", "--detach-keys", "--sig-proxy"})

_OF_BATCHES = frozenset({
    "--cap-add", "--cap-drop", "--cpus", "--cpuset-cpus", "--device", "--entrypoint", "--env",
    "--env-file", "--gpus", "--init", "--label", "--memory", "--model", "--mount", "--network",
    "--pids-limit", "--platform", "--pull", "--read-only", "--runtime", "--security-opt",
    "--shm-size", "--tmpfs", "--user", "--volume", "--workdir",
})  # fmt: skip
"""Those that make sense for many short containers without names, ports and terminals."""

run_options = shared.all_of(_DECLARED)
create_options = shared.all_of(tuple(one for one in _DECLARED if _ONLY_RUN.isdisjoint(one.names)))

BATCH_FLAGS = tuple(one for one in _DECLARED if not _OF_BATCHES.isdisjoint(one.names))
batch_options = shared.all_of(BATCH_FLAGS)


def with_defaults(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a line that takes only some of the options, and those of all the others."""
    return {one.key: one.default for one in _DECLARED} | dict(values)


def make_options(values: Mapping[str, Any], command: tuple[str, ...]) -> Options:
    """The options of a command line whose values the declarations have read.

    Raises:
        InvalidInput: two mounts have one target, or a file can't be read.
    """
    return Options(
        command=command or None,
        **process.make(values),
        **storage.make(values),
        console=console.make(values),
        devices=devices.make(values),
        health=health.make(values),
        logging=logging.make(values),
        namespaces=namespaces.make(values),
        networking=networking.make(values),
        resources=resources.make(values),
        restart=restart.make(values),
        security=security.make(values),
    )


def check_cidfile(path: str | None) -> None:
    """Raises :class:`InvalidInput` where the file of ``--cidfile`` is there already."""
    if path is not None and os.path.lexists(path):
        raise InvalidInput(
            "container ID file found, make sure the other container isn't running"
            f" or delete {path}",
            hint="dockyard ps -a lists containers; --cidfile names a new file",
            exit_code=125,
        )
