"""``pull`` from a registry that others wrote: what comes, what doesn't, and what is refused."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from tests.integration.conftest import MakeRoot
from tests.support import archives
from tests.support.disks import small_disk
from tests.support.published import DOCKER_GZIP, Publisher, publisher
from tests.support.registries import DockerRegistry, docker_registry
from tests.support.relay import Reply, relayed
from tests.support.roots import Root
from tests.support.servers import web

from dockyard.cli import units
from dockyard.errors import ContentMismatch, DiskFull, DockyardError, NotFound, NotSupported
from dockyard.images.content import ContentStore
from dockyard.images.distribution import Distribution
from dockyard.oci import digest as digests
from dockyard.oci import image as oci
from dockyard.system.files import remove_tree

ROUNDS = 10 * int(os.environ.get("DOCKYARD_SOAK", "1"))
BASE = archives.layer(**{"a": b"one", "b": b"two", "d/deep": b"three"})
TOP = archives.layer(**{"a": b"new", "b": None, "d/.wh..wh..opq": b"", "d/own": b"own"})
NOISE = hashlib.shake_128(b"noise").digest(40 << 20)
LARGE = archives.layer(noise=NOISE)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRegistry]:
    with docker_registry(tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture
def name(registry: DockerRegistry, request: pytest.FixtureRequest) -> str:
    """A repository of the test's own."""
    words = request.node.name.replace("_", "-").replace("[", "-").rstrip("]").lower()
    return f"{registry.host}/{words}"


@pytest.fixture
def made(tmp_path: Path, name: str) -> Iterator[Publisher]:
    with publisher(tmp_path, name) as publishing:
        yield publishing


def blob_file(registry: DockerRegistry, digest: str) -> Path:
    hexa = digests.hex_of(digest)
    place = "docker/registry/v2/blobs/sha256"
    return registry.storage / place / hexa[:2] / hexa / "data"


def files_of(root: Root, image: str) -> dict[str, bytes]:
    """The files that a container of the image would see, of those that the tests make."""
    from dockyard.images.view import LowerView

    with root.engine() as engine:
        view = LowerView(engine.images.directories(engine.images.find(image)))
    found = {}
    for path in ("a", "b", "l", "noise", *(f"d/{each}" for each in view.listdir("d"))):
        place = view.locate(path)
        if place is not None:
            found[path] = Path(place).read_bytes()
    return found


def assert_nothing_recorded(root: Root) -> None:
    """No image, no layer, no blob; parts of blobs may be there for the next try."""
    with root.engine() as engine:
        assert engine.images.list() == ()
        assert engine.database.query("SELECT id FROM layers") == []
        assert engine.database.query("SELECT * FROM content") == []
    assert os.listdir(root.paths.layers) == []
    assert os.listdir(root.paths.content) == []
    assert os.listdir(root.paths.blobs) == ["sha256"]
    assert os.listdir(root.paths.workspaces) == []


def downloads(root: Root) -> list[str]:
    """What there is of blobs that have not come whole; none before the first command."""
    found = os.path.isdir(root.paths.downloads)
    return sorted(os.listdir(root.paths.downloads)) if found else []


@pytest.mark.parametrize("kinds", [["plain", "gzip"], ["gzip", "zstd"], ["zstd", "plain"]])
def test_an_image_comes_whatever_it_is_compressed_with(
    bare: Root, made: Publisher, name: str, kinds: list[str]
) -> None:
    digest = made.image("1", [BASE, TOP], kinds=kinds)

    done = bare.cli("pull", f"{name}:1", check=True)

    assert done.stdout.splitlines() == [
        f"1: Pulling from {name.partition('/')[2]}",
        f"Digest: {digest}",
        f"Status: Downloaded newer image for {name}:1",
        f"{name}:1",
    ]
    assert files_of(bare, f"{name}:1") == {"a": b"new", "d/own": b"own"}
    assert downloads(bare) == []


def test_what_is_here_is_up_to_date(bare: Root, made: Publisher, name: str) -> None:
    made.image("latest", [BASE])
    first = bare.cli("pull", name, check=True)
    again = bare.cli("pull", name, check=True)
    quiet = bare.cli("pull", "-q", name, check=True)

    assert first.stdout.startswith("Using default tag: latest\n")
    assert "Status: Image is up to date for" in again.stdout
    assert again.stderr.endswith(": Already exists\n")
    assert (quiet.stdout, quiet.stderr) == (f"{name}:latest\n", "")


