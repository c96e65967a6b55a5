"""Stands for a model: an answer takes a while, and says who gave it and what it was asked.

The environment has how it behaves: `VERSION`, `WORK_SECONDS` (how long an answer takes),
`START_SECONDS` (how long it loads), `FAIL_SHARE` (0.5: half of the answers are status 500), and
`AT_ONCE` (more requests at a time than that are refused, with status 500).
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT = 8000
DRAIN_SECONDS = 20
PIECE = 1 << 20


class Server(ThreadingHTTPServer):
    """Knows how many requests it works on, so that it can end when there are none."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, environ: dict[str, str]) -> None:
        self.version = environ.get("VERSION", "1")
        self.work = float(environ.get("WORK_SECONDS", "0.05"))
        self.fail_share = float(environ.get("FAIL_SHARE", "0"))
        self.at_once = int(environ.get("AT_ONCE", "0"))
        self.active = 0
        self.changed = threading.Condition()
        super().__init__(("", PORT), Handler)

    def count(self, difference: int) -> int:
        """How many requests it works on now."""
        with self.changed:
            self.active += difference
            self.changed.notify_all()
            return self.active

    def drain(self) -> None:
        """Waits for the end of what it works on."""
        with self.changed:
            self.changed.wait_for(lambda: self.active == 0, DRAIN_SECONDS)


class Handler(BaseHTTPRequestHandler):
    """Answers any method and path in the same way."""

    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self) -> None:
        if self.path == "/healthz":
            self.answer(200, {"status": "ready"})
            return
        active = self.server.count(1)
        try:
            self.work(active)
        finally:
            self.server.count(-1)

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - the names that http.server asks for

    def work(self, active: int) -> None:
        """Reads the body, takes its time, answers."""
        size, digest = self.read_body()
        if 0 < self.server.at_once < active:
            self.answer(500, {"error": f"{active} requests at once"})
            return
        time.sleep(self.server.work)
        if random.random() < self.server.fail_share:  # noqa: S311 - no secret
            self.answer(500, {"error": "this version is broken"})
            return
        self.answer(200, {"version": self.server.version, "bytes": size, "sha256": digest})

    def read_body(self) -> tuple[int, str]:
        """Its length and its SHA-256."""
        digest, size = hashlib.sha256(), 0
        for piece in self.pieces():
            digest.update(piece)
            size += len(piece)
        return size, digest.hexdigest()

    def pieces(self) -> Iterator[bytes]:
        """The body, as it comes: with a length, or in chunks."""
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            while size := int(self.rfile.readline().partition(b";")[0], 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return
        left = int(self.headers.get("Content-Length") or 0)
        while left:
            piece = self.rfile.read(min(left, PIECE))
            if not piece:
                raise ConnectionError("the body ended early")
            left -= len(piece)
            yield piece

    def answer(self, status: int, fields: dict[str, object]) -> None:
        body = json.dumps(fields).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Version", self.server.version)
        self.send_header("X-Replica", socket.gethostname())
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, form: str, *values: object) -> None:
        if len(values) > 1 and str(values[1]).startswith("5"):
            sys.stdout.write(f"{form % values}\n")


def check() -> int:
    """What HEALTHCHECK runs: 0 if the server in this container is ready, else 1."""
    connection = HTTPConnection("127.0.0.1", PORT, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return 0 if connection.getresponse().status == 200 else 1
    except (OSError, HTTPException):
        return 1


def main() -> int:
    """Serves until SIGTERM; what is under way then is answered."""
    if sys.argv[1:] == ["check"]:
        return check()
    time.sleep(float(os.environ.get("START_SECONDS", "0")))
    server = Server(dict(os.environ))
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    sys.stdout.write(f"version {server.version} is ready\n")
    server.serve_forever(poll_interval=0.05)
    server.drain()
    return 0


if __name__ == "__main__":
    sys.exit(main())
