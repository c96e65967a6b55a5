"""Redis from Debian's packages does what the official image does."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.roots import Root
from tests.support.waiting import until

from dockyard import Engine, RunningContainer

MakeStock = Callable[..., Root]
PORT = 6379


@pytest.fixture
def root(stock: MakeStock) -> Root:
    return stock("redis:7")


def redis(engine: Engine, *command: str) -> RunningContainer:
    volumes = {"data": "/data"}
    return engine.run("redis:7-alpine", command or None, ports={PORT: 0}, volumes=volumes)


def say(container: RunningContainer, *lines: str) -> str:
    """What the server answers to somebody outside of the container."""

    def answer() -> str | None:
        try:
            with socket.create_connection(("127.0.0.1", container.ports[PORT]), 2) as connection:
                connection.sendall("".join(f"{line}\r\n" for line in (*lines, "QUIT")).encode())
                connection.settimeout(5)
                return b"".join(iter(lambda: connection.recv(4096), b"")).decode() or None
        except ConnectionError:
            return None

    return until(answer)


def test_it_answers_the_network_and_keeps_its_data_across_containers(engine: Engine) -> None:
    with redis(engine) as first:
        assert say(first, "PING") == "+PONG\r\n+OK\r\n"
        assert say(first, "SET harbour 42").startswith("+OK")
        assert first.exec(["redis-cli", "ping"]) == (0, "PONG\n")
        _, status = first.exec(["grep", "-E", "^(Uid|Groups):", "/proc/1/status"])
        assert status.split() == ["Uid:", "999", "999", "999", "999", "Groups:"]
        assert first.stop() == 0
    with redis(engine) as second:
        assert say(second, "GET harbour").startswith("$2\r\n42")
        _, owner = second.exec(["stat", "-c", "%U %a", "/data/dump.rdb"])
        assert owner == "redis 600\n"


def test_options_alone_are_for_the_server(engine: Engine) -> None:
    with redis(engine, "--requirepass", "secret", "--appendonly", "yes") as container:
        assert say(container, "PING").startswith("-NOAUTH")
        assert say(container, "AUTH secret", "PING") == "+OK\r\n+PONG\r\n+OK\r\n"
    with engine.run("redis", ["redis-cli", "--version"], remove=False) as other:
        assert other.wait() == 0
        assert "redis-cli 7." in other.logs()
        other.remove()


@pytest.mark.parametrize(
    ("text", "answer"),
    [("maxmemory 32mb\n", "+PONG"), ("protected-mode yes\n", "-DENIED"),
     ("include /etc/more.conf\n", "-DENIED")],
    ids=["not said", "said", "said elsewhere"],
)  # fmt: skip
def test_a_configuration_decides_whom_it_talks_to(
    engine: Engine, tmp_path: Path, text: str, answer: str
) -> None:
    (tmp_path / "redis.conf").write_text(text)
    (tmp_path / "more.conf").write_text("protected-mode yes\n")
    files = {str(tmp_path / "redis.conf"): "/etc/redis.conf:ro",
             str(tmp_path / "more.conf"): "/etc/more.conf:ro"}  # fmt: skip
    with engine.run("redis:7", ["/etc/redis.conf"], ports={PORT: 0}, volumes=files) as container:
        assert say(container, "PING").startswith(answer)


def test_names_of_the_official_image_get_it_and_say_so(root: Root) -> None:
    done = root.cli("run", "--rm", "redis:7.0-alpine3.20", "redis-server", "--version", check=True)

    assert done.stdout.startswith("Redis server v=7.0.")
    assert done.stderr == (
        "redis:7.0-alpine3.20 resolves to localhost/redis:7"
        " (bootstrapped from Debian, not alpine3.20)\n"
    )
    version = done.stdout.split("v=")[1].split()[0]
    exact = root.cli("image", "inspect", "-f", "{{.RepoTags}}", f"redis:{version}", check=True)
    assert exact.stdout == "[localhost/redis:7]\n"
    other = root.cli("run", "--rm", "--pull", "never", "redis:7.0.999", "true")
    assert other.returncode == 125
    refused = root.cli("bootstrap", "redis:7.0.999")
    assert refused.returncode == 1
    assert f"has version {version} of redis:7, not 7.0.999" in refused.stderr