def test_blobs_and_manifest_are_kept_byte_for_byte(
    bare: Root, made: Publisher, registry: DockerRegistry, name: str
) -> None:
    digest = made.image("1", [BASE, TOP], kinds=["gzip", "zstd"])
    bare.cli("pull", f"{name}:1", check=True)

    with bare.engine() as engine:
        image = engine.images.find(f"{name}:1")
        content = ContentStore(engine.paths, engine.database)
        kept = Distribution(engine.database, content).pulled_manifest(image.id)
    assert kept is not None
    assert kept.digest == digest
    for layer in oci.decode_manifest(kept.data).layers:
        pulled = Path(content.path(layer.digest)).read_bytes()
        assert pulled == blob_file(registry, layer.digest).read_bytes()
    bare.cli("rmi", f"{name}:1", check=True)
    assert_nothing_recorded(bare)


def test_a_pushed_image_has_its_digest_again(bare: Root, made: Publisher, name: str) -> None:
    digest = made.image("1", [BASE, TOP], kinds=["gzip", "plain"])
    bare.cli("pull", f"{name}:1", check=True)
    bare.cli("tag", f"{name}:1", f"{name}-copy:2", check=True)

    assert f"digest: {digest} " in bare.cli("push", f"{name}-copy:2", check=True).stdout


def test_an_image_has_its_digest_as_a_name(bare: Root, made: Publisher, name: str) -> None:
    digest = made.image("1", [BASE])
    bare.cli("pull", f"{name}@{digest}", check=True)

    rows = bare.cli("images", "--digests", check=True).stdout.splitlines()[1:]
    document = json.loads(bare.cli("inspect", f"{name}@{digest}", check=True).stdout)[0]
    assert [row.split()[:3] for row in rows] == [[name, "<none>", digest]]
    assert document["RepoDigests"] == [f"{name}@{digest}"]
    assert document["RepoTags"] == []
    bare.cli("tag", f"{name}@{digest}", "mine", check=True)
    removed = bare.cli("rmi", f"{name}@{digest}", check=True).stdout
    assert removed == f"Untagged: {name}@{digest}\n"
    assert bare.cli("rmi", "mine", check=True).stdout.startswith("Untagged: mine:latest\nDeleted")


def test_the_last_tag_of_a_repository_takes_its_digest_along(
    bare: Root, made: Publisher, name: str
) -> None:
    digest = made.image("1", [BASE])
    bare.cli("pull", f"{name}:1", check=True)

    removed = bare.cli("rmi", f"{name}:1", check=True).stdout.splitlines()
    assert removed[:2] == [f"Untagged: {name}:1", f"Untagged: {name}@{digest}"]
    assert removed[2].startswith("Deleted: sha256:")


def test_all_tags_come(bare: Root, made: Publisher, name: str) -> None:
    made.image("1", [BASE])
    made.image("2", [BASE, TOP])

    done = bare.cli("pull", "-a", name, check=True)
    assert done.stdout.splitlines()[-1] == name
    assert len(bare.cli("images", "-q", check=True).stdout.splitlines()) == 2


def test_layers_are_fetched_once_whatever_image_has_them(
    bare: Root, made: Publisher, registry: DockerRegistry, name: str
) -> None:
    made.image("1", [BASE], kinds=["gzip"])
    made.image("2", [BASE, TOP], kinds=["zstd", "gzip"])
    bare.cli("pull", f"{name}:1", check=True)
    before = len(registry.requests("GET"))

    done = bare.cli("pull", f"{name}:2", check=True)
    assert sorted(line.partition(": ")[2] for line in done.stderr.splitlines()) == [
        "Already exists", "Pull complete",
    ]  # fmt: skip
    asked = [each for each in registry.requests("GET")[before:] if "/blobs/" in each]
    assert len(asked) == 2  # the configuration and the other layer


def test_a_large_layer_comes_in_ranges(
    bare: Root, made: Publisher, registry: DockerRegistry, name: str
) -> None:
    made.image("1", [LARGE])
    before = len(registry.requests("GET"))

    bare.cli("pull", f"{name}:1", check=True)
    asked = registry.requests("GET")[before:]
    assert len([each for each in asked if each.endswith(" 206")]) == 3
    assert files_of(bare, f"{name}:1")["noise"] == NOISE


