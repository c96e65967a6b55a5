"""The gateway as the controller sees it: documents that it reads, figures that it tells."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from dockyard.errors import DockyardError
from dockyard.serving.controller import accepted, isolating
from dockyard.serving.controller.isolating import Refusal
from dockyard.serving.controller.ports import Load
from dockyard.serving.controller.reporter import Reporter
from dockyard.serving.gateway import config, envoy, files, listeners, places
from dockyard.serving.gateway.admin import Admin, Settling
from dockyard.serving.gateway.model import Files, Served
from dockyard.serving.model import Service
from dockyard.serving.places import Serving
from dockyard.serving.store import Key

_LOG_BYTES: Final = 64 << 20
_RETRY_SECONDS: Final = 5.0
_RECONSIDER_SECONDS: Final = 60.0
_TAKEN: Final = "cannot bind"
"""What Envoy says of a listener for whose port it is not to blame."""
_ERROR_CLASS: Final = "5"


class Fronting:
    """See :class:`dockyard.serving.controller.ports.Gateway`."""

    def __init__(self, serving: Serving, reporter: Reporter) -> None:
        self._serving = serving
        self._reporter = reporter
        self._admin = Admin(serving.gateway.admin, timeout=2.0)
        self._wanted: tuple[Served, ...] | None = None
        self._loaded = accepted.read(serving.gateway)
        self._remembered = isolating.declarations(self._loaded)
        self._refusals: dict[Key, Refusal] = {}
        self._complaint = ""
        self._deaf: dict[str, str] = {}
        self._retry_at = 0.0
        self._reconsider_at = 0.0

    def write(self, served: Sequence[Served]) -> bool:
        """Has Envoy load it; what it refuses goes on as it was before, and keeps no other back."""
        wanted = tuple(map(_with_certificate, served))
        if wanted == self._wanted and not self._is_due():
            return self._listens_otherwise()
        self._refusals = isolating.still(self._refusals, wanted)
        settle = self._settling()
        if settle is None:  # it starts with what is written
            self._wanted = None
            files.publish(self._serving.gateway, self._documents(self._offer(wanted)))
            return False
        self._wanted = wanted
        self._load(wanted, settle)
        return True

    def _is_due(self) -> bool:
        """Whether what didn't go is to be tried again."""
        now = time.monotonic()
        return now >= self._retry_at and (self._complaint != "" or self._reconsiders(now))

    def _reconsiders(self, now: float) -> bool:
        """Whether a refusal holds no more: it may have been the machine's fault."""
        if not self._refusals or now < self._reconsider_at:
            return False
        self._reconsider_at = now + _RECONSIDER_SECONDS
        refused = [one for one in self._wanted or () if isolating.key_of(one) in self._refusals]
        found: dict[Key, Refusal] = {}
        for each in refused:
            found |= self._culprits([each])
        before, self._refusals = self._refusals, found
        return before != found

    def _load(self, wanted: tuple[Served, ...], settle: Settling) -> None:
        before = self._loaded
        self._complaint = self._publish(self._offer(wanted), settle)
        found = self._culprits(self._suspects(wanted))
        if found:
            for (project, name), one in found.items():
                self._reporter.trouble("gateway", f"{project}/{name} is refused: {one.why}")
            self._refusals |= found
            self._reconsider_at = time.monotonic() + _RECONSIDER_SECONDS
            self._loaded = isolating.without(before, found)
            self._complaint = self._publish(self._offer(wanted), settle)
        if self._complaint:
            self._reporter.trouble("gateway", self._complaint)
        self._retry_at = time.monotonic() + _RETRY_SECONDS
        self._remember()

    def _remember(self) -> None:
        """Has the next controller know what was loaded: a refused service goes on as that."""
        declared = isolating.declarations(self._loaded)
        if declared == self._remembered:
            return
        with contextlib.suppress(OSError):  # tried again with the next change
            accepted.write(self._serving.gateway, self._loaded)
            self._remembered = declared

    def _suspects(self, wanted: tuple[Served, ...]) -> list[Served]:
        """Those for which Envoy may have refused something: a whole document, or a listener."""
        if self._complaint:
            offered = self._offer(wanted)
            return isolating.changed(offered, self._loaded) or list(offered)
        refused = {name for name, said in self._deaf.items() if _TAKEN not in said}
        return [
            one for one in self._loaded if listeners.name_of(one.service.route.listen) in refused
        ]

    def _offer(self, wanted: tuple[Served, ...]) -> tuple[Served, ...]:
        return isolating.acceptable(wanted, self._refusals, self._loaded)

    def _documents(self, served: Sequence[Served]) -> Files:
        return config.files(served, self._serving.gateway)

    def _publish(self, offered: tuple[Served, ...], settle: Settling) -> str:
        """What Envoy says against it; nothing once it has loaded it."""
        documents = self._documents(offered)
        try:
            files.publish(self._serving.gateway, documents, settle)
            complaint = settle(documents)
        except DockyardError as error:
            return error.message
        except OSError as error:
            return f"its documents can't be written: {error.strerror}"
        if not complaint:
            self._loaded = offered
            self._deaf = self._listener_errors()
        return complaint

    def _culprits(self, candidates: Sequence[Served]) -> dict[Key, Refusal]:
        try:
            return isolating.culprits(
                candidates,
                lambda some: envoy.validate(self._documents(some), self._serving.gateway),
            )
        except (DockyardError, OSError) as error:
            self._reporter.trouble("gateway", str(error))
            return {}

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
        """As before, where it doesn't answer."""
        with contextlib.suppress(DockyardError):
            return self._admin.listener_errors()
        return self._deaf

    def _settling(self) -> Settling | None:
        """``None`` while it doesn't run."""
        with contextlib.suppress(DockyardError):
            return Settling(self._admin)
        return None

    @property
    def known(self) -> tuple[Service, ...] | None:
        """What it was told to serve; what it does serve, while it hasn't taken that over. ``None``
        before it was told anything."""
        if self._wanted is None:
            return None
        return tuple(one.service for one in (self._loaded if self._complaint else self._wanted))

    @property
    def is_current(self) -> bool:
        """Whether what it was told last is what it does."""
        return self._wanted is not None and not self._complaint

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

    def problems(self) -> Mapping[Key, str]:
        """Services that aren't served as they should be, by project and name: why."""
        found = places.refused(self._offer(self._wanted or ()))
        for key, refusal in self._refusals.items():
            found[key] = f"the gateway refuses it: {refusal.why}"
        if self._complaint:
            late = isolating.changed(self._offer(self._wanted or ()), self._loaded)
            found |= dict.fromkeys(map(isolating.key_of, late), self._complaint)
        errors = self._listener_errors()
        for each in self._loaded:
            said = errors.get(listeners.name_of(each.service.route.listen))
            if said:
                found.setdefault(isolating.key_of(each), f"it can't listen: {said}")
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
