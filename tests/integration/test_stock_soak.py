"""All services that Debian has: each starts as its official image does, and answers.

They take minutes to make, so most of them are made where ``DOCKYARD_SOAK`` is set.
"""

from __future__ import annotations

import http.client
import os
import socket
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.integration.conftest import MakeRoot
from tests.support.roots import Root
from tests.support.waiting import until

from dockyard import RunningContainer

pytestmark = pytest.mark.skipif(
    not os.environ.get("DOCKYARD_SOAK"), reason="make soak makes the images of all services"
)
MakeStock = Callable[..., Root]
KILLED = 137


class Http(NamedTuple):
    """A service that answers over HTTP: what to ask, and what is in the answer."""

    image: str
    port: int
    path: str
    words: str
    command: tuple[str, ...] | None = None
    user: str = "0"


PROGRAM = (
    "process.on('SIGTERM', () => process.exit(0));"
    "require('http').createServer((q, a) => a.end(process.version)).listen(80)"
)
"""For node, which as the first process of a container heeds no signal by itself."""
HTTP = (
    Http("oliver006/redis_exporter:v1.45", 9121, "/metrics", "redis_up 0", user="59000"),
    Http("oliver006/redis_exporter:v1.69", 9121, "/metrics", "redis_up 0", user="59000"),
    Http("prom/prometheus:v2.53", 9090, "/metrics", 'version="2.53.', user="65534"),
    Http("prom/node-exporter:v1.9", 9100, "/metrics", "node_uname_info", user="65534"),
    Http("prom/alertmanager:v0.28", 9093, "/api/v2/status", "receiver: web.hook", user="65534"),
    Http("prom/pushgateway:v1.11", 9091, "/metrics", "pushgateway_build_info", user="65534"),
    Http("nginx:1.22", 80, "/", "Welcome to nginx!"),
    Http("httpd:2.4", 80, "/", "It works!"),
    Http("caddy:2.6", 80, "/", "Caddy works!"),
    Http("registry:2", 5000, "/v2/", "{}"),
    Http("node:18", 80, "/", "v18.", ("node", "-e",
         PROGRAM)),
    Http("node:20", 80, "/", "v20.", ("-e",
         PROGRAM)),
)  # fmt: skip


@pytest.mark.parametrize("service", HTTP, ids=lambda service: service.image)
def test_a_service_answers_http(stock: MakeStock, service: Http) -> None:
    with stock(service.image).engine() as engine, engine.run(
        service.image, service.command, ports={service.port: 0}
    ) as container:  # fmt: skip
        address = container.wait_until_ready(service.path)
        with urllib.request.urlopen(address + service.path, timeout=10) as answer:
            assert service.words in answer.read().decode()
        _, status = container.exec(["grep", "^Uid:", "/proc/1/status"])
        assert status.split()[1] == service.user
        assert container.stop() != KILLED


def ask(container: RunningContainer, port: int, request: bytes) -> bytes:
    """What a server says first to a request."""

    def answer() -> bytes | None:
        try:
            with socket.create_connection(("127.0.0.1", container.ports[port]), 2) as connection:
                connection.sendall(request)
                return connection.recv(4096)
        except OSError:
            return None

    return until(answer)


def test_memcached_answers(stock: MakeStock) -> None:
    with stock("memcached:1.6").engine() as engine, engine.run(
        "memcached:alpine", ["-m", "32"], ports={11211: 0}
    ) as container:  # fmt: skip
        ask(container, 11211, b"set a 0 0 1\r\n1\r\n")
        assert ask(container, 11211, b"get a\r\n") == b"VALUE a 0 1\r\n1\r\nEND\r\n"
        assert b"limit_maxbytes 33554432" in ask(container, 11211, b"stats\r\n")
        _, status = container.exec(["grep", "^Uid:", "/proc/1/status"])
        assert status.split()[1] == "11211"


def test_valkey_and_the_newer_redis_answer(stock: MakeStock) -> None:
    for image in ("valkey/valkey:8", "redis:8"):
        with stock(image).engine() as engine, engine.run(image, ports={6379: 0}) as container:
            assert ask(container, 6379, b"PING\r\n") == b"+PONG\r\n"


