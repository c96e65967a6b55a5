"""``push`` to a registry that others wrote: what is sent, what isn't, and what becomes of it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.conftest import MakeRoot
from tests.support.pushes import Registry, build, fetched, pushed_layers
from tests.support.registries import DockerRegistry, docker_registry, own_registry
from tests.support.roots import Root

from dockyard.system.files import remove_tree

KINDS = ("zstd", "gzip", "none")


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[DockerRegistry]:
    with docker_registry(tmp_path) as running:
        yield running


@pytest.fixture(params=["theirs", "ours"])
def any_registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Registry]:
    running = docker_registry if request.param == "theirs" else own_registry
    with running(tmp_path) as made:
        yield made


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_registry_gets_is_the_image(root: Root, any_registry: Registry, kind: str) -> None:
    registry = any_registry
    name = f"{registry.host}/team/app:1"
    image_id = build(root, name)

    done = root.cli("push", "--compression", kind, name, check=True)

    manifest = fetched(registry, "team/app/manifests/1")
    document = json.loads(manifest)
    config = fetched(registry, f"team/app/blobs/{document['config']['digest']}")
    assert document["config"]["digest"] == image_id
    assert pushed_layers(registry, "team/app", "1") == json.loads(config)["rootfs"]["diff_ids"]
    suffix = "" if kind == "none" else f"+{kind}"
    types = {layer["mediaType"] for layer in document["layers"]}
    assert types == {f"application/vnd.oci.image.layer.v1.tar{suffix}"}
    first, last = done.stdout.splitlines()
    assert first == f"The push refers to repository [{registry.host}/team/app]"
    assert all(re.fullmatch(r"[0-9a-f]{12}: Pushed", line) for line in done.stderr.splitlines())
    digest = hashlib.sha256(manifest).hexdigest()
    assert last == f"1: digest: sha256:{digest} size: {len(manifest)}"
    assert not os.listdir(root.paths.workspaces)


def test_the_same_image_from_two_roots_has_the_same_digests(
    make_root: MakeRoot, registry: DockerRegistry
) -> None:
    said = []
    for number in range(2):
        root = make_root()
        name = f"{registry.host}/app{number}:1"
        build(root, name)
        said.append(root.cli("push", name, check=True).stdout.splitlines()[-1])

    assert said[0] == said[1]


def test_a_second_push_compresses_and_sends_nothing(root: Root, registry: DockerRegistry) -> None:
    name = f"{registry.host}/app:1"
    build(root, name)
    root.cli("push", name, check=True)
    asked = len(registry.requests())

    done = root.cli("push", name, check=True)

    assert re.findall(r": (.*)", done.stderr) == ["Layer already exists"] * 3
    again = registry.requests()[asked:]
    assert {line.split()[0] for line in again} == {"GET", "HEAD", "PUT"}
    assert [line for line in again if line.startswith("PUT")] == ["PUT /v2/app/manifests/1 201"]


def test_a_changed_layer_is_sent_alone(root: Root, registry: DockerRegistry) -> None:
    name = f"{registry.host}/app:1"
    build(root, name)
    root.cli("push", name, check=True)
    asked = len(registry.requests("PATCH"))

    build(root, name, text="two")
    done = root.cli("push", name, check=True)

    assert done.stderr.count("Pushed") == 1
    assert done.stderr.count("Layer already exists") == 2
    assert len(registry.requests("PATCH")) - asked == 2  # the layer and the configuration


def test_another_repository_of_the_registry_gets_nothing_twice(
    root: Root, registry: DockerRegistry
) -> None:
    build(root, f"{registry.host}/first/app:1")
    root.cli("push", f"{registry.host}/first/app:1", check=True)
    root.cli("tag", f"{registry.host}/first/app:1", f"{registry.host}/second:1", check=True)
    asked = len(registry.requests("PATCH"))

    done = root.cli("push", f"{registry.host}/second:1", check=True)

    assert done.stderr.count("Mounted from first/app") == 3
    assert len(registry.requests("PATCH")) == asked
    assert pushed_layers(registry, "second", "1") == pushed_layers(registry, "first/app", "1")


def test_a_name_by_digest(root: Root, registry: DockerRegistry) -> None:
    """What a registry has lost, or what a tag doesn't mean any more."""
    name = f"{registry.host}/app:1"
    build(root, name)
    digest = re.findall(r"sha256:\w+", root.cli("push", name, check=True).stdout)[-1]
    build(root, name, text="two")
    root.cli("push", name, check=True)
    by_digest = f"{registry.host}/app@{digest}"
    request = urllib.request.Request(
        f"http://{registry.host}/v2/app/manifests/{digest}", method="DELETE"
    )
    urllib.request.urlopen(request, timeout=30).close()

    done = root.cli("push", by_digest, check=True)
    assert done.stdout.splitlines()[-1].startswith(f"{digest}: digest: {digest} size: ")
    assert hashlib.sha256(fetched(registry, f"app/manifests/{digest}")).hexdigest() in digest
    root.cli("tag", by_digest, f"{registry.host}/again:1", check=True)
    root.cli("push", f"{registry.host}/again:1", check=True)
    root.cli("push", "--compression", "gzip", by_digest, check=True)  # its blobs are there

    remove_tree(str(registry.storage / "docker"))
    done = root.cli("push", "--compression", "gzip", by_digest)
    assert "can't be made here again" in done.stderr


