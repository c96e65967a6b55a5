"""The devices of one host, for containers and for those who want to see them."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from dockyard.devices.gpus import HOW, select
from dockyard.devices.inject import Injection, inject
from dockyard.devices.registry import Registry
from dockyard.devices.request import GpuRequest
from dockyard.devices.store import read
from dockyard.errors import NotFound
from dockyard.oci.runtime import Identity


class VendorDevices:
    """The devices that the specifications in some directories describe."""

    def __init__(self, directories: Sequence[str]) -> None:
        self.directories = tuple(directories)

    @functools.cached_property
    def registry(self) -> Registry:
        """All specifications, read once."""
        return read(self.directories)

    def resolve(self, names: Sequence[str], gpus: Sequence[GpuRequest]) -> tuple[str, ...]:
        """The qualified names of all that is asked for.

        Raises:
            NotFound: any of them isn't there; then none is given.
            InvalidInput: it isn't clear which GPUs are meant.
        """
        chosen = (*names, *(name for request in gpus for name in select(request, self.registry)))
        missing = self.registry.missing(chosen)
        if missing:
            raise NotFound(
                f"unresolvable CDI devices {', '.join(missing)}",
                context=self._problems(),
                hint=self._hint(),
                reference="no-such-device",
                exit_code=125,
            )
        return tuple(dict.fromkeys(chosen))

    def inject(self, names: Sequence[str], identity: Identity) -> Injection:
        """What devices, by qualified names, add to a container; see :func:`inject`."""
        with open("/proc/filesystems", encoding="ascii") as stream:
            has_resctrl = "resctrl" in stream.read().split()
        return inject(self.registry.edits(names), identity, has_resctrl=has_resctrl)

    def _hint(self) -> str:
        places = ", ".join(self.directories)
        there = sorted(self.registry.devices)
        if there:
            return f"{places} describe {', '.join(there)}"
        return f"no specification in {places} describes a device; {HOW}"

    def _problems(self) -> str | None:
        lines = [f"{problem.path}: {problem.words}" for problem in self.registry.problems]
        return "\n".join(lines) or None
