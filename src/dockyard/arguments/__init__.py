"""Docker's notation of option values, read into :mod:`dockyard.containers.options`. Pure.

The command line and the Python API both speak it. Everything here raises
:class:`~dockyard.errors.InvalidInput` for what makes no sense, with Docker's exit code 125.
"""

from __future__ import annotations

from dockyard.arguments.devices import (
    is_cdi_name,
    parse_count_rate,
    parse_device,
    parse_gpus,
    parse_rate,
)
from dockyard.arguments.merge import merge
from dockyard.arguments.mounts import (
    check_mounts,
    parse_model,
    parse_mount,
    parse_tmpfs,
    parse_volume,
)
from dockyard.arguments.networking import (
    parse_alias,
    parse_endpoint_option,
    parse_expose,
    parse_extra_host,
    parse_ipv4,
    parse_ipv6,
    parse_mac,
    parse_nameserver,
    parse_network,
)
from dockyard.arguments.process import (
    parse_annotation,
    parse_cgroup_rule,
    parse_entrypoint,
    parse_env_file,
    parse_environment,
    parse_label,
    parse_label_file,
    parse_sysctl,
)
from dockyard.arguments.quantities import (
    parse_cpus,
    parse_duration,
    parse_size,
    parse_swap,
    parse_ulimit,
)
from dockyard.arguments.restart import parse_restart

__all__ = [
    "check_mounts",
    "is_cdi_name",
    "merge",
    "parse_alias",
    "parse_annotation",
    "parse_cgroup_rule",
    "parse_count_rate",
    "parse_cpus",
    "parse_device",
    "parse_duration",
    "parse_endpoint_option",
    "parse_entrypoint",
    "parse_env_file",
    "parse_environment",
    "parse_expose",
    "parse_extra_host",
    "parse_gpus",
    "parse_ipv4",
    "parse_ipv6",
    "parse_label",
    "parse_label_file",
    "parse_mac",
    "parse_model",
    "parse_mount",
    "parse_nameserver",
    "parse_network",
    "parse_rate",
    "parse_restart",
    "parse_size",
    "parse_swap",
    "parse_sysctl",
    "parse_tmpfs",
    "parse_ulimit",
    "parse_volume",
]
