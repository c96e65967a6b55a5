"""The gateway as the controller sees it: documents that it reads, figures that it tells."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from dockyard.errors import DockyardError
from dockyard.serving.controller.ports import Load
from dockyard.serving.controller.reporter import Reporter
from dockyard.serving.gateway import config, files, listeners, places
from dockyard.serving.gateway.admin import Admin, Settling
from dockyard.serving.gateway.model import Served
from dockyard.serving.places import Serving

_LOG_BYTES: Final = 64 << 20
_RETRY_SECONDS: Final = 5.0
_ERROR_CLASS: Final = "5"


class Fronting:
    """See :class:`dockyard.serving.controller.ports.Gateway`."""

    def __init__(self, serving: Serving, reporter: Reporter) -> None:
        self._serving = serving
        self._reporter = reporter
        self._admin = Admin(serving.gateway.admin, timeout=2.0)
        self._written: tuple[Served, ...] | None = None
        self._problems: dict[tuple[str, str], str] = {}
        self._deaf: dict[str, str] = {}
        self._retry_at = 0.0

    def write(self, served: Sequence[Served]) -> bool:
        """Has Envoy load it; where it refuses, what it had before goes on."""
        wanted = tuple(map(_with_certificate, served))
        if wanted == self._written:
            return self._listens_otherwise()
        documents = config.files(wanted, self._serving.gateway)
        try:
            settle = self._settling()
            files.publish(self._serving.gateway, documents, settle)
            if settle is None:  # it starts with what is written
                return False
            complaint = settle(documents)
        except DockyardError as error:
            complaint = error.message
        if complaint:
            self._reporter.trouble("gateway", complaint)
            self._problems = dict.fromkeys(_names(wanted), complaint)
            return False
        self._written = wanted
        self._problems = places.refused(wanted)
        self._deaf = self._listener_errors()
        return True

    def _listens_otherwise(self) -> bool:
        """Whether a port that was taken isn't any more; it is tried again each few seconds."""
        if not self._deaf or time.monotonic() < self._retry_at:
            return False
        self._retry_at = time.monotonic() + _RETRY_SECONDS
        before, self._deaf = self._deaf, self._listener_errors()
        if self._deaf:
            files.retry_listeners(self._serving.gateway)
        return self._deaf != before

    def _listener_errors(self) -> dict[str, str]:
        with contextlib.suppress(DockyardError):
            return self._admin.listener_errors()
        return {}

    def _settling(self) -> Settling | None:
        """``None`` while it doesn't run."""
        with contextlib.suppress(DockyardError):
            return Settling(self._admin)
        return None

    @property
    def served(self) -> tuple[Served, ...] | None:
        """What it has loaded; ``None`` before anything was."""
        return self._written

    def loads(self) -> Mapping[str, Load] | None:
        """What it counts now; ``None`` while it doesn't answer."""
        try:
            figures = self._admin.figures()
        except DockyardError:
            return None
        return {
            target: Load(
                active=found.load, total=found.total, errors=found.by_class.get(_ERROR_CLASS, 0)
            )
            for target, found in figures.items()
        }

    def problems(self) -> Mapping[tuple[str, str], str]:
        """Services that aren't served as they should be, by project and name: why."""
        found = dict(self._problems)
        errors = self._listener_errors()
        for each in self._written or ():
            said = errors.get(listeners.name_of(each.service.route.listen))
            if said:
                found[each.service.project, each.service.name] = f"it can't listen: {said}"
        return found

    def rotate(self) -> None:
        """Begins a new access log where the old one has grown large; one old one is kept."""
        path = self._serving.access_log
        with contextlib.suppress(OSError, DockyardError):
            try:
                if os.stat(path).st_size <= _LOG_BYTES:
                    return
                os.rename(path, f"{path}.1")
            except FileNotFoundError:  # it was renamed, and Envoy didn't answer then
                if not os.path.exists(f"{path}.1"):
                    return
            self._admin.reopen_logs()


def _with_certificate(served: Served) -> Served:
    """Has a renewed certificate be another configuration."""
    tls = served.service.route.tls
    return served if tls is None else replace(served, certificate=files.fingerprint(tls))


def _names(served: Sequence[Served]) -> list[tuple[str, str]]:
    return [(each.service.project, each.service.name) for each in served]
