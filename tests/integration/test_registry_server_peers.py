"""Docker, Podman and skopeo log in to our registry, push to it and pull from it, by its rules."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support import peers
from tests.support.peer_registry import PeerRegistry, running
from tests.support.registries import environment

PASSWORD = "a password of no use elsewhere"
IMAGE = "dockyard-registry-peers"


@pytest.fixture
def registry(free_port: int) -> Iterator[PeerRegistry]:
    """One with a user, who may push below team-a, and with public repositories."""
    if not (peers.works("docker") and peers.works("podman")):
        pytest.skip("DOCKYARD_PEERS names no peers")
    with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
        root = Path(directory) / "dockyard"
        root.mkdir(mode=0o700)
        manage(root, "user", "add", "--password-stdin", "anna", data=f"{PASSWORD}\n")
        manage(root, "policy", "set", "user:anna", "team-a/**", "pull,push")
        manage(root, "policy", "set", "user:anna", "public/**", "pull,push")
        manage(root, "policy", "set", "anonymous", "public/**", "pull")
        with running("dockyard", Path(directory), free_port) as registry:
            yield registry


def manage(root: Path, *words: str, data: str = "") -> None:
    group, verb, *rest = words
    subprocess.run(
        [sys.executable, "-m", "dockyard.cli.main", "registry", group, verb, "--root", str(root),
         *rest], input=data, text=True, check=True, capture_output=True, env=environment(),
    )  # fmt: skip


def ask(*command: str, data: str = "") -> str:
    done = peers.run(*command, data=data.encode())
    assert done.returncode == 0, (command, done.stderr.decode())
    return done.stdout.decode()


def fails(*command: str) -> str:
    done = peers.run(*command)
    assert done.returncode != 0, command
    return done.stderr.decode() + done.stdout.decode()


@pytest.mark.peers
@pytest.mark.parametrize("peer", ["docker", "podman"])
def test_peers_log_in_push_and_pull_by_the_rules(registry: PeerRegistry, peer: str) -> None:
    clear = ["--tls-verify=false"] if peer == "podman" else []
    names = [f"{registry.near}/{path}" for path in ("team-a/app:1", "public/app:1", "other/app:1")]
    team, public, other = names
    build(peer)
    try:
        for name in names:
            ask(peer, "tag", IMAGE, name)
        fails(peer, "push", *clear, team)
        wrong = peers.run(peer, "login", *clear, "-u", "anna", "--password-stdin", registry.near,
                          data=b"wrong")  # fmt: skip
        assert wrong.returncode != 0
        ask(peer, "login", *clear, "-u", "anna", "--password-stdin", registry.near, data=PASSWORD)
        ask(peer, "push", *clear, team)
        ask(peer, "push", *clear, public)
        fails(peer, "push", *clear, other)

        ask(peer, "rmi", "-f", team)
        ask(peer, "pull", *clear, team)
        ask(peer, "logout", registry.near)
        ask(peer, "rmi", "-f", team, public)
        fails(peer, "pull", *clear, team)
        ask(peer, "pull", *clear, public)
        found = ask("skopeo", "inspect", "--tls-verify=false", f"docker://{public}")
        assert "sha256:" in found
    finally:
        peers.run(peer, "logout", registry.near)
        peers.run(peer, "rmi", "-f", IMAGE, *names)


def build(peer: str) -> None:
    """A small image of nothing but a file."""
    script = (
        "rm -rf /tmp/{0}; mkdir /tmp/{0}; cd /tmp/{0}; head -c 3000000 /dev/urandom > f;"
        " printf 'FROM scratch\\nCOPY f /f\\n' > Dockerfile; {1} build -q -t {0} .; rm -rf /tmp/{0}"
    )
    ask("sh", "-ec", script.format(IMAGE, peer))
