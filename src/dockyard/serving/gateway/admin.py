"""Envoy's admin interface: what it counts, what it has loaded, what it couldn't.

Blocking, over its Unix socket; a whole answer takes a few milliseconds.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import time

import msgspec

from dockyard import decoding
from dockyard.errors import ComponentFailed
from dockyard.serving.gateway import stats
from dockyard.serving.gateway.documents import parse
from dockyard.serving.gateway.model import Files
from dockyard.serving.unix_http import Connection

_SECONDS = 5.0
_POLL_SECONDS = 0.005
_MOST_POLL_SECONDS = 0.1
_STATE = r"\.[clr]ds\.(.*\.)?(version_text|update_rejected|update_failure)$"


class _ListenerError(msgspec.Struct):
    details: str = ""


class _Listener(msgspec.Struct):
    name: str = ""
    error_state: _ListenerError | None = None


class _Dump(msgspec.Struct):
    configs: tuple[_Listener, ...] = ()


class Admin:
    """The gateway that runs."""

    def __init__(self, path: str, *, timeout: float = _SECONDS) -> None:
        """``path`` is that of the admin socket."""
        self._path = path
        self._timeout = timeout

    def ready(self) -> bool:
        """It serves; ``False`` as well where it doesn't run."""
        with contextlib.suppress(ComponentFailed):
            return self._ask("GET", "/ready")[0] == 200
        return False

    def figures(self) -> dict[str, stats.Figures]:
        """What is counted of each variant that had a request, by its id.

        Raises:
            ComponentFailed: it doesn't run, or doesn't answer.
        """
        return stats.figures(self.prometheus(stats.WANTED))

    def prometheus(self, pattern: str = "") -> str:
        """Its statistics in Prometheus' format: those whose name matches a regular expression."""
        query = f"&filter={http_quoted(pattern)}" if pattern else ""
        return self._get(f"/stats/prometheus?usedonly{query}")

    def loaded(self) -> stats.Loaded:
        """Which documents it has, and how many it refused."""
        return stats.loaded(self._get(f"/stats?usedonly&filter={http_quoted(_STATE)}"))

    def listener_errors(self) -> dict[str, str]:
        """Listeners that aren't there as they should be, by name: why, in one line."""
        text = self._get("/config_dump?resource=dynamic_listeners&mask=name,error_state")
        dump = decoding.from_json(text, _Dump)
        return {
            one.name: one.error_state.details.strip().replace("\n", " ")
            for one in dump.configs
            if one.name and one.error_state is not None
        }

    def reopen_logs(self) -> None:
        """Has it write the access log to a new file, where the old one was renamed."""
        self._get("/reopen_logs", method="POST")

    def _get(self, path: str, *, method: str = "GET") -> str:
        status, text = self._ask(method, path)
        if status != http.client.OK:
            raise ComponentFailed(
                f"the gateway's admin interface answers {status}: {text.strip()}",
                hint="is it the Envoy of another version? start the gateway again",
            )
        return text

    def _ask(self, method: str, path: str) -> tuple[int, str]:
        connection = Connection(self._path, self._timeout)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException) as error:
            number = error.errno if isinstance(error, OSError) else None
            reason = os.strerror(number) if number else str(error) or type(error).__name__
            raise ComponentFailed(
                f"the gateway doesn't answer: {reason}",
                hint="it starts again by itself; look at its log (dockyard services logs)",
            ) from error
        finally:
            connection.close()


class Settling:
    """Waits until documents that were written are loaded: for :func:`.files.publish`.

    A listener whose port is taken is no complaint: the others are there, and
    :meth:`Admin.listener_errors` tells it.
    """

    def __init__(self, admin: Admin, *, timeout: float = _SECONDS) -> None:
        """Made before anything is written."""
        self._admin = admin
        self._timeout = timeout
        self._before = admin.loaded()

    def __call__(self, files: Files) -> str:
        deadline = time.monotonic() + self._timeout
        pause = _POLL_SECONDS
        while True:
            now = self._admin.loaded()
            complaint = _complaint(self._before, now)
            if complaint or self._has(now, files):
                self._before = now
                return complaint
            if time.monotonic() > deadline:
                return f"it didn't load them within {self._timeout:g} seconds"
            time.sleep(pause)  # each look costs Envoy time to load them
            pause = min(pause * 2, _MOST_POLL_SECONDS)

    def _has(self, now: stats.Loaded, files: Files) -> bool:
        if now.clusters.version != parse(files.clusters).version_info:
            return False
        # What Envoy takes but for some listeners keeps the old version.
        wanted = parse(files.listeners)
        deaf = () if now.listeners.version == wanted.version_info else self._admin.listener_errors()
        if now.listeners.version != wanted.version_info and not deaf:
            return False
        # A table that no listener asks for isn't loaded; what is told of it is of another time.
        return all(
            now.routes[name].version == parse(files.routes[name]).version_info
            for name in {str(one.get("name")) for one in wanted.resources} - set(deaf)
            if name in now.routes and name in files.routes
        )


def _complaint(before: stats.Loaded, now: stats.Loaded) -> str:
    if now.clusters.refused > before.clusters.refused:
        return "clusters"
    if now.listeners.failed > before.listeners.failed:
        return "listeners"
    for name, table in now.routes.items():
        if table.refused > before.routes.get(name, stats.Source()).refused:
            return f"the routes of {name}"
    return ""


def http_quoted(text: str) -> str:
    """A value of a query."""
    from urllib.parse import quote

    return quote(text, safe="")