def test_an_index_leads_to_the_image_for_the_platform(
    bare: Root, made: Publisher, name: str
) -> None:
    here = made.image("", [BASE], architecture="amd64")
    other = made.image("", [TOP], architecture="arm64")
    attestation = made.image("", [archives.layer(x=b"x")])
    inner = made.index("", (other, "linux/arm64"), (here, "linux/amd64"))
    digest = made.index("1", (attestation, "unknown/unknown"), (inner, ""))

    bare.cli("pull", f"{name}:1", check=True)
    assert files_of(bare, f"{name}:1")["b"] == b"two"
    bare.cli("pull", "--platform", "linux/arm64", f"{name}:1", check=True)
    document = json.loads(bare.cli("inspect", f"{name}:1", check=True).stdout)[0]
    assert document["Architecture"] == "arm64"
    assert document["RepoDigests"] == [f"{name}@{digest}"]
    refused = bare.cli("pull", "--platform", "linux/s390x", f"{name}:1")
    assert refused.returncode == 1
    assert "no matching manifest for linux/s390x" in refused.stderr


def test_dockers_own_types_are_read(bare: Root, made: Publisher, name: str) -> None:
    config = archives.config([BASE])
    layer = made.layer(BASE) | {"mediaType": DOCKER_GZIP}
    docker = "application/vnd.docker"
    made.put("1", {
        "schemaVersion": 2, "mediaType": f"{docker}.distribution.manifest.v2+json",
        "config": {
            "mediaType": f"{docker}.container.image.v1+json", "digest": made.blob(config),
            "size": len(config),
        },
        "layers": [layer],
    })  # fmt: skip

    bare.cli("pull", f"{name}:1", check=True)
    assert files_of(bare, f"{name}:1")["a"] == b"one"


def test_a_layer_that_leaves_out_directories_takes_those_below(
    bare: Root, made: Publisher, name: str
) -> None:
    import tarfile

    directory = tarfile.TarInfo("d")
    directory.type, directory.mode, directory.uid = tarfile.DIRTYPE, 0o711, 77
    base = archives.tar({"d": directory})
    made.image("1", [base, archives.layer(**{"d/own": b"own"})])
    made.image(
        "2", [base, archives.layer(**{"d/own": b"own"}), archives.layer(**{"d/own": b"own"})]
    )

    bare.cli("pull", f"{name}:1", check=True)
    bare.cli("pull", f"{name}:2", check=True)
    with bare.engine() as engine:
        top = engine.images.directories(engine.images.find(f"{name}:1"))[-1]
    status = os.stat(f"{top}/d")
    assert (status.st_mode & 0o7777, status.st_uid) == (0o711, 77)


def test_a_hard_link_to_a_file_below_is_pulled_and_pushed_again(
    bare: Root, made: Publisher, name: str
) -> None:
    top = archives.tar({"l": archives.hard_link("l", "a")})
    digest = made.image("1", [archives.layer(a=b"one"), top])
    made.image("2", [archives.layer(a=b"two"), top])

    for tag, content in (("1", b"one"), ("2", b"two")):
        bare.cli("pull", f"{name}:{tag}", check=True)
        assert files_of(bare, f"{name}:{tag}")["l"] == content
    bare.cli("tag", f"{name}:1", f"{name}:again", check=True)
    assert f"digest: {digest} " in bare.cli("push", f"{name}:again", check=True).stdout


def test_a_hard_link_to_nothing_is_refused(bare: Root, made: Publisher, name: str) -> None:
    top = archives.tar({"l": archives.hard_link("l", "nothing")})
    made.image("1", [archives.layer(a=b"one"), top])
    error = pull_fails(bare, f"{name}:1", ContentMismatch)
    assert "a hard link to /nothing" in error.message
    assert_nothing_recorded(bare)


