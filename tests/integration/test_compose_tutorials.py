"""Compose files as tutorials publish them: they load without change, run, and answer.

Only the ports of the host are other ones, so that tests may run beside each other.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support import bases
from tests.support.compose_oracle import Oracle, Question, ours
from tests.support.roots import Root
from tests.support.waiting import until

HERE = Path(__file__).parents[1] / "data" / "tutorials"
LOADED = sorted(HERE.glob("load/*.yaml"))
RUN = sorted(path.parent.name for path in HERE.glob("*/compose.yaml"))
BUILD_SECONDS = 300
SOAK = pytest.mark.skipif(not os.environ.get("DOCKYARD_SOAK"), reason="make soak does it")
MakeRoot = Callable[..., Root]


class Tutorial:
    """A directory of somebody who follows a tutorial, and the commands that it has them type."""

    def __init__(self, root: Root, directory: Path) -> None:
        self.root = root
        self.directory = directory
        override = directory / "compose.override.yaml"
        self._files = ["compose.yaml", *([override.name] if override.exists() else [])]

    def compose(self, *words: str, check: bool = True) -> str:
        """What a command prints; it is called where a user would."""
        flags = [word for file in self._files for word in ("-f", str(self.directory / file))]
        return self.root.cli("compose", *flags, *words, check=check, timeout=BUILD_SECONDS).stdout

    def up(self, *words: str) -> None:
        """Brings it up, with any ports of the host in place of certain ones."""
        config = json.loads(self.compose("config", "--format", "json"))
        ports = {name: [f"127.0.0.1::{port['target']}" for port in each["ports"]]
                 for name, each in config["services"].items() if "ports" in each}  # fmt: skip
        text = "".join(f"  {name}:\n    ports: !override {json.dumps(each)}\n"
                       for name, each in ports.items())  # fmt: skip
        if text:
            (self.directory / "any-ports.yaml").write_text(f"services:\n{text}")
            self._files.append("any-ports.yaml")
        self.compose("up", "-d", "--wait", "--quiet-build", *words)

    def down(self) -> None:
        """Leaves nothing."""
        self.compose("down", "-t", "1", "-v", "--remove-orphans")

    def get(self, service: str, port: int, path: str = "/", method: str = "GET") -> str | None:
        """What a service answers at a published port; ``None`` where it doesn't yet."""
        address = self.compose("port", service, str(port)).strip()
        request = urllib.request.Request(f"http://{address}{path}", method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return str(answer.read().decode())
        except (OSError, http.client.HTTPException):
            return None


@pytest.fixture
def follow(
    make_root: MakeRoot, base_images: Path, tmp_path: Path
) -> Iterator[Callable[..., Tutorial]]:
    """Makes the directory of a tutorial, in a root that has the images which it needs."""
    made: list[Tutorial] = []

    def make(name: str, *images: str, base: bool = False) -> Tutorial:
        root = make_root(images=False)
        bases.furnish(bases.stocked(*images), root.paths)
        if base:
            bases.furnish(base_images, root.paths)
        shutil.copytree(HERE / name, tmp_path / name)
        made.append(Tutorial(root, tmp_path / name))
        return made[-1]

    tmp_path.chmod(0o755)  # for containers whose user is not root
    yield make
    for each in made:
        each.down()


def test_there_are_enough() -> None:
    assert len(RUN) >= 9
    assert len(RUN) + len(LOADED) >= 20


@pytest.mark.parametrize("path", [*LOADED, *(HERE / name / "compose.yaml" for name in RUN)],
                         ids=lambda path: f"{path.parent.name}-{path.stem}")  # fmt: skip
def test_a_file_loads_as_docker_compose_loads_it(path: Path) -> None:
    override = path.with_name("compose.override.yaml")
    files = (str(path), *([str(override)] if override.exists() else []))
    question = Question(files=files, directory=str(path.parent), profiles=("*",))

    theirs = Oracle(keeps=False).ask(question)

    assert theirs.error is None
    assert ours(question) == theirs


def test_a_counter_in_flask_and_redis(follow: Callable[..., Tutorial]) -> None:
    tutorial = follow("flask-redis", "redis:7", base=True)
    tutorial.up()
    seen = [until(lambda: tutorial.get("web", 5000)) for _ in range(2)]
    assert seen == [f"Hello World! I have been seen {n} times.\n" for n in (1, 2)]
    tutorial.compose("stop")
    tutorial.compose("start")
    assert until(lambda: tutorial.get("web", 5000)) == seen[0].replace("1 times", "3 times")


@pytest.mark.long
def test_an_api_whose_database_is_migrated_first(follow: Callable[..., Tutorial]) -> None:
    tutorial = follow("fastapi-postgres", "postgres:17", base=True)
    tutorial.up()
    assert "migrated" in tutorial.compose("logs", "migrate")
    for text in ("first", "second"):
        assert tutorial.get("api", 80, f"/notes/{text}", "POST") == f'{{"added":"{text}"}}'
    assert tutorial.get("api", 80, "/notes") == '["first","second"]'
    tutorial.compose("down", "-t", "5")
    tutorial.compose("up", "-d", "--wait")
    assert tutorial.get("api", 80, "/notes") == '["first","second"]'


def test_a_proxy_in_front_of_a_backend(follow: Callable[..., Tutorial]) -> None:
    tutorial = follow("nginx-proxy", "nginx:1.26", base=True)
    tutorial.up()
    answer = until(lambda: tutorial.get("proxy", 80))
    assert answer == "Hello from the backend, 127.0.0.1\n"
    assert tutorial.get("proxy", 80, "/motd.txt") == "Welcome to nginx-proxy\n"


def test_a_balancer_asks_all_replicas_in_turn(follow: Callable[..., Tutorial]) -> None:
    tutorial = follow("haproxy", "haproxy:3.0", "nginx:1.26")
    tutorial.up()
    names = {"x"}

    def all_answered() -> bool:
        names.add(tutorial.get("balancer", 8080) or "x")
        return len(names) == 1 + 3

    until(all_answered)
    assert "webservers" in (tutorial.get("balancer", 8404) or "")


@pytest.mark.long
def test_prometheus_watches_redis(follow: Callable[..., Tutorial]) -> None:
    images = ("prom/prometheus", "oliver006/redis_exporter", "redis:7")
    tutorial = follow("monitoring", *images)
    tutorial.up()
    query = urllib.parse.urlencode({"query": "redis_up"})

    def measured() -> Any:
        found = json.loads(tutorial.get("prometheus", 9090, f"/api/v1/query?{query}") or "{}")
        return found.get("data", {}).get("result")

    assert until(measured)[0]["value"][1] == "1"
    assert tutorial.compose("exec", "cache", "sh", "-c", "ulimit -n").strip() == "20000"


def test_workers_take_jobs_from_a_queue(follow: Callable[..., Tutorial]) -> None:
    tutorial = follow("worker-queue", "redis:7")
    tutorial.up()
    assert tutorial.compose("run", "--rm", "submit").strip() == "1"
    numbers = list(map(str, range(20)))
    tutorial.compose("run", "--rm", "--no-deps", "submit", "jobs", *numbers)

    def done() -> list[str]:
        text = tutorial.compose("exec", "broker", "redis-cli", "LRANGE", "done", "0", "-1")
        return text.splitlines()

    until(lambda: len(done()) == 21)
    assert {line.partition(" ")[0] for line in done()} == {"one", *numbers}
    assert len(tutorial.compose("ps", "-q", "worker").split()) == 2
    assert "did one" in tutorial.compose("logs", "worker")


def test_a_database_begins_with_what_is_in_its_directory(follow: Callable[..., Tutorial]) -> None:
    tutorial = follow("postgres-sql", "postgres:17")
    tutorial.up()
    assert tutorial.compose("run", "--rm", "client") == "Batavia\nVasa\n"


def test_a_site_of_several_files(follow: Callable[..., Tutorial]) -> None:
    tutorial = follow("static-site", "nginx:1.26")
    tutorial.up()
    assert tutorial.get("web", 80) == "<h1>It works from a volume</h1>\n"
    assert "It works from a volume" in tutorial.compose("run", "--rm", "check")


@SOAK
def test_a_blog_with_mariadb(follow: Callable[..., Tutorial]) -> None:
    tutorial = follow("wordpress-like", "mariadb:10.11", base=True)
    tutorial.up()
    assert until(lambda: tutorial.get("blog", 80)) == "Hello world!"
    assert tutorial.get("blog", 80) == "Hello world!\nHello world!"