def test_mosquitto_passes_messages(stock: MakeStock) -> None:
    with stock("eclipse-mosquitto:2.0").engine() as engine, engine.run(
        "eclipse-mosquitto:2", ["mosquitto", "-c", "/mosquitto-no-auth.conf"]
    ) as container:  # fmt: skip
        publish = ["mosquitto_pub", "-t", "harbour", "-m", "ahoy", "-r"]
        until(lambda: container.exec(publish)[0] == 0)
        heard = container.exec(["mosquitto_sub", "-t", "harbour", "-C", "1", "-W", "10"])
        assert heard == (0, "ahoy\n")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory for a container whose user is not root."""
    tmp_path.chmod(0o755)
    return tmp_path


@pytest.mark.parametrize("image", ["haproxy:2.6", "haproxy:3.0"])
def test_haproxy_answers(stock: MakeStock, place: Path, image: str) -> None:
    (place / "haproxy.cfg").write_text(
        "defaults\n  mode http\n  timeout client 5s\n  timeout connect 5s\n  timeout server 5s\n"
        "frontend all\n  bind :8080\n  http-request return status 200 string ahoy"
        " content-type text/plain\n"
    )
    with stock(image).engine() as engine, engine.run(
        image, ports={8080: 0}, volumes={str(place): "/usr/local/etc/haproxy:ro"}
    ) as container:  # fmt: skip
        container.wait_until_ready()
        connection = http.client.HTTPConnection("127.0.0.1", container.ports[8080], timeout=10)
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"ahoy"
        connection.close()


def test_vectors_are_found_by_distance(stock: MakeStock) -> None:
    with stock("pgvector/pgvector:pg17").engine() as engine, engine.run(
        "pgvector/pgvector:0.8.0-pg17", env={"POSTGRES_PASSWORD": "secret"}, ports={5432: 0}
    ) as container:  # fmt: skip
        until(lambda: "init process complete" in container.logs(), 60)
        statements = (
            "CREATE EXTENSION vector; CREATE TABLE t (v vector(2));"
            "INSERT INTO t VALUES ('[1,0]'), ('[0,1]');"
            "SELECT v FROM t ORDER BY v <-> '[0,2]' LIMIT 1"
        )
        found = until(lambda: sql(container, "psql", "-U", "postgres", "-qAtc", statements))
        assert found == "[0,1]"


def sql(container: RunningContainer, *argv: str) -> str | None:
    code, text = container.exec(argv)
    return None if code else text.strip()


@pytest.mark.parametrize("image", ["mariadb:10.11", "mariadb:11.8"])
def test_mariadb_makes_database_and_user_and_keeps_them(
    stock: MakeStock, place: Path, image: str
) -> None:
    (place / "1.sql").write_text("CREATE TABLE ships (name text);")
    (place / "2.sh").write_text(
        'mariadb -uroot -p"$MARIADB_ROOT_PASSWORD" fleet_1'
        " -e \"INSERT INTO ships VALUES ('it''s')\"\n"
    )
    env = {"MARIADB_ROOT_PASSWORD": "ro'ot", "MYSQL_DATABASE": "fleet_1", "MARIADB_USER": "captain",
           "MARIADB_PASSWORD": "se\\cr'et", "MARIADB_INITDB_SKIP_TZINFO": "1"}  # fmt: skip
    login = ("mariadb", "-h127.0.0.1", "-ucaptain", "-pse\\cr'et", "fleet_1", "-N", "-e")
    volumes = {str(place): "/docker-entrypoint-initdb.d:ro", "data": "/var/lib/mysql"}
    healthy = ["healthcheck.sh", "--connect", "--innodb_initialized"]
    with stock(image).engine() as engine:
        with engine.run(image, env=env, volumes=volumes, ports={3306: 0}) as first:
            until(lambda: first.exec(healthy)[0] == 0, 120)
            assert sql(first, *login, "SELECT name FROM ships") == "it's"
            _, status = first.exec(["grep", "^Uid:", "/proc/1/status"])
            assert status.split()[1] == "999"
            root = ("mariadb", "-h127.0.0.1", "-uroot", "-pro'ot", "-N", "-e", "SELECT 1")
            assert sql(first, *root) == "1"
            assert first.stop(30) == 0
        with engine.run(image, volumes={"data": "/var/lib/mysql"}, ports={3306: 0}) as second:
            until(lambda: second.exec(healthy)[0] == 0, 120)
            assert sql(second, *login, "SELECT name FROM ships") == "it's"


def test_mariadb_without_a_password_is_refused(stock: MakeStock) -> None:
    done = stock("mariadb:11.8").cli("run", "--rm", "-q", "mariadb:lts")

    assert done.returncode == 1
    assert "Database is uninitialized and password option is not specified" in done.stderr


def identity(root: Root, image: str) -> str:
    with root.engine() as engine:
        return engine.bootstrap(image).id


REPRODUCED = (
    "redis:7", "postgres:17", "mariadb:11.8", "nginx:1.26", "httpd:2.4", "prom/prometheus:v2.53",
)  # fmt: skip


@pytest.mark.parametrize("image", REPRODUCED)
def test_two_roots_get_the_same_service(make_root: MakeRoot, image: str) -> None:
    assert identity(make_root(images=False), image) == identity(make_root(images=False), image)
