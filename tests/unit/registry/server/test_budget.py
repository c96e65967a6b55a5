"""Memory by clients: whose part it is that a request takes."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import BaseRequest
from tests.support.access import Registry

from dockyard.registry.server.budget import Budget
from dockyard.registry.server.service import Service
from dockyard.registry.server.web.app import application


@pytest.mark.parametrize(("method", "path"), [("GET", "/v2/a/tags/list"), ("POST", "/token")])
def test_who_has_many_addresses_has_one_part(
    tmp_path: Path, access: Registry, monkeypatch: pytest.MonkeyPatch, method: str, path: str
) -> None:
    seen = set()
    sharing = Budget.share

    def share(self: Budget, who: str) -> object:
        seen.add(who)
        return sharing(self, who)

    async def ask() -> None:
        service = Service(str(tmp_path / "registry"), access.access)
        async with TestClient(TestServer(application(service))) as client:
            for address in ("2001:db8::1", "2001:db8::2:3", "192.0.2.1"):
                monkeypatch.setattr(BaseRequest, "remote", address)
                async with client.request(method, path, data={"grant_type": "none"}):
                    pass
        await service.close()

    monkeypatch.setattr(Budget, "share", share)
    asyncio.run(ask())

    assert seen == {"2001:db8::/64", "192.0.2.1"}
