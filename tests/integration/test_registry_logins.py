"""Docker, Podman and skopeo log in to our registry, and are let do what they may."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support import peers
from tests.support.registries import RunningRegistry, environment

from dockyard.registry.access.model import Grant
from dockyard.registry.access.opening import open_manager

pytestmark = pytest.mark.peers

PASSWORD = "correct horse battery"
_SECONDS = 30.0

Peer = Callable[..., "subprocess.CompletedProcess[bytes]"]


class BesidePeers(RunningRegistry):
    """A registry in the peers' network, where its loopback address is theirs."""

    def __init__(self, root: Path, process: str) -> None:
        super().__init__(root)
        self._process = process

    def start(self) -> None:
        """Starts it there, and waits until it says that it answers."""
        command = [
            "nsenter", "-t", self._process, "-n", sys.executable, "-m", "dockyard.cli.main",
            "registry", "serve", "--root", str(self.root), "--addr", f"127.0.0.1:{self.port}",
        ]  # fmt: skip
        with self.log.open("ab") as stream:
            self._running = subprocess.Popen(
                command, stdout=stream, stderr=stream, stdin=subprocess.DEVNULL, env=environment()
            )
        end = time.monotonic() + _SECONDS
        while "listening" not in self.said():
            assert self._running.poll() is None, self.said()
            assert time.monotonic() < end, self.said()
            time.sleep(0.05)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    """With anna, who may push to team-a, and what everybody may pull in public."""
    if not peers.works():
        pytest.skip("DOCKYARD_PEERS names no program that runs Docker")
    root = tmp_path_factory.mktemp("logins") / "registry"
    manager = open_manager(str(root))
    manager.add_user("anna", PASSWORD)
    manager.set_rule("user:anna", "team-a/**", ("pull", "push"))
    manager.set_rule("user:anna", "public/**", ("pull", "push"))
    manager.set_rule("anonymous", "public/**", ("pull",))
    made = BesidePeers(root, peers.run("pidof", "dockerd").stdout.decode().split()[0])
    made.start()
    try:
        yield made
    finally:
        made.kill()
        manager.close()


@pytest.fixture(params=["docker", "podman"])
def peer(request: pytest.FixtureRequest, registry: RunningRegistry) -> Iterator[Peer]:
    """Runs Docker or Podman with a small image of theirs, and logs out in the end."""
    name = request.param
    if not peers.works(name):
        pytest.skip(f"{name} does not work")
    imported = peers.run(name, "import", "-", f"{registry.host}/team-a/app:1", data=small())
    assert imported.returncode == 0, imported.stderr

    def call(*words: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return peers.run(name, *words, data=data)

    yield call
    call("logout", registry.host)
    listed = call("images", "--format", "{{.Repository}}:{{.Tag}}").stdout.decode().split()
    call("rmi", "-f", *[one for one in listed if one.startswith(registry.host)])


def small() -> bytes:
    """A tar with one file."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        entry = tarfile.TarInfo("file")
        entry.size = 5
        tar.addfile(entry, io.BytesIO(b"small"))
    return buffer.getvalue()


def insecure(peer: Peer) -> list[str]:
    """What Podman has to be told of plain HTTP; Docker knows that a loopback is safe."""
    return ["--tls-verify=false"] if b"podman" in peer("--version").stdout else []


def test_who_logs_in_pushes_what_he_may_and_nothing_else(
    registry: RunningRegistry, peer: Peer
) -> None:
    image, plain = f"{registry.host}/team-a/app:1", insecure(peer)
    assert peer("push", *plain, image).returncode != 0
    wrong = peer("login", *plain, "-u", "anna", "--password-stdin", registry.host, data=b"wrong")
    assert wrong.returncode != 0

    login = peer("login", *plain, "-u", "anna", "--password-stdin", registry.host,
                 data=PASSWORD.encode())  # fmt: skip
    assert login.returncode == 0, login.stderr
    pushed = peer("push", *plain, image)
    assert pushed.returncode == 0, pushed.stderr
    peer("rmi", image)
    pulled = peer("pull", *plain, image)
    assert pulled.returncode == 0, pulled.stderr
    other = f"{registry.host}/team-b/app:1"
    assert peer("tag", image, other).returncode == 0
    refused = peer("push", *plain, other)
    assert refused.returncode != 0
    said = refused.stderr + refused.stdout
    assert b"denied" in said or b"403" in said


def test_a_robot_logs_in_with_its_token(registry: RunningRegistry, peer: Peer) -> None:
    manager = open_manager(str(registry.root))
    with contextlib.closing(manager):
        name = f"ci-{time.time_ns()}"
        secret = manager.create_robot(name, [Grant("team-a/*", ("pull", "push"))], 600)
        plain = insecure(peer)
        login = peer("login", *plain, "-u", f"robot${name}", "--password-stdin", registry.host,
                     data=secret.encode())  # fmt: skip
        assert login.returncode == 0, login.stderr
        pushed = peer("push", *plain, f"{registry.host}/team-a/app:1")
        assert pushed.returncode == 0, pushed.stderr
        manager.revoke_robot(name)
        assert peer("pull", *plain, f"{registry.host}/team-a/app:1").returncode != 0


def test_everybody_pulls_what_is_public(registry: RunningRegistry, peer: Peer) -> None:
    image, plain = f"{registry.host}/public/app:1", insecure(peer)
    peer("login", *plain, "-u", "anna", "--password-stdin", registry.host, data=PASSWORD.encode())
    peer("tag", f"{registry.host}/team-a/app:1", image)
    pushed = peer("push", *plain, image)
    assert pushed.returncode == 0, pushed.stderr
    peer("logout", registry.host)
    peer("rmi", image)

    pulled = peer("pull", *plain, image)
    assert pulled.returncode == 0, pulled.stderr
    assert peer("push", *plain, image).returncode != 0
    assert peer("pull", *plain, f"{registry.host}/team-a/app:1").returncode != 0


def test_skopeo_copies_with_a_password(registry: RunningRegistry) -> None:
    if peers.run("skopeo", "--version").returncode != 0:
        pytest.skip("skopeo does not work")
    at = f"docker://{registry.host}"
    place = "/tmp/dockyard-small.tar"
    made = peers.run("docker", "import", "-", "dockyard-small:1", data=small())
    assert made.returncode == 0, made.stderr
    try:
        saved = peers.run("docker", "save", "-o", place, "dockyard-small:1")
        assert saved.returncode == 0, saved.stderr
        words = ("skopeo", "copy", "--dest-tls-verify=false", f"docker-archive:{place}",
                 f"{at}/team-a/by-skopeo:1")  # fmt: skip
        assert peers.run(*words).returncode != 0
        done = peers.run(*words[:2], "--dest-creds", f"anna:{PASSWORD}", *words[2:])
        assert done.returncode == 0, done.stderr
        tags = peers.run("skopeo", "list-tags", "--tls-verify=false", "--creds",
                         f"anna:{PASSWORD}", f"{at}/team-a/by-skopeo")  # fmt: skip
        assert b'"1"' in tags.stdout, tags.stderr
    finally:
        peers.run("docker", "rmi", "-f", "dockyard-small:1")
        peers.run("rm", "-f", place)
