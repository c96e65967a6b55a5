"""`POST /summary {"text": ..., "sentences": 2}`. Each answer says which version gave it."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from summary import VERSIONS, summarise

PORT = 8000
MAX_BODY_BYTES = 1 << 20
VERSION = os.environ.get("VERSION", "1")


class BadRequest(Exception):
    """The text says what is wrong."""


class Handler(BaseHTTPRequestHandler):
    """The two paths that there are."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self) -> None:
        if self.path == "/healthz":
            self.answer(200, {"status": "ready"})
        else:
            self.answer(404, {"error": "there is only /summary and /healthz"})

    def do_POST(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        if size > MAX_BODY_BYTES:
            self.close_connection = True
            self.answer(413, {"error": f"the body is larger than {MAX_BODY_BYTES} bytes"})
            return
        body = self.rfile.read(size)
        if self.path != "/summary":
            self.answer(404, {"error": "there is only /summary and /healthz"})
            return
        try:
            text, count = parse(body)
        except BadRequest as error:
            self.answer(400, {"error": str(error)})
            return
        self.answer(200, {"version": VERSION, "summary": summarise(VERSION, text, count)})

    def answer(self, status: int, fields: dict[str, str]) -> None:
        body = json.dumps(fields).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Version", VERSION)
        self.send_header("X-Replica", socket.gethostname())
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, form: str, *values: object) -> None:
        """The gateway's access log has all of it."""


class Server(ThreadingHTTPServer):
    """One thread for each connection."""

    daemon_threads = True
    request_queue_size = 256


def parse(body: bytes) -> tuple[str, int]:
    """The text, and how many sentences are wanted.

    Raises:
        BadRequest: the body is none; says why.
    """
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadRequest("the body is not valid JSON") from error
    if not isinstance(fields, dict) or not isinstance(fields.get("text"), str):
        raise BadRequest("the body must be a JSON object with a text")
    count = fields.get("sentences", 2)
    if not isinstance(count, int) or not 1 <= count <= 20:
        raise BadRequest("sentences must be a number from 1 to 20")
    return fields["text"], count


def check() -> int:
    """What HEALTHCHECK runs: 0 if the server in this container is ready, else 1."""
    connection = HTTPConnection("127.0.0.1", PORT, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return 0 if connection.getresponse().status == 200 else 1
    except (OSError, HTTPException):
        return 1


def main() -> int:
    """Serves until SIGTERM."""
    if sys.argv[1:] == ["check"]:
        return check()
    if VERSION not in VERSIONS:
        sys.stderr.write(f"there is no version {VERSION!r}\n")
        return 1
    server = Server(("", PORT), Handler)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever(poll_interval=0.05)
    return 0


if __name__ == "__main__":
    sys.exit(main())
