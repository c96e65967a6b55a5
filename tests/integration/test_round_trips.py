"""Images on their way through registries, between Dockyard and the engines that others wrote.

``DOCKYARD_PEERS`` names a program that runs a command where Docker, Podman and skopeo are.
"""

from __future__ import annotations

import json
import resource
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.conftest import MakeRoot
from tests.support import peers
from tests.support.peer_registry import Kind, PeerRegistry, running
from tests.support.roots import Root

pytestmark = pytest.mark.peers

_PLACE = "/tmp/dockyard-round-trips"
DOCKERFILE = r"""
FROM {base}
RUN mkdir -p /data/deep && echo first > /data/deep/file && ln -s deep/file /data/link \
    && ln /data/deep/file /data/hard && chmod 4711 /data/hard
RUN rm /data/deep/file && mkdir /data/deep/file && touch -d @1000000000 /data/deep/file/old
RUN head -c 3000000 /dev/urandom > /data/random && chown 10001:10001 /data/random
ENV GREETING="hello world"
CMD ["sh", "-c", "echo $GREETING; cd /data; find . | sort | xargs stat -c '%n %F %a %u:%g %s'; \
 cat link hard random | sha256sum"]
"""
DOCKER, PODMAN = ["docker"], ["podman"]


@pytest.fixture(params=["dockyard", "docker-registry"])
def registry(request: pytest.FixtureRequest, free_port: int) -> Iterator[PeerRegistry]:
    """Ours, then Debian's."""
    if not peers.works("podman"):
        pytest.skip("DOCKYARD_PEERS names no peers")
    kind: Kind = request.param
    with (
        tempfile.TemporaryDirectory(dir="/var/tmp") as directory,
        running(kind, Path(directory), free_port) as registry,
    ):
        yield registry


@pytest.fixture
def root(make_root: MakeRoot) -> Root:
    """One whose layers are its own: what is pushed and saved is read here."""
    made = make_root()
    with made.engine() as engine:
        made.own(engine.images.find("busybox"))
    return made


def ask(*command: str, data: bytes = b"") -> str:
    """What a peer prints."""
    done = peers.run(*command, data=data)
    assert done.returncode == 0, (command, done.stderr.decode())
    return done.stdout.decode()


def insecure(peer: str) -> list[str]:
    return ["--tls-verify=false"] if peer == "podman" else []


def built_here(root: Root, tmp_path: Path, name: str) -> str:
    """Builds the image; its id."""
    (tmp_path / "Dockerfile").write_text(DOCKERFILE.format(base="busybox"))
    root.cli("build", "-t", name, str(tmp_path), check=True)
    return root.cli("inspect", "-f", "{{.Id}}", name, check=True).stdout.strip()


def said_by(root: Root, name: str) -> str:
    done = root.cli("run", "--rm", "--network", "none", "--cap-add", "all", name, check=True)
    return done.stdout


def peer_run(peer: str, name: str) -> str:
    return ask(peer, "run", "--rm", "--network", "none", name)


def forget(peer: str, *names: str) -> None:
    peers.run(peer, "rmi", "-f", *names)
    if peer == "docker":
        peers.run("docker", "builder", "prune", "-af")


@pytest.mark.parametrize("compression", ["zstd", "gzip"])
def test_what_dockyard_pushes_runs_in_docker_podman_and_skopeo(
    root: Root, tmp_path: Path, registry: PeerRegistry, compression: str
) -> None:
    far, near = f"{registry.far}/made/here:1", f"{registry.near}/made/here:1"
    image_id = built_here(root, tmp_path, far)
    expected = said_by(root, far)

    root.cli("push", "--compression", compression, far, check=True, env=registry.environment)

    manifest = json.loads(
        ask("skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{near}")
    )
    kinds = {layer["mediaType"].rpartition("+")[2] for layer in manifest["layers"]}
    assert manifest["config"]["digest"] == image_id
    assert kinds == {compression}
    for peer in ("docker", "podman"):
        try:
            ask(peer, "pull", *insecure(peer), near)
            found = json.loads(ask(peer, "inspect", "--type", "image", near))[0]
            assert found["Id"].removeprefix("sha256:") == image_id.removeprefix("sha256:")
            assert peer_run(peer, near) == expected
        finally:
            forget(peer, near)


@pytest.mark.parametrize("peer", ["docker", "podman"])
def test_what_others_push_runs_here_and_comes_back_with_its_digest(
    root: Root, tmp_path: Path, registry: PeerRegistry, peer: str
) -> None:
    near = f"{registry.near}/made/{peer}:1"
    busybox = tmp_path / "busybox.tar"
    root.cli("save", "-o", str(busybox), "busybox:latest", check=True)
    try:
        ask(peer, "load", data=busybox.read_bytes())
        build(peer, near)
        expected = peer_run(peer, near)
        ask(peer, "push", *insecure(peer), near)
        digest = digest_of(near)

        far = f"{registry.far}/made/{peer}:1"
        root.cli("pull", far, check=True, env=registry.environment)
        assert said_by(root, far) == expected
        again = f"{registry.far}/back/{peer}:2"
        root.cli("tag", far, again, check=True)
        root.cli("push", again, check=True, env=registry.environment)

        assert digest_of(f"{registry.near}/back/{peer}:2") == digest
    finally:
        forget(peer, near, "busybox:latest", "docker.io/library/busybox:latest")
        peers.run("rm", "-rf", _PLACE)


def build(peer: str, name: str) -> None:
    script = f"rm -rf {_PLACE}; mkdir {_PLACE}; cat > {_PLACE}/Dockerfile"
    base = "busybox" if peer == "docker" else "docker.io/library/busybox:latest"
    ask("sh", "-c", script, data=DOCKERFILE.format(base=base).encode())
    ask(peer, "build", "-q", *(limits() if peer == "podman" else ()), "-t", name, _PLACE)


def limits() -> Iterator[str]:
    """Podman asks for higher ones than a host grants where they can't be raised."""
    for name, number in (("nofile", resource.RLIMIT_NOFILE), ("nproc", resource.RLIMIT_NPROC)):
        hard = resource.getrlimit(number)[1]
        yield from ("--ulimit", f"{name}={hard}:{hard}")


def digest_of(name: str) -> str:
    """As skopeo tells it, an implementation of its own."""
    form = "{{.Digest}}"
    return ask("skopeo", "inspect", "-f", form, "--tls-verify=false", f"docker://{name}").strip()
