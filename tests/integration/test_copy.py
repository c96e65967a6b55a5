"""``copy``: between registries, layouts and archives, byte for byte."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from tests.support import artifacts
from tests.support.registries import DockerRegistry, docker_registry
from tests.support.relay import Reply, relayed
from tests.support.roots import Root
from tests.support.servers import web
from tests.support.waiting import until

from dockyard.config import Config
from dockyard.oci.image import INDEX
from dockyard.oci.reference import Reference
from dockyard.registry import chunks
from dockyard.registry.client import Client

ARCHIVES = ("oci-archive", "docker-archive")


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[DockerRegistry]:
    with docker_registry(tmp_path) as running:
        yield running


@pytest.fixture
def other(tmp_path: Path) -> Iterator[DockerRegistry]:
    (tmp_path / "other").mkdir()
    with docker_registry(tmp_path / "other", host="127.0.0.1") as running:
        yield running


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    config = Config(root=f"{tmp_path}/root", run=f"{tmp_path}/run")
    with Client.from_config(config, env={"HOME": "/x"}) as made:
        yield made


def copy(root: Root, *arguments: str) -> str:
    return root.cli("copy", *arguments, check=True).stdout.strip()


def require_same(client: Client, made: artifacts.Made, name: str) -> None:
    remote = client.remote(Reference.parse(name))
    assert remote.manifest().data == made.data
    for digest in made.blobs:
        assert remote.has_blob(digest)


def layout_blobs(directory: Path) -> set[str]:
    """Digests of all that is in a layout, which has nothing else in it."""
    found = set()
    for path in (directory / "blobs" / "sha256").iterdir():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name
        found.add(f"sha256:{path.name}")
    assert {path.name for path in directory.iterdir()} <= {
        "blobs", "index.json", "index.json.lock", "oci-layout",
    }  # fmt: skip
    return found


def test_between_registries(
    bare: Root, registry: DockerRegistry, other: DockerRegistry, client: Client
) -> None:
    made = artifacts.put_image(client, f"{registry.host}/a:1")

    assert copy(bare, f"{registry.host}/a:1", f"{other.host}/deep/b:2") == made.digest
    require_same(client, made, f"{other.host}/deep/b:2")
    assert not bare.cli("images", "-q", check=True).stdout
    assert not os.listdir(bare.paths.workspaces)

    sent = len(other.requests("PATCH"))
    source = f"docker://{registry.host}/a:1"
    done = bare.cli("copy", "--platform", "linux/s390x", source, f"{other.host}/no:1")
    assert done.returncode == 1
    assert "does not match the specified platform" in done.stderr
    assert copy(bare, source, f"{other.host}/deep/b:3") == made.digest
    assert len(other.requests("PATCH")) == sent


def test_within_a_registry_nothing_is_moved(
    bare: Root, registry: DockerRegistry, client: Client
) -> None:
    made = artifacts.put_image(client, f"{registry.host}/a:1")
    before = registry.requests()

    copy(bare, f"{registry.host}/a@{made.digest}", f"{registry.host}/b:1")
    require_same(client, made, f"{registry.host}/b:1")
    asked = registry.requests()[len(before) :]
    assert not [line for line in asked if line.startswith(("PATCH", "GET /v2/a/blobs"))]
    assert sum("mount=" in line for line in asked) == 2


def test_of_an_index_one_platform_or_all(
    bare: Root, registry: DockerRegistry, other: DockerRegistry, client: Client
) -> None:
    name = f"{registry.host}/a:1"
    index, (amd64, arm64) = artifacts.put_index(client, name, ("amd64", "arm64"))

    assert copy(bare, "--platform", "linux/arm64", name, f"{other.host}/one:1") == arm64.digest
    require_same(client, arm64, f"{other.host}/one:1")
    assert not client.remote(Reference.parse(f"{other.host}/one:1")).has_blob(amd64.blobs[1])

    assert copy(bare, "--all", name, f"{other.host}/all:1") == index.digest
    require_same(client, index, f"{other.host}/all:1")
    require_same(client, amd64, f"{other.host}/all@{amd64.digest}")
    require_same(client, arm64, f"{other.host}/all@{arm64.digest}")

    done = bare.cli("copy", "--platform", "linux/s390x", name, f"{other.host}/no:1")
    assert done.returncode == 1
    assert "no image for linux/s390x in the index, only for linux/amd64, linux/arm64" in done.stderr
    assert client.remote(Reference.parse(f"{other.host}/no:1")).head() is None


@pytest.mark.parametrize("kind", ["oci", "oci-archive"])
def test_through_a_layout_and_back(
    bare: Root, registry: DockerRegistry, other: DockerRegistry, client: Client, kind: str
) -> None:
    index, images = artifacts.put_index(client, f"{registry.host}/a:1", ("amd64", "arm64"))
    place = f"{kind}:{bare.base}/layout:tag"

    assert copy(bare, "--all", f"{registry.host}/a:1", place) == index.digest
    assert copy(bare, "--all", place, f"{other.host}/b:1") == index.digest
    require_same(client, index, f"{other.host}/b:1")
    for made in images:
        require_same(client, made, f"{other.host}/b@{made.digest}")


def test_a_layout_keeps_what_it_had(bare: Root, registry: DockerRegistry, client: Client) -> None:
    amd64 = artifacts.put_image(client, f"{registry.host}/a:1")
    arm64 = artifacts.put_image(client, f"{registry.host}/b:1", architecture="arm64")
    layout = bare.base / "layout"

    copy(bare, f"{registry.host}/a:1", f"oci:{layout}:first")
    copy(bare, f"{registry.host}/b:1", f"oci:{layout}:second")
    copy(bare, f"{registry.host}/b:1", f"oci:{layout}:first")
    copy(bare, f"{registry.host}/a:1", f"oci:{layout}:first")

    entries = json.loads((layout / "index.json").read_text())["manifests"]
    assert [(each["digest"], each["annotations"]) for each in entries] == [
        (arm64.digest, {"org.opencontainers.image.ref.name": "second"}),
        (amd64.digest, {"org.opencontainers.image.ref.name": "first"}),
    ]
    assert layout_blobs(layout) == {amd64.digest, arm64.digest, *amd64.blobs, *arm64.blobs}
    done = bare.cli("copy", f"oci:{layout}", f"{registry.host}/c:1")
    assert "say which one" in done.stderr
    assert "first, second" in done.stderr


def test_an_archive_for_docker_is_the_image(
    bare: Root, registry: DockerRegistry, other: DockerRegistry, client: Client
) -> None:
    made = artifacts.put_image(client, f"{registry.host}/a:1")
    file = bare.base / "image.tar"

    digest = copy(bare, f"{registry.host}/a:1", f"docker-archive:{file}:me/app:2")
    assert bare.cli("load", "-i", str(file), check=True).stdout == "Loaded image: me/app:2\n"
    assert made.blobs[0] in bare.cli("images", "-q", "--no-trunc", check=True).stdout
    with tarfile.open(file) as tar:
        (listing,) = json.load(tar.extractfile("manifest.json"))  # type: ignore[arg-type]
        assert listing["RepoTags"] == ["me/app:2"]
        layer = tar.extractfile(listing["Layers"][0])
        assert layer is not None
        assert layer.read() == artifacts.layer("amd64")

    done = bare.cli("copy", "-q", f"{registry.host}/a:1", "docker-archive:-:me/app:2", check=True)
    assert (done.stdout[-1024:], done.stderr) == ("\0" * 1024, f"{digest}\n"), "a tar alone"

    assert copy(bare, f"docker-archive:{file}:me/app:2", f"{other.host}/b:1") == digest
    found = client.remote(Reference.parse(f"{other.host}/b:1"))
    assert json.loads(found.manifest().data)["config"]["digest"] == made.blobs[0]
    done = bare.cli("copy", "--all", f"docker-archive:{file}:no", f"{other.host}/c:1")
    assert done.returncode == 1
    assert "the layout has no image" in done.stderr


def test_an_old_archive_of_docker(bare: Root, registry: DockerRegistry, client: Client) -> None:
    """As before its version 25: no layout, layers in directories of their own."""
    made = artifacts.put_image(client, f"{registry.host}/a:1")
    remote = client.remote(Reference.parse(f"{registry.host}/a:1"))
    with remote.read_blob(made.blobs[0]) as stream:
        config = stream.read(1 << 20)
    layer = artifacts.layer("amd64")
    directory = bare.base / "old"
    (directory / "1").mkdir(parents=True)
    (directory / "1" / "layer.tar").write_bytes(layer)
    (directory / "config.json").write_bytes(config)
    (directory / "manifest.json").write_text(json.dumps([
        {"Config": "config.json", "RepoTags": ["old:1"], "Layers": ["1/layer.tar"]}
    ]))  # fmt: skip
    with tarfile.open(bare.base / "old.tar", "w") as tar:
        tar.add(directory, ".")

    copy(bare, f"docker-archive:{bare.base}/old.tar", f"{registry.host}/old:1")
    document = json.loads(client.remote(Reference.parse(f"{registry.host}/old:1")).manifest().data)
    assert document["config"]["digest"] == made.blobs[0]
    assert document["layers"][0]["digest"] == f"sha256:{hashlib.sha256(layer).hexdigest()}"


def test_what_refers_to_an_image_comes_along(
    bare: Root, registry: DockerRegistry, client: Client
) -> None:
    """Debian's registry keeps no lists of referrers; a layout does."""
    made = artifacts.put_image(client, f"{registry.host}/a:1")
    signature = artifacts.put_referrer(client, f"{registry.host}/a:1", made, "signed")
    listing = {
        "schemaVersion": 2, "mediaType": INDEX,
        "manifests": [{
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": signature.digest, "size": len(signature.data),
            "artifactType": artifacts.SIGNATURE,
        }],
    }  # fmt: skip
    remote = client.remote(Reference.parse(f"{registry.host}/a:1"), push=True)
    remote.put_manifest(made.digest.replace(":", "-"), INDEX, json.dumps(listing).encode())
    layout = bare.base / "layout"

    copy(bare, "--referrers", f"{registry.host}/a:1", f"oci:{layout}:1")
    assert layout_blobs(layout) == {
        made.digest, *made.blobs, signature.digest, *signature.blobs,
    }  # fmt: skip

    copy(bare, "--referrers", f"oci:{layout}:1", f"{registry.host}/b:1")
    target = client.remote(Reference.parse(f"{registry.host}/b:1"))
    assert target.manifest(signature.digest).data == signature.data
    assert [each.digest for each in target.referrers(made.digest).manifests] == [signature.digest]


