"""Connections that come while a socket is closed."""

from __future__ import annotations

import asyncio
import socket
from contextlib import closing
from pathlib import Path

from dockyard.serving.activator.listener import Listener
from dockyard.serving.activator.wire import Wire


def test_what_was_accepted_is_opened_although_the_listener_closes(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    opened: list[Wire] = []

    async def scenario() -> None:
        listener = Listener(path)
        listener.serve(opened.append)
        with closing(socket.socket(socket.AF_UNIX)) as client:
            client.connect(path)
            await asyncio.sleep(0)  # it is accepted after this
            await asyncio.sleep(0)
            listener.close(remove=True)
            assert opened == []
            async with asyncio.timeout(20):
                while listener.opening:
                    await asyncio.sleep(0)
            (wire,) = opened
            wire.write(b"hello")
            wire.close()
            assert client.recv(5) == b"hello"

    asyncio.run(scenario())
