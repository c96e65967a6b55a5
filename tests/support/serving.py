"""Served services for tests: a small server in containers, and requests through the gateway."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.roots import Root

SERVER = """
import http.server, os, signal, socketserver, threading, time

ENV = os.environ
STATE = {"served": 0, "at_once": 0, "most": 0}
LOCK = threading.Lock()

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, code, body):
        data = body.encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        if self.path == "/healthz":
            return self.answer(int(ENV.get("HEALTH", "200")), "ok")
        if self.path == "/grow":
            STATE["grown"] = bytearray(1 << 28)
        with LOCK:
            STATE["served"] += 1
            number = STATE["served"]
            STATE["at_once"] += 1
            STATE["most"] = max(STATE["most"], STATE["at_once"])
        try:
            time.sleep(float(ENV.get("DELAY", "0")))
            every = int(ENV.get("FAIL_EVERY", "0"))
            code = 500 if every and number % every == 0 else 200
            words = (ENV.get("VERSION", "1"), os.uname().nodename, self.path, STATE["most"])
            self.answer(code, " ".join(map(str, words)))
        finally:
            with LOCK:
                STATE["at_once"] -= 1

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.answer(200, f"{ENV.get('VERSION', '1')} {len(body)}")

    def log_message(self, form, *args):
        if ENV.get("LOG"):
            print(form % args, flush=True)

class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = False
    request_queue_size = 512

print("begins", flush=True)
time.sleep(float(ENV.get("START", "0")))
if ENV.get("CRASH"):
    print("no such model: " + ENV["CRASH"], flush=True)
    raise SystemExit(3)
server = Server(("", 8000), Handler)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
server.serve_forever(0.05)
"""


def free_port() -> int:
    """A port of loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Answer:
    """What a request got."""

    def __init__(self, status: int, body: str, headers: dict[str, str]) -> None:
        self.status = status
        self.body = body
        self.headers = headers


class Stand:
    """A project of served services, in a directory of its own."""

    def __init__(self, root: Root, directory: Path) -> None:
        self.root = root
        self.directory = directory
        self.port = free_port()
        (directory / "server.py").write_text(SERVER)

    def service(self, block: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        """A service that runs the server; ``block`` is on top of a route, a port and a probe."""
        whole = {
            "route": {"path": "/", "listen": f"127.0.0.1:{self.port}"},
            "port": 8000, "ready": {"path": "/healthz"}, **(block or {}),
        }  # fmt: skip
        if "variant_of" in whole:
            del whole["route"]
        return {
            "image": "python:3.11", "command": ["python", "/srv/server.py"],
            "stop_grace_period": "5s",
            "volumes": [f"{self.directory}/server.py:/srv/server.py:ro"],
            "x-dockyard": whole, **more,
        }  # fmt: skip

    def write(self, **services: dict[str, Any]) -> None:
        """Writes the file; JSON is YAML."""
        document = {"name": "demo", "services": services}
        (self.directory / "compose.yaml").write_text(json.dumps(document))

    def up(self, *arguments: str, check: bool = True) -> Any:
        """``dockyard up -d``."""
        file = str(self.directory / "compose.yaml")
        return self.root.cli("up", "-f", file, "-d", *arguments, check=check)

    def get(self, path: str = "/", *, method: str = "GET", body: bytes | None = None,
            headers: dict[str, str] | None = None, timeout: float = 30.0) -> Answer:  # fmt: skip
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            response = connection.getresponse()
            text = response.read().decode(errors="replace")
            return Answer(response.status, text, {k.lower(): v for k, v in response.getheaders()})
        finally:
            connection.close()

    def until(self, condition: Callable[[], object], seconds: float = 30.0) -> None:
        """Waits for something that must come to be."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, self.root.cli("services").stdout
            time.sleep(0.05)

    def row(self, variant: str) -> dict[str, str]:
        """A variant as ``services`` shows it."""
        return next(row for row in self.rows() if row["Variant"] == variant)

    def rows(self) -> list[dict[str, str]]:
        """All of what ``services`` shows."""
        done = self.root.cli("services", "--format", "json", check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def replicas(self, variant: str) -> list[str]:
        """Ids of a variant's containers that run."""
        done = self.root.cli("ps", "-q", "--no-trunc", "--filter",
                             f"label=com.docker.compose.service={variant}", check=True)  # fmt: skip
        return done.stdout.split()
