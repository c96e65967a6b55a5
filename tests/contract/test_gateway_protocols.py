"""Envoy, as configured: streams, WebSockets, HTTP/2 and TLS pass through."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import threading
from pathlib import Path

import aiohttp
import msgspec
import pytest
from aiohttp import web
from tests.support.gateway import Gateway, MakeServer, certificate, served, service
from tests.support.registries import free_port
from tests.support.waiting import until

from dockyard.serving.gateway import files
from dockyard.serving.gateway.model import Backend
from dockyard.serving.model import Route, Variant


def test_events_arrive_as_they_are_sent(gateway: Gateway, server: MakeServer) -> None:
    one = server("one")
    arrived = threading.Event()

    async def events(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await answer.prepare(request)
        await answer.write(b"data: first\n\n")
        while not arrived.is_set():
            await asyncio.sleep(0.01)
        await answer.write(b"data: last\n\n")
        return answer

    one.behaviour = events
    gateway.serve(served(gateway, service(gateway, timeout=0.0), {"embed": [one.backend]}))

    async def listen() -> list[bytes]:
        lines = []
        timeout = aiohttp.ClientTimeout(total=20)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(f"http://{gateway.listen}/") as answer,
        ):
            async for line in answer.content:
                lines.append(line)
                arrived.set()
        return lines

    assert asyncio.run(listen()) == [b"data: first\n", b"\n", b"data: last\n", b"\n"]


def test_a_websocket_passes_and_outlives_the_time_limit_and_changes(
    gateway: Gateway, server: MakeServer
) -> None:
    one, two = server("one"), server("two")
    what = service(gateway, timeout=0.5)
    gateway.serve(served(gateway, what, {"embed": [one.backend]}))

    async def talk() -> list[str]:
        heard = []
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"http://{gateway.listen}/chat") as socket,
        ):
            await socket.send_str("hello")
            heard.append((await socket.receive(10)).data)
            change = served(gateway, what, {"embed": [two.backend]})
            await asyncio.to_thread(gateway.serve, change)
            await asyncio.sleep(0.7)
            await socket.send_str("still there?")
            heard.append((await socket.receive(10)).data)
        return heard

    assert asyncio.run(talk()) == ["one: hello", "one: still there?"]
    assert gateway.ask().by == "two"


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_http2_without_tls_reaches_a_replica_that_speaks_it(
    gateway: Gateway, server: MakeServer
) -> None:
    """The replica is the gateway's own second listener: it speaks HTTP/2 as well."""
    one = server("one")
    behind = f"127.0.0.1:{free_port()}"
    grpc = service(gateway, Variant(name="embed", port=80, protocol="h2c"))
    inner = service(gateway, name="inner")
    inner = msgspec.structs.replace(inner, route=Route(listen=behind))
    gateway.serve(
        served(gateway, inner, {"inner": [one.backend]}),
        served(gateway, grpc, {"embed": [Backend("127.0.0.1", int(behind.rpartition(":")[2]))]}),
    )
    done = subprocess.run(
        ["curl", "-sS", "--http2-prior-knowledge", "-H", "te: trailers", "-H", "x-request-id: h2c",
         "-w", "%{http_version}", "--data-binary", "@-",
         f"http://{gateway.listen}/pkg.Service/Method"],
        input=bytes(3 << 20), capture_output=True, check=True,
    )  # fmt: skip
    assert done.stdout.decode().endswith("}2"), done.stdout[-200:]
    assert b'"size": 3145728' in done.stdout
    gateway.log_of("h2c")
    protocols = until(lambda: _protocols(gateway, "h2c") if len(_protocols(gateway, "h2c")) == 2
                      else None)  # fmt: skip
    assert protocols == {"shop.embed": "HTTP/2", "shop.inner": "HTTP/2"}


def _protocols(gateway: Gateway, request_id: str) -> dict[str, str]:
    lines = Path(gateway.settings.access_log).read_bytes().splitlines()
    found = [msgspec.json.decode(line, type=dict[str, object]) for line in lines]
    own = [one for one in found if one.get("id") == request_id]  # tries that broke have none
    return {str(one["service"]): str(one["protocol"]) for one in own}


def test_tls_with_the_certificate_of_the_host_that_is_asked_for(
    gateway: Gateway, server: MakeServer, tmp_path: Path
) -> None:
    one, two = server("one"), server("two")
    first, second = certificate(tmp_path, "a.test"), certificate(tmp_path, "b.test")
    gateway.listen = f"127.0.0.1:{free_port()}"
    any_host = service(gateway, route={"tls": first})
    other = service(gateway, name="other", route={"tls": second, "host": "b.test"})
    gateway.serve(
        served(gateway, any_host, {"embed": [one.backend]}),
        served(gateway, other, {"other": [two.backend]}),
    )
    assert gateway.ask(scheme="https").by == "one"
    assert _name_shown(gateway.listen, "b.test") == "b.test"
    assert _name_shown(gateway.listen, "c.test") == "a.test"
    assert gateway.ask(scheme="https", headers={"host": "b.test"}).by == "two"
    gateway.serve()
    gateway.listen = f"127.0.0.1:{free_port()}"


def test_a_renewed_certificate_is_taken_and_a_bad_one_hurts_its_own_listener_alone(
    gateway: Gateway, server: MakeServer, tmp_path: Path
) -> None:
    one = server("one")
    plain = served(gateway, service(gateway, name="plain"), {"plain": [one.backend]})
    tls = certificate(tmp_path, "a.test")
    address = f"127.0.0.1:{free_port()}"
    what = service(gateway, route={"tls": tls, "listen": address})

    def serve() -> None:
        mine = served(gateway, what, {"embed": [one.backend]})
        mark = files.fingerprint(tls)
        gateway.serve(plain, msgspec.structs.replace(mine, certificate=mark))

    serve()
    assert _name_shown(address, "a.test") == "a.test"
    renewed = certificate(tmp_path, "b.test")
    Path(renewed.cert).rename(tls.cert)
    Path(renewed.key).rename(tls.key)
    serve()
    until(lambda: _name_shown(address, "a.test") == "b.test")
    Path(tls.cert).write_text("no certificate")
    serve()
    (told,) = gateway.admin.listener_errors().values()
    assert "\n" not in told
    assert tls.cert in told
    assert gateway.ask().by == "one"
    assert gateway.ask(at=address, scheme="https").by == "one", "it goes on with the old one"


def _name_shown(listen: str, asked: str) -> str:
    shown = subprocess.run(
        ["openssl", "s_client", "-connect", listen, "-servername", asked],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = [line for line in shown.stdout.splitlines() if line.startswith("subject=")]
    return found[0].rpartition("=")[2].strip()


def test_a_client_of_http_1_0_is_served(gateway: Gateway, server: MakeServer) -> None:
    """nginx is one, unless it is told otherwise, and so is ab."""
    gateway.serve(served(gateway, service(gateway), {"embed": [server("one").backend]}))
    host, _, port = gateway.listen.rpartition(":")
    for lines in (b"GET / HTTP/1.0", b"GET / HTTP/1.0\r\nHost: embed.test"):
        with socket.create_connection((host, int(port)), timeout=20) as client:
            client.sendall(lines + b"\r\n\r\n")
            answer = b"".join(iter(lambda: client.recv(1 << 16), b""))
        assert b" 200 OK" in answer.partition(b"\r\n")[0]
        assert b'"by": "one"' in answer
