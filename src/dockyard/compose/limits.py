"""Limits of services against what this host can keep: checked before anything is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.compose.desired import names, words
from dockyard.compose.desired.service import Desired
from dockyard.containers import host_devices, spec, spec_resources

if TYPE_CHECKING:
    from dockyard.containers.parts import Parts


def require(parts: Parts, wanted: Desired) -> None:
    """Refuses limits that can't be kept.

    Raises:
        InvalidInput, NotSupported: in Docker's words, after the value's path, such as
            ``services.web.mem_limit``.
    """
    asked, where = wanted.options.resources, f"services.{wanted.service.name}"
    with names.at(where), words.of_limits(wanted.service):
        spec_resources.limits(asked, parts.facts_for(asked), host_devices.number_of)
    with names.at(f"{where}.ulimits"), words.of_limits(wanted.service):
        spec.rlimits(asked.ulimits, parts.facts)