def test_what_was_pulled_goes_as_it_came(
    make_root: MakeRoot, registry: DockerRegistry, tmp_path: Path
) -> None:
    """Gzip stays gzip, manifest and all; a layer on top is ours."""
    (tmp_path / "other").mkdir()
    theirs, ours = make_root(), make_root(images=False)
    name = f"{registry.host}/app:1"
    build(theirs, name)
    theirs.cli("push", "--compression", "gzip", name, check=True)
    before = fetched(registry, "app/manifests/1")
    ours.cli("pull", name, check=True)
    with docker_registry(tmp_path / "other", host="127.0.0.1") as other:
        copy = f"{other.host}/copy:1"
        ours.cli("tag", name, copy, check=True)
        ours.cli("push", copy, check=True)
        assert fetched(other, "copy/manifests/1") == before

        (ours.base / "Dockerfile").write_text(f"FROM {copy}\nCOPY Dockerfile /more\n")
        ours.cli("build", "-q", "-t", f"{other.host}/more:1", str(ours.base), check=True)
        done = ours.cli("push", f"{other.host}/more:1", check=True)
        assert done.stderr.count("Mounted from copy") == 3
        layers = json.loads(fetched(other, "more/manifests/1"))["layers"]
        assert layers[:3] == json.loads(before)["layers"]
        assert layers[3]["mediaType"].endswith("+zstd")
        assert len(pushed_layers(other, "more", "1")) == 4


def test_all_tags(root: Root, registry: DockerRegistry) -> None:
    repository = f"{registry.host}/app"
    build(root, f"{repository}:1")
    build(root, f"{repository}:2", text="two")

    done = root.cli("push", "-a", repository, check=True)

    assert sorted(json.loads(fetched(registry, "app/tags/list"))["tags"]) == ["1", "2"]
    assert re.findall(r"^(\w+): digest", done.stdout, re.M) == ["1", "2"]


def test_a_build_pushes_what_it_made(root: Root, registry: DockerRegistry) -> None:
    context = root.base / "context"
    context.mkdir()
    (context / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /x\n")
    tags = [f"{registry.host}/app:{number}" for number in (1, 2)]

    line = ["build", "--push", *(f"-t{tag}" for tag in tags), str(context)]
    done = root.cli(*line, check=True)
    assert "Pushed" in done.stderr
    assert "Layer already exists" in done.stderr
    assert fetched(registry, "app/manifests/1") == fetched(registry, "app/manifests/2")

    done = root.cli("build", "--push", str(context))
    assert done.returncode == 1
    assert "tag is needed when pushing to registry" in done.stderr


@pytest.mark.parametrize("kind", ["registry", "image"])
def test_an_output_that_is_a_registry_is_pushed_to(
    root: Root, registry: DockerRegistry, kind: str
) -> None:
    """As BuildKit's: its names, or those of -t, and its compression."""
    context = root.base / "context"
    context.mkdir()
    (context / "Dockerfile").write_text(f"FROM scratch\nLABEL kind={kind}\nCOPY Dockerfile /x\n")
    push = "type=registry" if kind == "registry" else "type=image,push=true"
    names = [f"{registry.host}/{kind}:{number}" for number in (1, 2)]

    root.cli("build", "-o", f'{push},"name={",".join(names)}",compression=gzip', str(context),
             check=True)  # fmt: skip
    first, second = (fetched(registry, f"{kind}/manifests/{number}") for number in (1, 2))
    assert first == second
    (layer,) = json.loads(first)["layers"]
    assert layer["mediaType"].endswith("+gzip")
    root.cli("build", "-o", push, "-t", f"{registry.host}/{kind}:3", str(context), check=True)
    assert json.loads(fetched(registry, f"{kind}/manifests/3"))["config"]

    for value, said in (
        (push, "tag is needed"),
        (f"{push},name=a/b,compression=lz4", "lz4"),
        (f"{push},name=a/b,compression=uncompressed,compression-level=3", "none"),
    ):
        refused = root.cli("build", "-o", value, str(context))
        assert refused.returncode == 1 or refused.returncode == 125
        assert said in refused.stderr
        assert "naming to" not in refused.stderr


def test_quiet(root: Root, registry: DockerRegistry) -> None:
    name = f"{registry.host}/app:1"
    build(root, name)

    done = root.cli("push", "-q", name, check=True)
    assert done.stdout == f"{name}\n"
    assert not done.stderr


def test_a_push_is_an_event_and_gives_the_image_a_digest(
    root: Root, registry: DockerRegistry
) -> None:
    name = f"{registry.host}/app:1"
    build(root, name)

    said = root.cli("push", name, check=True).stdout
    events = root.cli("events", "--since", "1h", "--until", "0s", check=True).stdout

    digest = re.findall(r"sha256:[0-9a-f]{64}", said)[-1]
    assert f"image push {name} (name={registry.host}/app)" in events
    with root.engine() as engine:
        rows = engine.database.query("SELECT repository, digest FROM repository_digests")
    assert rows == [(f"{registry.host}/app", digest)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nothing:1",), "An image does not exist locally with the tag: nothing"),
        (("python:3.11",), "An image does not exist locally with the tag: python"),
        (("a@sha256:" + "0" * 64,), "An image does not exist locally"),
        (("-a", "app:1"), "tag can't be used with --all-tags/-a"),
        (("-a", "nothing"), "An image does not exist locally with the tag: nothing"),
        (("--compression-level", "23", "busybox"), "zstd has no compression level 23"),
        (("--platform", "linux/arm64", "busybox"), "does not match"),
    ],
)
def test_what_can_not_be_pushed(root: Root, arguments: tuple[str, ...], message: str) -> None:
    done = root.cli("push", *arguments)

    assert done.returncode == 1
    assert message in done.stderr
    assert "hint:" in done.stderr
