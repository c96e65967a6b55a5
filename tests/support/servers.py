"""Servers of a test's own on this host: the web, with whatever goes wrong there, and git."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

MODIFIED = "Wed, 21 Oct 2015 07:28:00 GMT"
MODIFIED_SECONDS = 1445412480

Answer = Callable[[BaseHTTPRequestHandler], None]


class Web:
    """A web server; ``answers`` has what it says by path, ``seen`` what it was asked."""

    def __init__(self, scheme: str, port: int) -> None:
        self.url = f"{scheme}://localhost:{port}"
        self.answers: dict[str, Answer] = {}
        self.seen: list[tuple[str, dict[str, str]]] = []

    def file(self, path: str, data: bytes, *, etag: str = "") -> None:
        """Serves a file, with a validator if ``etag`` is given."""

        def answer(request: BaseHTTPRequestHandler) -> None:
            if etag and request.headers.get("If-None-Match") == etag:
                request.send_response(304)
                request.end_headers()
                return
            request.send_response(200)
            request.send_header("Content-Length", str(len(data)))
            request.send_header("Last-Modified", MODIFIED)
            if etag:
                request.send_header("ETag", etag)
            request.end_headers()
            request.wfile.write(data)

        self.answers[path] = answer

    def redirect(self, path: str, target: str) -> None:
        """Sends those who ask elsewhere."""

        def answer(request: BaseHTTPRequestHandler) -> None:
            request.send_response(302)
            request.send_header("Location", target)
            request.send_header("Content-Length", "0")
            request.end_headers()

        self.answers[path] = answer

    def truncated(self, path: str, data: bytes, announced: int) -> None:
        """Announces more than it gives."""

        def answer(request: BaseHTTPRequestHandler) -> None:
            request.send_response(200)
            request.send_header("Content-Length", str(announced))
            request.end_headers()
            request.wfile.write(data)
            request.close_connection = True

        self.answers[path] = answer

    def repositories(self, directory: Path) -> None:
        """Serves the bare repositories of a directory below ``/git``, by git's own program."""

        def answer(request: BaseHTTPRequestHandler) -> None:
            _git(request, directory)

        self.answers["/git"] = answer

    def paths(self) -> list[str]:
        """What was asked for, in order."""
        return [path for path, _ in self.seen]


@contextlib.contextmanager
def web(context: ssl.SSLContext | None = None) -> Iterator[Web]:
    """Runs a server as long as the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.seen.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
            path = urlsplit(self.path).path
            first = "/" + path.split("/")[1]
            found = made.answers.get(path) or made.answers.get(first)
            if found is None:
                self.send_error(404)
            else:
                found(self)

        do_POST = do_HEAD = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815  # the server's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def finish_request(self, request: Any, client_address: Any) -> None:
            """The handshake belongs to the connection's own thread, and may fail."""
            if context is None:
                super().finish_request(request, client_address)
                return
            with (
                contextlib.suppress(OSError),
                context.wrap_socket(
                    request, server_side=True, do_handshake_on_connect=False
                ) as encrypted,
            ):
                encrypted.do_handshake()
                super().finish_request(encrypted, client_address)

    server = Server(("127.0.0.1", 0), Handler)
    made = Web("http" if context is None else "https", server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextlib.contextmanager
def tunnels(port: int, *, login: str = "") -> Iterator[tuple[str, list[str]]]:
    """A proxy that leads whoever asks for a tunnel to a port of this host, whatever he names.

    Yields its URL, and what was asked for.

    Args:
        login: the ``Proxy-Authorization`` without which it does nothing.
    """
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            if self.headers.get("Proxy-Authorization", "") != login:
                self.send_error(407)
                return
            asked.append(self.path)
            with socket.create_connection(("127.0.0.1", port)) as there:
                self.send_response(200)
                self.end_headers()
                _pass_on(self.connection, there)
            self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://localhost:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    """Bytes in both directions, until one side has no more."""
    while True:
        ready, _, _ = select.select([one, other], [], [], 30)
        for source, target in ((one, other), (other, one)):
            if source in ready:
                data = source.recv(1 << 16)
                if not data:
                    return
                target.sendall(data)
        if not ready:
            return


def authority(directory: Path, *names: str) -> tuple[ssl.SSLContext, Path]:
    """A certificate for localhost and other names: a server's context, and whom its users trust."""
    bundle, private = directory / "ca.pem", directory / "key.pem"
    subjects = ",".join(("IP:127.0.0.1", *(f"DNS:{name}" for name in ("localhost", *names))))
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
         f"subjectAltName={subjects}", "-keyout", private, "-out", bundle],
        capture_output=True, check=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(bundle, private)
    return context, bundle


class Repository:
    """A repository to commit to, and its bare copy that is served."""

    def __init__(self, work: Path, bare: Path) -> None:
        self.work = work
        self.bare = bare
        work.mkdir()
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str) -> str:
        """Runs git in the work tree, with nobody's configuration."""
        env = {
            "PATH": os.environ["PATH"], "HOME": str(self.work), "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.com",
            "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.com",
            "GIT_ALLOW_PROTOCOL": "file",
        }  # fmt: skip
        done = subprocess.run(
            ["git", *arguments], cwd=self.work, env=env, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def commit(self, files: dict[str, str], *, links: dict[str, str] | None = None) -> str:
        """Writes files and symlinks, commits and publishes them; the commit."""
        for name, text in files.items():
            path = self.work / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        for name, target in (links or {}).items():
            (self.work / name).symlink_to(target)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "change")
        return self.publish()

    def publish(self) -> str:
        """Brings the bare copy up to date; the commit."""
        if not self.bare.exists():
            self.git("clone", "-q", "--bare", str(self.work), str(self.bare))
        self.git("push", "-q", "--force", "--all", str(self.bare))
        self.git("push", "-q", "--force", "--tags", str(self.bare))
        return self.git("rev-parse", "HEAD")


def _git(request: BaseHTTPRequestHandler, directory: Path) -> None:
    """The smart protocol, as CGI."""
    parts = urlsplit(request.path)
    length = int(request.headers.get("Content-Length") or 0)
    body = request.rfile.read(length)
    env = {
        "PATH": os.environ["PATH"], "GIT_PROJECT_ROOT": str(directory), "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*",
        "GIT_CONFIG_KEY_1": "uploadpack.allowAnySHA1InWant", "GIT_CONFIG_VALUE_1": "true",
        "PATH_INFO": parts.path.removeprefix("/git"), "QUERY_STRING": parts.query,
        "REQUEST_METHOD": request.command, "CONTENT_LENGTH": str(length),
        "CONTENT_TYPE": request.headers.get("Content-Type", ""),
        "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
        "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
    }  # fmt: skip
    done = subprocess.run(["git", "http-backend"], env=env, input=body, capture_output=True)
    head, _, content = done.stdout.partition(b"\r\n\r\n")
    headers = [line.partition(": ")[::2] for line in head.decode().split("\r\n") if line]
    status = next((value for name, value in headers if name == "Status"), "200")
    request.send_response(int(status.split()[0]))
    for name, value in headers:
        if name != "Status":
            request.send_header(name, value)
    request.send_header("Content-Length", str(len(content)))
    request.end_headers()
    request.wfile.write(content)