def test_a_registry_is_asked_about_an_image_that_is_not_pulled(
    bare: Root, made: Publisher, name: str
) -> None:
    here = made.image("", [BASE, TOP], kinds=["gzip", "zstd"])
    digest = made.index("1", (here, "linux/amd64"))

    done = bare.cli("image", "inspect", "--remote", f"{name}:1", check=True)
    (document,) = json.loads(done.stdout)
    assert document["RepoDigests"] == [f"{name}@{digest}"]
    assert document["Manifest"]["Digest"] == here
    assert [each["DiffID"] for each in document["Layers"]] == document["RootFS"]["Layers"]
    assert document["Size"] == sum(each["Size"] for each in document["Layers"])
    assert [line["CreatedBy"] for line in document["History"]] == ["layer 0", "layer 1"]
    assert_nothing_recorded(bare)
    missing = bare.cli("image", "inspect", "--remote", f"{name}:none")
    assert (missing.returncode, missing.stdout) == (1, "[]\n")


@pytest.fixture
def busybox(root: Root) -> Root:
    """A root that may send its busybox."""
    with root.engine() as engine:
        root.own(engine.images.find("busybox"))
    return root


def test_run_pulls_what_is_missing(busybox: Root, name: str) -> None:
    root = busybox
    root.cli("tag", "busybox", f"{name}:1", check=True)
    root.cli("push", "-q", f"{name}:1", check=True)
    root.cli("rmi", f"{name}:1", "busybox", check=True)

    never = root.cli("run", "--rm", "--pull", "never", f"{name}:1", "true")
    first = root.cli("run", "--rm", "--network", "none", f"{name}:1", "echo", "hello", check=True)
    again = root.cli("run", "--rm", "--network", "none", f"{name}:1", "echo", "hello", check=True)
    always = root.cli("create", "--pull", "always", f"{name}:1", check=True)
    assert (never.returncode, "No such image" in never.stderr) == (125, True)
    assert (first.stdout, again.stdout, again.stderr) == ("hello\n", "hello\n", "")
    assert first.stderr.startswith(f"Unable to find image '{name}:1' locally\n1: Pulling from ")
    assert f"Status: Downloaded newer image for {name}:1" in first.stderr
    assert f"Status: Image is up to date for {name}:1" in always.stderr
    absent = root.cli("run", f"{name}:none", "true")
    assert absent.returncode == 125
    assert "not found" in absent.stderr


def test_a_build_pulls_the_images_that_it_names(busybox: Root, name: str) -> None:
    root = busybox
    for tag in ("base", "tools"):
        root.cli("tag", "busybox", f"{name}:{tag}", check=True)
        root.cli("push", "-q", f"{name}:{tag}", check=True)
        root.cli("rmi", f"{name}:{tag}", check=True)
    context = root.base / "context"
    context.mkdir()
    (context / "Dockerfile").write_text(
        f"FROM {name}:base\nCOPY --from={name}:tools /bin/busybox /copied\n"
        f"RUN --mount=type=bind,from={name}:tools,target=/t cmp /copied /t/bin/busybox\n"
    )

    done = root.cli("build", "-t", "made", str(context), check=True)
    assert "[internal] pull images" in done.stderr
    assert "base: Pulling from " in done.stderr
    assert "pull images" not in root.cli("build", str(context), check=True).stderr
    assert "base: Pulling" in root.cli("build", "--pull", str(context), check=True).stderr
    (context / "Dockerfile").write_text(f"FROM {name}:none\n")
    missing = root.cli("build", str(context))
    assert missing.returncode == 1
    assert f"FROM {name}:none" in missing.stderr


def test_parts_of_pulls_that_broke_off_are_pruned(bare: Root) -> None:
    with bare.engine():
        pass
    for ending in ("part", "journal"):
        Path(bare.paths.downloads, f"{'a' * 64}.{ending}").write_bytes(b"x" * 4096)

    assert "Total reclaimed space: 0B" not in bare.cli("system", "prune", "-f", check=True).stdout
    assert downloads(bare) == []


def test_a_blob_that_is_here_is_not_fetched_but_where_it_is_damaged(
    bare: Root, made: Publisher, registry: DockerRegistry, name: str
) -> None:
    """A model's, say, or one whose layer went while something else needed it."""
    layer = made.layer(BASE)
    made.image("1", [BASE])
    with bare.engine() as engine:
        content = ContentStore(engine.paths, engine.database)
        engine.pull(f"{name}:1")
        content.need([layer["digest"]], "test:1")
        engine.images.remove(f"{name}:1")
        before = len(registry.requests("GET"))
        engine.pull(f"{name}:1")
        assert not [each for each in registry.requests("GET")[before:] if layer["digest"] in each]
        engine.images.remove(f"{name}:1")
        path = Path(content.path(layer["digest"]))
        path.write_bytes(b"x" * layer["size"])
        engine.pull(f"{name}:1")
        assert digests.of(path.read_bytes()) == layer["digest"]
        engine.images.remove(f"{name}:1")
        content.release("test:1")
    assert_nothing_recorded(bare)