def test_a_source_that_lies_is_found_out(
    bare: Root, registry: DockerRegistry, other: DockerRegistry, client: Client
) -> None:
    made = artifacts.put_image(client, f"{registry.host}/a:1")
    name = made.blobs[1].removeprefix("sha256:")
    blob = registry.storage / f"docker/registry/v2/blobs/sha256/{name[:2]}/{name}/data"
    damaged = bytearray(blob.read_bytes())
    damaged[50_000] ^= 1
    blob.write_bytes(damaged)

    files = [f"oci:{bare.base}/layout:1", *(f"{kind}:{bare.base}/file" for kind in ARCHIVES)]
    for target in (f"{other.host}/b:1", *files):
        done = bare.cli("copy", f"{registry.host}/a:1", target)
        assert done.returncode == 1
        assert "has another digest" in done.stderr
    assert client.remote(Reference.parse(f"{other.host}/b:1")).head() is None
    assert not (bare.base / "file").exists()
    assert json.loads((bare.base / "layout" / "index.json").read_text())["manifests"] == []
    assert made.blobs[1] not in layout_blobs(bare.base / "layout")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("docker-daemon:a:1", "b"), "copy has no way to docker-daemon:"),
        (("oci:", "b"), "names no file"),
        (("oci:/nonexistent:1", "localhost:1/b"), "cannot read /nonexistent"),
        (("--all", "--platform", "arm64", "a", "b"), "contradict each other"),
        (("localhost:1/a", "localhost:1/b"), "refuses connections"),
    ],
)
def test_what_can_not_be_copied(bare: Root, arguments: tuple[str, ...], message: str) -> None:
    done = bare.cli("copy", *arguments)

    assert done.returncode == 1
    assert message in done.stderr


