"""What of the flags of ``run`` can be changed later: limits and the restart policy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dockyard.cli.run_flags import resources, restart
from dockyard.containers.options import Resources, Restart

_NAMES = frozenset({
    "--blkio-weight", "--cpu-period", "--cpu-quota", "--cpu-rt-period", "--cpu-rt-runtime",
    "--cpu-shares", "--cpus", "--cpuset-cpus", "--cpuset-mems", "--memory",
    "--memory-reservation", "--memory-swap", "--pids-limit", "--restart",
})  # fmt: skip


DECLARED = tuple(
    one for one in (*resources.DECLARED, *restart.DECLARED) if not _NAMES.isdisjoint(one.names)
)


class _Given(dict[str, Any]):
    """The values of the flags there are; those of ``run`` alone were not given."""

    def __missing__(self, _name: str) -> None:
        return None


def make(values: Mapping[str, Any]) -> tuple[Resources | None, Restart | None]:
    """The limits and the policy asked for; ``None`` where nothing was."""
    given = _Given({name: value for name, value in values.items() if value is not None})
    if not given:
        return None, None
    policy = restart.make(given) if "restart" in given else None
    asked = {name: value for name, value in given.items() if name != "restart"}
    return (resources.make(_Given(asked)) if asked else None), policy