# What is wrong with it.


def pull_fails(root: Root, name: str, kind: type[DockyardError]) -> DockyardError:
    with root.engine() as engine, pytest.raises(kind) as caught:
        engine.pull(name)
    assert_nothing_recorded(root)
    return caught.value


def test_a_wrong_blob_is_refused(
    bare: Root, made: Publisher, registry: DockerRegistry, name: str
) -> None:
    made.image("1", [BASE, LARGE])
    layer = made.layer(LARGE)
    file = blob_file(registry, layer["digest"])
    data = bytearray(file.read_bytes())
    data[-20_000] ^= 1
    file.write_bytes(data)
    try:
        pull_fails(bare, f"{name}:1", ContentMismatch)
    finally:
        data[-20_000] ^= 1
        file.write_bytes(data)
    wrong = digests.hex_of(layer["digest"])
    assert not [each for each in downloads(bare) if each.startswith(wrong)]
    bare.cli("pull", f"{name}:1", check=True)


def test_a_layer_of_another_digest_unpacked_is_refused(
    bare: Root, made: Publisher, name: str
) -> None:
    config = archives.config([TOP])
    layer = made.layer(BASE)
    made.put("1", {
        "schemaVersion": 2, "mediaType": oci.MANIFEST, "layers": [layer],
        "config": {"mediaType": oci.CONFIG, "digest": made.blob(config), "size": len(config)},
    })  # fmt: skip

    error = pull_fails(bare, f"{name}:1", ContentMismatch)
    assert "its digest unpacked is" in error.message


@pytest.mark.parametrize("by", [-1, 1, 10**15])
def test_a_layer_of_another_size_is_refused(
    bare: Root, made: Publisher, name: str, by: int
) -> None:
    layer = made.layer(BASE)
    made.image("1", [BASE], manifest={"layers": [layer | {"size": layer["size"] + by}]})

    pull_fails(bare, f"{name}:1", DiskFull if by > 10**9 else ContentMismatch)


def test_what_is_no_image_is_refused_by_name(bare: Root, made: Publisher, name: str) -> None:
    made.image("1", [BASE], manifest={"config": {
        "mediaType": "application/vnd.cncf.model.config.v1+json", "digest": made.blob(b"{}"),
        "size": 2,
    }})  # fmt: skip
    made.image("2", [BASE], manifest={"layers": [made.layer(BASE) | {"mediaType": "text/plain"}]})

    error = pull_fails(bare, f"{name}:1", NotSupported)
    assert "dockyard model pull" in str(error.hint)
    pull_fails(bare, f"{name}:2", NotSupported)


def test_a_layer_that_only_its_owner_has_is_named(
    bare: Root, made: Publisher, registry: DockerRegistry, name: str
) -> None:
    layer = made.layer(BASE)
    kind = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
    made.image("1", [BASE], manifest={"layers": [layer | {"mediaType": kind}]})
    links = registry.storage / "docker/registry/v2/repositories" / name.partition("/")[2]
    remove_tree(str(links / "_layers/sha256" / digests.hex_of(layer["digest"])))

    error = pull_fails(bare, f"{name}:1", NotSupported)
    assert error.reference == "foreign-layer"


def test_a_missing_image_is_named(bare: Root, name: str) -> None:
    error = pull_fails(bare, f"{name}:none", NotFound)
    assert f"{name}:none" in error.message


def test_one_blob_can_not_be_two_layers(bare: Root, made: Publisher, name: str) -> None:
    layer = made.layer(BASE)
    made.image("1", [BASE, TOP], manifest={"layers": [layer, layer]})

    pull_fails(bare, f"{name}:1", ContentMismatch)


