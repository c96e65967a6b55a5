"""A real Envoy for tests, and services for it to serve."""

from __future__ import annotations

import json
import ssl
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Any

from tests.support.backends import Server
from tests.support.registries import free_port
from tests.support.waiting import until

from dockyard.serving.gateway import config, envoy, files
from dockyard.serving.gateway.access_log import Reader, Request
from dockyard.serving.gateway.admin import Admin, Settling
from dockyard.serving.gateway.model import Backend, Key, Leg, Served, Settings, Upstream
from dockyard.serving.model import Route, Service, Tls, Variant, target_id

PROJECT = "shop"


class Answer:
    """What a client got."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def by(self) -> str:
        """Name of the server that answered."""
        return str(self.json.get("by", ""))


class Gateway:
    """An Envoy of the tests; each test has it serve what it wants."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.admin = Admin(settings.admin)
        self.sockets = Path(settings.directory) / "sockets"
        self.listen = f"127.0.0.1:{free_port()}"
        self._log = Reader(settings.access_log)
        self._logged: list[Request] = []

    def serve(self, *served: Served) -> None:
        """Replaces all services by these, and waits until they are served."""
        files.publish(self.settings, config.files(served, self.settings), Settling(self.admin))

    def socket(self, variant: str) -> str:
        self.sockets.mkdir(exist_ok=True)
        return str(self.sockets / f"{target_id(PROJECT, variant)}.sock")

    def ask(
        self, path: str = "/", *, method: str = "GET", body: bytes | None = None,
        headers: Mapping[str, str] | None = None, scheme: str = "http", at: str = "",
    ) -> Answer:  # fmt: skip
        """One request, on a connection of its own."""
        connection = HTTPConnection(at or self.listen, timeout=20)
        if scheme == "https":
            unchecked = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE
            connection = HTTPSConnection(at or self.listen, timeout=20, context=unchecked)
        try:
            connection.request(method, path, body, headers or {})
            got = connection.getresponse()
            named = {name.lower(): value for name, value in got.getheaders()}
            return Answer(got.status, named, got.read())
        finally:
            connection.close()

    def log_of(self, request_id: str) -> Request:
        """The line of the access log that a request got."""

        def look() -> Request | None:
            self._logged += self._log.read()
            return next((one for one in self._logged if one.id == request_id), None)

        return until(look)


def service(
    gateway: Gateway, *variants: Variant, name: str = "embed", path: str = "/", **more: Any
) -> Service:
    """A service of the tests' project at the gateway's address."""
    route = {"listen": gateway.listen, "path": path, **more.pop("route", {})}
    return Service(
        project=PROJECT, name=name, route=Route(**route),
        variants=variants or (Variant(name=name, port=80),), **more,
    )  # fmt: skip


def served(
    gateway: Gateway,
    what: Service,
    backends: Mapping[str, Sequence[Backend]],
    *,
    weights: dict[str, int] | None = None,
    keys: tuple[Key, ...] = (),
) -> Served:
    """A service with its replicas, by variant."""
    shares = weights or {one.name: one.weight for one in what.variants if not one.shadow}
    return Served(
        service=what,
        legs=tuple(Leg(variant=name, weight=weight) for name, weight in shares.items()),
        upstreams=tuple(
            Upstream(
                id=target_id(PROJECT, one.name),
                activator=gateway.socket(one.name),
                backends=tuple(backends.get(one.name, ())),
            )
            for one in what.variants
        ),
        keys=keys,
    )


@contextmanager
def running(directory: Path, **more: Any) -> Iterator[Gateway]:
    """Starts Envoy without services, and ends it."""
    settings = Settings(
        directory=str(directory), admin=str(directory / "admin.sock"),
        access_log=str(directory / "access.log"), **more,
    )  # fmt: skip
    bootstrap = files.prepare(settings)
    with (directory / "envoy.log").open("wb") as log:
        process = subprocess.Popen(
            envoy.argv(bootstrap, threads=2), stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    gateway = Gateway(settings)
    try:
        until(lambda: gateway.admin.ready() or process.poll() is not None)
        assert process.poll() is None, (directory / "envoy.log").read_text()
        yield gateway
    finally:
        process.terminate()
        process.wait(20)


@contextmanager
def servers(*names: str) -> Iterator[list[Server]]:
    """Servers that listen."""
    made = [Server(name) for name in names]
    try:
        yield [one.listen() for one in made]
    finally:
        for one in made:
            one.close()


MakeServer = Callable[[str], Server]


def certificate(directory: Path, name: str) -> Tls:
    """A certificate of two days for one name, signed by itself."""
    key, cert = directory / f"{name}.key", directory / f"{name}.crt"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-keyout", key, "-out", cert, "-days", "2", "-subj", f"/CN={name}",
         "-addext", f"subjectAltName=DNS:{name}"],
        check=True, capture_output=True,
    )  # fmt: skip
    return Tls(cert=str(cert), key=str(key))
