"""Flags of ``build`` that concern RUN steps: their network, rights, limits, secrets and agents."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from dockyard.arguments import parse_size, parse_ulimit
from dockyard.build.grants import (
    HOST_NETWORK,
    StepOptions,
    parse_allow,
    parse_host,
    parse_network,
)
from dockyard.build.mounts.agents import parse_ssh
from dockyard.build.mounts.secrets import parse_secret, read_secret
from dockyard.cli import options
from dockyard.cli.line import option

step_options = options.all_of(
    (
        option(
            "--add-host",
            "hosts",
            multiple=True,
            metavar="list",
            read=parse_host,
            help='Add a custom host-to-IP mapping (format: "host:ip")',
        ),
        option(
            "--allow",
            multiple=True,
            metavar="list",
            read=parse_allow,
            help='Allow extra privileged entitlement (e.g., "network.host")',
        ),
        option(
            "--cgroup-parent",
            metavar="string",
            help='Set the parent cgroup for the "RUN" instructions during build',
        ),
        option(
            "--network",
            default="default",
            metavar="string",
            read=parse_network,
            help='Set the networking mode for the "RUN" instructions during build',
        ),
        option(
            "--secret",
            "secrets",
            multiple=True,
            metavar="list",
            help='Secret to expose to the build (format: "id=mysecret[,src=/local/secret]")',
        ),
        option(
            "--shm-size",
            metavar="bytes",
            read=parse_size,
            help="Shared memory size for build containers",
        ),
        option(
            "--ssh",
            multiple=True,
            metavar="list",
            read=parse_ssh,
            help="SSH agent socket or keys to expose to the build",
        ),
        option(
            "--ulimit",
            "ulimits",
            multiple=True,
            metavar="list",
            read=parse_ulimit,
            help="Ulimit options",
        ),
    )
)


def step_request(values: dict[str, Any]) -> dict[str, Any]:
    """The arguments of :meth:`dockyard.engine.Engine.build` that the flags make."""
    return {
        "secrets": _secrets(values["secrets"]),
        "ssh": dict(values["ssh"]),
        "allow": values["allow"],
        "steps": _steps(values),
    }


def _secrets(given: Sequence[str]) -> dict[str, bytes]:
    """The values of ``--secret``, read once."""
    found = [read_secret(parse_secret(text, os.environ), os.environ) for text in given]
    return {secret.id: secret.value for secret in found}


def _steps(values: dict[str, Any]) -> StepOptions:
    """What RUN steps get. To ask for the host's network here is to allow it."""
    network = values["network"]
    return StepOptions(
        network=network, allow=frozenset({HOST_NETWORK} if network == "host" else ()),
        hosts=tuple(values["hosts"]), shm_size=values["shm_size"],
        ulimits=tuple(values["ulimits"]), cgroup_parent=values["cgroup_parent"] or None,
    )  # fmt: skip