MIB = 1 << 20


class Held:
    """Gives on what a registry has, but for the end of large blobs as long as it is held back.

    ``asked`` has where the ranges of blobs begin that were asked for.
    """

    def __init__(self) -> None:
        self.open = threading.Event()
        self.asked: list[int] = []

    def __call__(self, request: BaseHTTPRequestHandler, reply: Reply) -> Reply:
        wanted = request.headers.get("Range", "")
        if wanted:
            start = int(wanted.removeprefix("bytes=").partition("-")[0])
            self.asked.append(start)
            if start >= 32 * MIB:
                self.open.wait(60)
        return reply


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_copy_into_a_layout_that_broke_off_goes_on(
    bare: Root, registry: DockerRegistry, client: Client, number: signal.Signals
) -> None:
    made = artifacts.put_image(client, f"{registry.host}/a:1", size=50 * MIB)
    layout, held = bare.base / "layout", Held()

    def come() -> bool:
        """The parts before those that are held back."""
        journals = [each.read_bytes() for each in layout.glob(".partial/*.journal")]
        return any(chunks.prefix(chunks.decode(each, 1 << 40)) == 32 * MIB for each in journals)

    with web() as server:
        server.answers["/v2"] = relayed(registry.host, held)
        source = f"{server.url.partition('://')[2]}/a:1"
        running = bare.start("copy", source, f"oci:{layout}:1")
        until(come)
        running.send_signal(number)
        _, said = running.communicate(timeout=30)
        assert (number == signal.SIGINT) == (
            "copy canceled, what is done is kept for the next try" in said
        ), said  # fmt: skip
        assert running.returncode == (130 if number == signal.SIGINT else -number)
        assert json.loads((layout / "index.json").read_text())["manifests"] == []
        assert (layout / "oci-layout").exists()

        held.open.set()
        held.asked.clear()
        assert copy(bare, source, f"oci:{layout}:1") == made.digest
        assert sorted(held.asked) == [32 * MIB, 48 * MIB]
    assert layout_blobs(layout) == {made.digest, *made.blobs}


