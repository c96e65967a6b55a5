"""Pushes and pulls while client and registry are killed at random, and garbage is collected.

What a registry has acknowledged is there and right, a retry goes on, and nothing is left behind.
``DOCKYARD_SOAK`` makes it 50 rounds, as ``make soak`` does.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.conftest import MakeRoot
from tests.support.registries import RunningRegistry, own_registry
from tests.support.roots import Root

ROUNDS = 50 if os.environ.get("DOCKYARD_SOAK") else 4
_LAYERS = 4
_LAYER_BYTES = 24 << 20
_MOST_SECONDS = 1.5
"""An undisturbed push takes about as long."""
_TRIES = 10
_ACCEPT = "application/vnd.oci.image.manifest.v1+json"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[RunningRegistry]:
    """Ours, which keeps what nobody needs no longer than two seconds."""
    (tmp_path / "registry").mkdir()
    (tmp_path / "registry" / "registry.toml").write_text('[gc]\ngrace = "2s"\nuntagged = "2s"\n')
    with own_registry(tmp_path) as running:
        yield running


class Chaos:
    """Kills at random, and says with what seed."""

    def __init__(self, served: RunningRegistry, seed: int) -> None:
        self.served = served
        self.random = random.Random(seed)
        self.kills = {"client": 0, "registry": 0}

    def disturb(self, process: subprocess.Popen[str]) -> None:
        """Lets a command run for a while, then kills it, or the registry below it."""
        try:
            process.communicate(timeout=self.random.uniform(0.1, _MOST_SECONDS))
            return
        except subprocess.TimeoutExpired:
            pass
        if self.random.random() < 0.5:
            self.kills["client"] += 1
            process.kill()
        else:
            self.kills["registry"] += 1
            self.served.restart()
        process.communicate(timeout=120)


def test_a_retry_goes_on_whoever_was_killed(
    make_root: MakeRoot, served: RunningRegistry, tmp_path: Path
) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chaos = Chaos(served, seed)
    sender, receiver = make_root(), make_root(images=False)
    with sender.engine() as engine:
        sender.own(engine.images.find("busybox"))
    over = threading.Event()
    collected: list[int] = []
    collector = threading.Thread(target=collect, args=(served, over, collected))
    collector.start()
    try:
        for number in range(ROUNDS):
            name = f"{served.host}/soak/app:{number}"
            image_id = build(sender, tmp_path, name, number)
            for _ in range(chaos.random.randint(1, 3)):
                chaos.disturb(sender.start("push", "-q", name))
            again(sender, "push", name)
            check_all(served, "soak/app", str(number))
            for _ in range(chaos.random.randint(1, 3)):
                chaos.disturb(receiver.start("pull", "-q", name))
            again(receiver, "pull", name)
            found = receiver.cli("inspect", "-f", "{{.Id}}", name, check=True)
            assert found.stdout.strip() == image_id
            run = receiver.cli("run", "--rm", "--network", "none", name, check=True)
            assert run.stdout == f"{number}\n"
            for root in (sender, receiver):
                root.cli("rmi", name, check=True)
            delete(served, "soak/app", str(number))
    finally:
        over.set()
        collector.join()
    print(chaos.kills, f"{sum(collected)} blobs collected")
    assert sum(collected) > 0
    receiver.cli("builder", "prune", "-af", check=True)
    sender.cli("builder", "prune", "-af", check=True)
    for root in (sender, receiver):
        root.cli("system", "prune", "-f", check=True)
        assert not strays(root), strays(root)


def collect(served: RunningRegistry, over: threading.Event, collected: list[int]) -> None:
    """Collects the registry's garbage all the time, from another process than the server's."""
    while not over.wait(0.2):
        done = served.command("gc", "--format", "json", check=False)
        assert done.returncode == 0, done.stderr
        collected.append(len(json.loads(done.stdout)["Blobs"]))


def delete(served: RunningRegistry, repository: str, tag: str) -> None:
    """Makes garbage of an image."""
    url = f"{served.url}/v2/{repository}/manifests/{tag}"
    urllib.request.urlopen(urllib.request.Request(url, method="DELETE"), timeout=60).close()


def build(root: Root, directory: Path, name: str, number: int) -> str:
    """An image of layers that nobody has seen; its id."""
    lines = ["FROM busybox"]
    lines += [f"RUN head -c {_LAYER_BYTES} /dev/urandom > /{i}.{number}" for i in range(_LAYERS)]
    (directory / "Dockerfile").write_text("\n".join([*lines, f'CMD ["echo", "{number}"]', ""]))
    root.cli("build", "-q", "-t", name, str(directory), check=True)
    return root.cli("inspect", "-f", "{{.Id}}", name, check=True).stdout.strip()


def again(root: Root, *command: str) -> None:
    """Until it succeeds: a registry that was killed may not be up yet."""
    said = ""
    for _ in range(_TRIES):
        done = root.cli(*command)
        if done.returncode == 0:
            return
        said = done.stderr
        assert "unexpected" not in said, said
    raise AssertionError(said)


def check_all(served: RunningRegistry, repository: str, tag: str) -> None:
    """Reads all of an image as any client could, and hashes it."""
    manifest = json.loads(read(served, f"{repository}/manifests/{tag}"))
    for descriptor in (manifest["config"], *manifest["layers"]):
        data = read(served, f"{repository}/blobs/{descriptor['digest']}")
        assert f"sha256:{hashlib.sha256(data).hexdigest()}" == descriptor["digest"]
        assert len(data) == descriptor["size"]


def read(served: RunningRegistry, path: str) -> bytes:
    request = urllib.request.Request(f"{served.url}/v2/{path}", headers={"Accept": _ACCEPT})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return bytes(answer.read())


def strays(root: Root) -> list[str]:
    """What is left of transfers that are over."""
    places = ("downloads", "uploads", "spool", "work", "tmp")
    found = [Path(root.paths.root, place) for place in places]
    return [str(path) for place in found if place.is_dir() for path in place.iterdir()]
