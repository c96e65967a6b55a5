"""One program, three roles: ``counter`` keeps a number, ``web`` greets with it, ``report`` asks."""

from __future__ import annotations

import contextlib
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.request import urlopen

FILE = "/data/number"
COUNTER = os.environ.get("COUNTER", "http://localhost:8000")


def say(text: str) -> None:
    """For the log."""
    sys.stdout.write(f"{text}\n")


def number() -> int:
    """How many visits there were."""
    try:
        with open(FILE, encoding="ascii") as stream:
            return int(stream.read())
    except FileNotFoundError:
        return 0


def count() -> str:
    """One visit more."""
    found = number() + 1
    with open(FILE, "w", encoding="ascii") as stream:
        stream.write(str(found))
    return str(found)


def ask(path: str) -> str:
    """What the counter says."""
    with urlopen(COUNTER + path, timeout=10) as answer:  # noqa: S310  # the Compose file names it
        return str(answer.read().decode())


def counter(path: str) -> str:
    return count() if path == "/count" else str(number())


def web(path: str) -> str:
    greeting = os.environ.get("GREETING", "Hello")
    return f"{greeting}, visitor {ask('/count')}" if path == "/" else ""


ROLES = {"counter": counter, "web": web}


class Handler(BaseHTTPRequestHandler):
    """Answers each request by the role."""

    def do_GET(self) -> None:
        body = ROLES[sys.argv[1]](self.path).encode() + b"\n"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, form: str, *values: object) -> None:
        if self.path == "/":  # others are questions of programs
            say(form % values)


def main() -> None:
    """Plays the role that the command names."""
    match sys.argv[1]:
        case "check":
            ask("/check")
        case "report":
            say(f"{ask('/number').strip()} visits so far")
        case role:
            say(f"{role} is ready")
            with contextlib.suppress(KeyboardInterrupt):
                ThreadingHTTPServer(("", 8000), Handler).serve_forever()


if __name__ == "__main__":
    main()