def test_a_manifest_with_a_path_for_a_digest_is_refused(
    bare: Root, made: Publisher, registry: DockerRegistry, name: str
) -> None:
    from dockyard.oci.reference import Reference
    from dockyard.registry import manifests
    from dockyard.registry.model import Document

    document = oci.Manifest(
        config=oci.Descriptor(media_type=oci.CONFIG, digest="sha256:../../x", size=1), layers=()
    )
    with bare.engine() as engine, engine.parts.client() as client:
        remote = client.remote(Reference.parse(f"{name}:1"))
        found = manifests.image_manifest(
            Document(oci.MANIFEST, digests.of(b""), oci.encode(document)), "x"
        )
        with pytest.raises(DockyardError):
            manifests.document_blob(remote, found.config)


def test_a_full_disk_leaves_nothing(make_root: MakeRoot, made: Publisher, name: str) -> None:
    """A filesystem of 64 MiB, and an image of 40 that is 40 more unpacked."""
    made.image("1", [LARGE])
    root = make_root(images=False)
    with small_disk(root.paths.root, 64 << 20):
        done = root.cli("pull", f"{name}:1")
        assert done.returncode == 1
        assert "no space left" in done.stderr
        assert_nothing_recorded(root)


# Killed, and at once.


def parts(root: Root) -> list[str]:
    """The downloads of a root that are not whole."""
    return [each for each in downloads(root) if each.endswith(".part")]


def test_a_pull_that_was_killed_goes_on(
    bare: Root, made: Publisher, registry: DockerRegistry, name: str
) -> None:
    """kill -9 at random moments: nothing stays but parts, and what came isn't fetched again."""
    made.image("1", [BASE, LARGE], kinds=["gzip", "plain"])
    dice = random.Random(4)
    resumed = 0
    for _ in range(ROUNDS):
        before = len(registry.requests("GET"))
        for wait in (None, dice.uniform(0.1, 0.7), dice.uniform(0.1, 0.7)):
            running = bare.start("pull", f"{name}:1")
            while wait is None and not parts(bare) and running.poll() is None:
                time.sleep(0.01)
            time.sleep(wait or 0)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
            running.communicate()
            resumed += bool(parts(bare))
        bare.cli("pull", f"{name}:1", check=True)
        assert files_of(bare, f"{name}:1") == {"noise": NOISE, **ORIGINAL}
        assert downloads(bare) == []
        assert len(registry.requests("GET")) > before
        bare.cli("rmi", f"{name}:1", check=True)
        assert_nothing_recorded(bare)
    assert resumed


ORIGINAL = {"a": b"one", "b": b"two", "d/deep": b"three"}


def test_two_pulls_at_once_fetch_each_layer_once(
    bare: Root, made: Publisher, registry: DockerRegistry, name: str
) -> None:
    made.image("1", [BASE, LARGE], kinds=["gzip", "plain"])
    before = len(registry.requests("GET"))

    running = [bare.start("pull", f"{name}:1") for _ in range(2)]
    for each in running:
        _, errors = each.communicate(timeout=60)
        assert each.returncode == 0, errors
    parts = [each for each in registry.requests("GET")[before:] if each.endswith(" 206")]
    assert len(parts) == 3
    assert files_of(bare, f"{name}:1") == {"noise": NOISE, **ORIGINAL}


def test_a_pull_that_is_interrupted_says_so(bare: Root, made: Publisher, name: str) -> None:
    made.image("1", [LARGE])
    errors = ""
    for _ in range(3):  # it may be quicker, or be at its end
        running = bare.start("pull", f"{name}:1")
        while not downloads(bare) and running.poll() is None:
            time.sleep(0.01)
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=60)
        assert running.returncode in {0, 130}, errors
        if "pull canceled" in errors:
            assert_nothing_recorded(bare)
            return
        bare.cli("rmi", "-f", f"{name}:1")
        for part in downloads(bare):
            os.unlink(f"{bare.paths.downloads}/{part}")
    pytest.fail(f"it never said so: {errors}")


def damaged(request: BaseHTTPRequestHandler, reply: Reply) -> Reply:
    """A blob's last byte is another one."""
    if "/blobs/" not in request.path or not reply.body:
        return reply
    return reply._replace(body=reply.body[:-1] + bytes([reply.body[-1] ^ 1]))


def cut_short(request: BaseHTTPRequestHandler, reply: Reply) -> Reply:
    return reply._replace(body=reply.body[:100]) if "/blobs/" in request.path else reply