def test_a_layouts_parts_lead_nowhere_else(
    bare: Root, registry: DockerRegistry, client: Client
) -> None:
    artifacts.put_image(client, f"{registry.host}/a:1")
    layout, elsewhere = bare.base / "layout", bare.base / "elsewhere"
    layout.mkdir()
    elsewhere.mkdir()
    (layout / ".partial").symlink_to(elsewhere)

    done = bare.cli("copy", f"{registry.host}/a:1", f"oci:{layout}:1")
    assert done.returncode == 1
    assert not list(elsewhere.iterdir())


def test_what_was_copied_is_called_so(
    bare: Root, registry: DockerRegistry, other: DockerRegistry, client: Client
) -> None:
    made = artifacts.put_image(client, f"{registry.host}/a:1")
    shorts = [digest.removeprefix("sha256:")[:12] for digest in made.blobs]
    targets = [f"{other.host}/b:1", f"oci:{bare.base}/layout:1",
               *(f"{kind}:{bare.base}/file" for kind in ARCHIVES)]  # fmt: skip

    for target in targets:
        done = bare.cli("copy", f"{registry.host}/a:1", target, check=True)
        assert set(done.stderr.splitlines()) == {f"{short}: Copied" for short in shorts}
    for target in targets[:2]:
        done = bare.cli("copy", f"{registry.host}/a:1", target, check=True)
        assert set(done.stderr.splitlines()) == {f"{short}: Already exists" for short in shorts}


def test_a_retry_is_told(bare: Root, registry: DockerRegistry, client: Client) -> None:
    made = artifacts.put_image(client, f"{registry.host}/a:1")
    failing = {made.blobs[1]}

    def meddle(request: BaseHTTPRequestHandler, reply: Reply) -> Reply:
        digest = request.path.rpartition("/")[2]
        if digest not in failing:
            return reply
        failing.clear()
        return Reply(503, {}, b"")

    with web() as server:
        server.answers["/v2"] = relayed(registry.host, meddle)
        done = bare.cli("copy", f"{server.url.partition('://')[2]}/a:1",
                        f"oci:{bare.base}/layout:1", check=True)  # fmt: skip
    short = made.blobs[1].removeprefix("sha256:")[:12]
    assert f"{short}: Retrying in 1 second (status 503)\n" in done.stderr


def test_whoever_asks_for_no_tag_hears_of_those_there_are(
    bare: Root, registry: DockerRegistry, client: Client
) -> None:
    for tag in ("1", "2"):
        artifacts.put_image(client, f"{registry.host}/a:{tag}")

    done = bare.cli("copy", f"{registry.host}/a:3", f"oci:{bare.base}/layout")
    assert done.returncode == 1
    assert "hint: it has the tags 1, 2\n" in done.stderr
    assert not (bare.base / "layout").exists()
