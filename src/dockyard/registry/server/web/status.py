"""What operators ask: whether it lives, whether it can serve, and its metrics."""

from __future__ import annotations

import os
from typing import Final

from aiohttp import web

from dockyard.errors import DockyardError
from dockyard.registry.access import refusal
from dockyard.registry.server.service import Service
from dockyard.registry.server.summary import summary

_LEAST_BYTES: Final = 16 << 20
_PROMETHEUS: Final = "text/plain; version=0.0.4; charset=utf-8"


class Status:
    """Health is for everybody; metrics name no repository, and are for administrators."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def alive(self, _request: web.Request) -> web.Response:
        """``/healthz``: the process answers."""
        return web.json_response({"status": "ok"})

    async def ready(self, _request: web.Request) -> web.Response:
        """``/readyz``: records can be read, and there is room to write."""
        try:
            await self._service.records(self._service.database.query, "SELECT 1")
            disk = os.statvfs(self._service.root)
        except (DockyardError, OSError):
            return web.json_response({"status": "failing"}, status=503)
        if disk.f_bavail * disk.f_frsize < _LEAST_BYTES:
            return web.json_response({"status": "disk full"}, status=503)
        return web.json_response({"status": "ok"})

    async def metrics(self, request: web.Request) -> web.Response:
        """``/metrics``, by the rule that the settings name.

        Raises:
            Refusal: the client may not see them.
        """
        rule = self._service.rules.metrics
        if rule == "off":
            raise web.HTTPNotFound
        if rule == "admin":
            principal = await self._service.gate.principal(
                request.headers.get("Authorization"), request.remote or ""
            )
            if principal.kind == "anonymous" and not principal.admin:
                raise refusal.login_needed()
            if not principal.admin or principal.scope is not None:  # a token is for repositories
                raise refusal.metrics_forbidden(principal.name)
        page = await self._service.records(self._page)
        return web.Response(body=page, headers={"Content-Type": _PROMETHEUS})

    def _page(self) -> bytes:
        state = summary(self._service.database, self._service.content)
        return self._service.metrics.page(state)
