"""What the containers of test_batch.py run: it does with each record what the record says."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Record = dict[str, Any]


def answer(record: Record) -> Record:
    """The answer to a record; what kills or breaks does so here."""
    what = record.get("do")
    if what == "crash":
        print("this one is poison", file=sys.stderr, flush=True)
        os._exit(3)
    if what == "crash once" and not leave_mark(record):
        os._exit(4)
    if what == "eat":
        hoard = [bytearray(1 << 20) for _ in range(1 << 12)]
        print(len(hoard))
    if what == "sleep":
        time.sleep(3600)
    if what == "reject":
        return {"id": record["id"], "error": "not my language"}
    time.sleep(record.get("seconds", 0))
    text = record.get("text", "")
    if "path" in record:
        text = Path(record["path"]).read_text()
    return {"id": record["id"], "length": len(text)}


def leave_mark(record: Record) -> bool:
    """Whether there was one."""
    mark = Path("/marks") / str(record["id"])
    found = mark.exists()
    mark.touch()
    return found


def serve_lines() -> None:
    for line in sys.stdin:
        record = json.loads(line)
        what = record.get("do")
        if what == "skip":
            continue
        if what == "say":
            print(record["text"], flush=True)
            continue
        found = json.dumps(answer(record))
        print(found, flush=True)
        if what == "twice":
            print(found, flush=True)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    sick = False
    """It fails at everything from now on."""

    def do_GET(self) -> None:  # the name that the server calls
        self.reply(200, {})

    def do_POST(self) -> None:  # as above
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Content-Type"] != "application/json":
            self.reply(200, {"length": len(body)})
            return
        record = json.loads(body)
        what = record.get("do")
        if what == "sicken once" and not leave_mark(record):
            Handler.sick = True
        if self.sick:
            self.reply(500, {"detail": "no device"})
        elif what == "refuse":
            self.reply(422, {"detail": "too long"})
        elif what == "fail":
            self.reply(500, {"detail": "boom"})
        elif what == "busy once" and not leave_mark(record):
            self.reply(503, {}, {"Retry-After": "0"})
        else:
            self.reply(200, answer(record))

    def reply(self, status: int, value: Record, headers: Mapping[str, str] | None = None) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        for name, each in (headers or {}).items():
            self.send_header(name, each)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its own word
        """Nothing is logged."""


if __name__ == "__main__":
    if "serve" in sys.argv:
        ThreadingHTTPServer(("0.0.0.0", 8000), Handler).serve_forever()
    serve_lines()