def lacking(request: BaseHTTPRequestHandler, reply: Reply) -> Reply:
    return Reply(404, {}, b"") if "/blobs/" in request.path else reply


@pytest.mark.parametrize("meddle", [damaged, cut_short, lacking])
def test_what_a_mirror_lacks_or_damages_comes_from_the_registry(
    bare: Root, made: Publisher, registry: DockerRegistry, name: str,
    meddle: Callable[[BaseHTTPRequestHandler, Reply], Reply], tmp_path: Path,
) -> None:  # fmt: skip
    digest = made.image("1", [BASE, LARGE], kinds=["gzip", "plain"])
    settings = tmp_path / "mirrored.toml"
    env = {"DOCKYARD_REGISTRIES": str(settings)}
    with web() as mirror:
        mirror.answers["/v2"] = relayed(registry.host, meddle)
        settings.write_text(f'[registry."{registry.host}"]\nmirrors = ["{mirror.url}"]\n')
        done = bare.cli("pull", f"{name}:1", check=True, env=env)
        targets = [
            f"{name}-copied:1",
            f"oci:{bare.base}/layout:1",
            *(f"{kind}-archive:{bare.base}/{kind}" for kind in ("oci", "docker")),
        ]
        for target in targets:
            bare.cli("copy", f"{name}:1", target, check=True, env=env)
        assert any("/blobs/" in path for path in mirror.paths())

    assert f"Digest: {digest}\n" in done.stdout
    assert files_of(bare, f"{name}:1") == {"noise": NOISE, **ORIGINAL}
    assert ("a mirror is left out" in done.stderr) == (meddle is not lacking)
    assert downloads(bare) == []


def test_an_image_is_as_old_as_it_says(bare: Root, made: Publisher, name: str) -> None:
    """As Docker lists it, and not when it was pulled; ``N/A`` where it doesn't say."""
    made.image("old", [BASE], created="2020-02-03T04:05:06.789Z")
    made.image("silent", [TOP], created=None)
    made.image("epoch", [BASE, TOP], created="1970-01-01T00:00:00Z")
    for tag in ("old", "silent", "epoch"):
        bare.cli("pull", "-q", f"{name}:{tag}", check=True)

    lines = bare.cli("images", "--format", "{{.Tag}}|{{.CreatedSince}}|{{.CreatedAt}}", check=True)
    listed = dict(line.split("|", 1) for line in lines.stdout.splitlines())
    assert listed["silent"] == listed["epoch"] == "N/A|N/A"
    since, at = listed["old"].split("|")
    assert since.endswith(" years ago")
    assert at.startswith("2020-02-0")


def test_what_came_with_a_pull_is_counted_and_goes_with_it(
    bare: Root, made: Publisher, name: str
) -> None:
    made.image("1", [LARGE], kinds=["gzip"])
    bare.cli("pull", "-q", f"{name}:1", check=True)
    kept = sum(each.stat().st_size for each in Path(bare.paths.content).iterdir())
    (Path(bare.paths.downloads) / f"{'0' * 64}.part").write_bytes(bytes(1 << 20))
    (Path(bare.paths.downloads) / f"{'0' * 64}.journal").write_bytes(b"")

    line = usage_line(bare)
    assert (line["TotalCount"], line["Active"]) == ("2", "0")
    assert line["Size"] == units.decimal_size(kept + (1 << 20), 4)
    assert line["Reclaimable"] == f"{line['Size']} (100%)"
    assert f"Downloads usage: {line['Size']}\n" in bare.cli("system", "df", "-v", check=True).stdout

    done = bare.cli("image", "prune", "-af", check=True)
    freed = units.decimal_size(kept + len(LARGE))
    assert done.stdout.endswith(f"Total reclaimed space: {freed}\n")
    assert usage_line(bare)["TotalCount"] == "1"
    done = bare.cli("system", "prune", "-f", check=True)
    assert "Total reclaimed space: 1.05MB" in done.stdout
    assert usage_line(bare) == {}


def usage_line(root: Root) -> dict[str, str]:
    """What ``system df`` says of downloads."""
    done = root.cli("system", "df", "--format", "json", check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return next((line for line in lines if line["Type"] == "Downloads"), {})
