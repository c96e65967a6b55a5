"""Results of steps in a directory: made in one root, used in another."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.integration.conftest import MakeRoot
from tests.support import registries
from tests.support.registries import DockerRegistry, docker_registry
from tests.support.roots import Root

from dockyard import Engine
from dockyard.build.progress import Event
from dockyard.build.sharing.documents import ARTIFACT
from dockyard.errors import DockyardError, InvalidInput, NotSupported
from dockyard.images.model import STORED, Image
from dockyard.oci import digest
from dockyard.oci import image as oci
from dockyard.oci.reference import Reference

DOCKERFILE = """\
FROM busybox AS maker
RUN head -c 300 /dev/urandom > /random && ln /random /same && rm /bin/vi
COPY first /first
RUN cat /first /proc/sys/kernel/random/uuid > /made
FROM busybox
COPY --from=maker /made /random /
COPY --link --chown=5:6 second /deep/second
RUN cat /proc/sys/kernel/random/uuid > /late && rm /made
COPY third /third
RUN true
"""
STEPS = ("RUN head", "COPY first", "RUN cat /first", "COPY --from", "COPY --link", "RUN cat /proc",
         "COPY third", "RUN true")  # fmt: skip

Done = tuple[Image, dict[str, str]]
"""An image, and how each step ended."""


@pytest.fixture
def context(tmp_path: Path) -> Path:
    place = tmp_path / "context"
    place.mkdir()
    (place / "Dockerfile").write_text(DOCKERFILE)
    for name in ("first", "second", "third"):
        (place / name).write_text(name)
    return place


@pytest.fixture
def elsewhere(make_root: MakeRoot) -> Callable[..., Done]:
    """Builds in a root that knows nothing yet."""

    def build(context: Path, *, warnings: list[str] | None = None, **request: str) -> Done:
        told: list[str] = []
        with Engine(make_root().config, warn=told.append) as engine:
            done = build_in(engine, context, **request)
        assert bool(told) == (warnings is not None), told
        if warnings is not None:
            warnings += told
        return done

    return build


def build_in(
    engine: Engine, context: Path, to: str = "", source: str = "", registry: str = ""
) -> Done:
    ends: dict[str, str] = {}

    def listen(event: Event) -> None:
        for step in STEPS:
            if step in event.name and event.kind in {"cached", "done"}:
                ends[step] = event.kind

    given = {f"type=local,src={source}": source, registry: registry}
    image = engine.build(
        str(context), listener=listen, cache_to=[f"type=local,dest={to}"] if to else [],
        cache_from=[value for value, place in given.items() if place],
    )  # fmt: skip
    return image, ends


def blobs(place: Path) -> list[Path]:
    """Those of layers, the largest first."""
    found = list((place / "blobs" / "sha256").iterdir())
    return sorted((path for path in found if path.read_bytes()[:1] != b"{"),
                  key=lambda path: path.stat().st_size, reverse=True)  # fmt: skip


def test_another_root_does_nothing_again(
    engine: Engine, context: Path, tmp_path: Path, elsewhere: Callable[..., Done]
) -> None:
    cache = tmp_path / "cache"
    image, ends = build_in(engine, context, to=f"{cache},mode=max")
    assert set(ends.values()) == {"done"}

    same, ends = elsewhere(context, source=str(cache))
    assert ends == dict.fromkeys(STEPS, "cached")
    assert same.id == image.id
    assert STORED not in {layer.writer for layer in same.layers}  # directories are enough
    assert json.loads((cache / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}

    before = [layer.diff_id for layer in image.layers]
    (context / "third").write_text("changed")
    changed, ends = elsewhere(context, source=str(cache))
    assert [step for step in STEPS if ends[step] == "done"] == ["COPY third", "RUN true"]
    assert [layer.diff_id for layer in changed.layers][:-1] == before[:-1]


def test_min_has_the_layers_of_the_image_alone(
    engine: Engine, context: Path, tmp_path: Path, elsewhere: Callable[..., Done]
) -> None:
    cache = tmp_path / "cache"
    image, _ = build_in(engine, context, to=str(cache))
    base = len(engine.resolve("busybox").layers)
    assert len(blobs(cache)) == len(image.layers) - base

    again, ends = elsewhere(context, source=str(cache))
    assert {ends["RUN head"], ends["COPY --from"], ends["RUN cat /proc"]} == {"done"}
    assert ends["COPY --link"] == "cached"  # it stands on nothing
    assert again.id != image.id


def test_a_found_result_is_passed_on(
    engine: Engine, context: Path, tmp_path: Path, elsewhere: Callable[..., Done]
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    image, _ = build_in(engine, context, to=f"{first},mode=max")
    elsewhere(context, source=str(first), to=f"{second},mode=max")
    same, ends = elsewhere(context, source=str(second))
    assert (same.id, set(ends.values())) == (image.id, {"cached"})
    assert [path.name for path in blobs(first)] == [path.name for path in blobs(second)]


def test_a_damaged_blob_is_done_again_and_mended(
    engine: Engine, context: Path, tmp_path: Path, elsewhere: Callable[..., Done]
) -> None:
    cache = tmp_path / "cache"
    image, _ = build_in(engine, context, to=f"{cache},mode=max")
    damaged = blobs(cache)[0]
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 0xFF
    damaged.write_bytes(content)

    warnings: list[str] = []
    other, ends = elsewhere(context, source=str(cache), warnings=warnings)
    assert ends["RUN head"] == "done"
    assert other.id != image.id
    assert str(cache) in warnings[0]

    build_in(engine, context, to=f"{cache},mode=max")
    same, ends = elsewhere(context, source=str(cache))
    assert (same.id, set(ends.values())) == (image.id, {"cached"})


def rewritten(cache: Path, change: Callable[[dict[str, object]], None]) -> None:
    """Changes the records, with all digests right again, as whoever owns the directory can."""
    index = json.loads((cache / "index.json").read_text())
    manifest = json.loads(blob(cache, index["manifests"][0]))
    contents = json.loads(blob(cache, manifest["config"]))
    change(contents)
    manifest["config"] |= stored(cache, contents)
    index["manifests"][0] |= stored(cache, manifest)
    (cache / "index.json").write_text(json.dumps(index))


def blob(cache: Path, descriptor: dict[str, str]) -> bytes:
    return (cache / "blobs" / "sha256" / descriptor["digest"][7:]).read_bytes()


def stored(cache: Path, document: object) -> dict[str, object]:
    data = json.dumps(document).encode()
    (cache / "blobs" / "sha256" / digest.of(data)[7:]).write_bytes(data)
    return {"digest": digest.of(data), "size": len(data)}


def test_a_forged_record_counts_for_that_build_alone(
    engine: Engine, context: Path, tmp_path: Path, make_root: MakeRoot
) -> None:
    cache = tmp_path / "cache"
    build_in(engine, context, to=f"{cache},mode=max")

    def forge(contents: dict[str, object]) -> None:
        records = contents["records"]
        assert isinstance(records, list)
        records[-1]["layers"] = records[1]["layers"]  # another step's files

    rewritten(cache, forge)
    with Engine(make_root().config) as other:
        forged, ends = build_in(other, context, source=str(cache))
        assert ends == dict.fromkeys(STEPS, "cached")
        honest, ends = build_in(other, context)
        assert ends == dict.fromkeys(STEPS, "done")
        assert len(honest.layers) < len(forged.layers)


@pytest.mark.parametrize(
    ("path", "content", "said"),
    [
        ("index.json", b'{"manifests": [', "makes no sense"),
        ("index.json", b"{}", "no cache with the tag 'latest'"),
        ("index.json", b"[" * 100_000, "makes no sense"),
        ("index.json", b'{"manifests":[{"digest":"sha256:../../../etc/passwd","size":1,'
         b'"artifactType":"' + ARTIFACT.encode() + b'","annotations":'
         b'{"org.opencontainers.image.ref.name":"latest"}}]}', "is no sha256 digest"),
        ("index.json", b'{"manifests":[{"digest":"sha256:' + b"0" * 64 + b'","size":1,'
         b'"artifactType":"application/vnd.dockyard.buildcache.v9","annotations":'
         b'{"org.opencontainers.image.ref.name":"latest"}}]}', "another version"),
        ("index.json", b'{"manifests":[{"digest":"sha256:' + b"0" * 64 + b'","size":1,'
         b'"mediaType":"application/vnd.oci.image.index.v1+json","annotations":'
         b'{"org.opencontainers.image.ref.name":"latest"}}]}', "not a cache of this builder"),
    ],
)  # fmt: skip
def test_what_is_no_cache_is_told_and_passed_over(
    path: str, content: bytes, said: str, root: Root, context: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    (cache / "blobs").mkdir(parents=True)
    (cache / path).write_bytes(content)
    (context / "Dockerfile").write_text("FROM scratch\nCOPY first /\n")
    done = root.cli("build", "--cache-from", f"type=local,src={cache}", str(context), check=True)
    assert f"the cache in {cache} can't be used" in done.stderr
    assert said in done.stderr
    assert f"--cache-to type=local,dest={cache} writes it anew" in done.stderr


def test_a_directory_that_is_missing_is_made_by_the_same_command(
    root: Root, context: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "not" / "yet"
    flags = ("--cache-from", f"type=local,src={cache}", "--cache-to",
             f"type=local,dest={cache},mode=max")  # fmt: skip
    first = root.cli("build", "-t", "one", *flags, str(context), check=True)
    assert "there is no such directory" in first.stderr
    before = (cache / "index.json").read_bytes()
    second = root.cli("build", "-t", "two", *flags, str(context), check=True)
    assert "can't be used" not in second.stderr
    assert (cache / "index.json").read_bytes() == before


def test_two_at_once_and_other_things_in_the_directory(
    root: Root, context: Path, tmp_path: Path, elsewhere: Callable[..., Done]
) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    other = {"digest": "sha256:" + "1" * 64, "size": 7, "mediaType": "x/y", "urls": ["u"],
             "annotations": {"org.opencontainers.image.ref.name": "latest"}}  # fmt: skip
    (cache / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [other]}))
    (context / "Dockerfile").write_text("FROM busybox\nCOPY first /\nRUN cat /etc/hosts > /x\n")
    started = [
        root.start("build", "--cache-to", f"type=local,dest={cache},tag={tag}", str(context))
        for tag in ("a", "b", "latest", "latest")
    ]
    for process in started:
        _, errors = process.communicate()
        assert process.returncode == 0, errors
    entries = json.loads((cache / "index.json").read_text())["manifests"]
    assert entries[0] == other
    names = [each["annotations"]["org.opencontainers.image.ref.name"] for each in entries[1:]]
    assert sorted(names) == ["a", "b", "latest"]
    assert sorted(path.name for path in cache.iterdir()) == [
        "blobs", "index.json", "index.json.lock", "oci-layout",
    ]  # fmt: skip
    for tag in ("a", "latest"):
        with_tag = f"{cache},tag={tag}"
        assert elsewhere(context, source=with_tag)[0].id


def test_an_export_that_is_killed_leaves_the_one_before(
    root: Root, context: Path, tmp_path: Path, elsewhere: Callable[..., Done]
) -> None:
    cache = tmp_path / "cache"
    with Engine(root.config) as engine:
        image, _ = build_in(engine, context, to=f"{cache},mode=max")
    before = (cache / "index.json").read_bytes()
    bigger = tmp_path / "bigger"
    bigger.mkdir()
    (bigger / "big").write_bytes(os.urandom(1 << 26))
    (bigger / "Dockerfile").write_text("FROM scratch\nCOPY big /\n")
    process = root.start(
        "build", "-t", "big:1", "--cache-to", f"type=local,dest={cache}", str(bigger),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    place = cache / "blobs" / "sha256"
    while not list(place.glob(".dockyard-*")):
        assert process.poll() is None
    process.kill()
    process.wait()

    assert (cache / "index.json").read_bytes() == before
    assert list(place.glob(".dockyard-*"))
    same, ends = elsewhere(context, source=str(cache))
    assert (same.id, set(ends.values())) == (image.id, {"cached"})
    assert root.cli("images", "-q", "big:1", check=True).stdout == ""
    root.cli("build", "--cache-to", f"type=local,dest={cache}", str(bigger), check=True)
    assert not list(place.glob(".dockyard-*"))


def test_a_destination_that_cannot_be_written_fails_before_the_first_step(
    engine: Engine, context: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    outside = tmp_path / "outside"
    outside.mkdir()
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / "blobs").symlink_to(outside)
    for place in (tmp_path / "file", linked):
        with pytest.raises(DockyardError, match="cannot write"):
            build_in(engine, context, to=str(place))
    assert engine.build_cache() == ()
    assert list(outside.iterdir()) == []


def test_an_error_may_be_ignored(root: Root, context: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    place = f"type=local,dest={tmp_path / 'file'},ignore-error=true"
    done = root.cli("build", "-t", "made:1", "--cache-to", place, str(context), check=True)
    assert "the cache is not written to" in done.stderr


@pytest.mark.parametrize(
    ("flag", "value", "said"),
    [
        ("cache_to", "type=registry", "ref is empty"),
        ("cache_to", "type=registry,ref=a/b,compression=estargz", "no compression here"),
        ("cache_to", "type=registry,ref=a/b,image-manifest=false", "no image-manifest=false"),
        ("cache_to", f"type=registry,ref=a/b@sha256:{'0' * 64}", "a tag, not a digest"),
        ("cache_from", "type=registry,ref=a/b,tag=c", "no tag here"),
        ("cache_to", "type=inline", "type=registry,ref="),
        ("cache_to", "type=gha", "GitHub"),
        ("cache_to", "type=s3,bucket=b", "no client"),
        ("cache_to", "type=local", "dest is empty"),
        ("cache_to", "type=local,dest=x,mode=medium", "invalid mode"),
        ("cache_to", "type=local,dest=x,compression=estargz", "no compression here"),
        ("cache_from", "type=local,dest=x", "no dest here"),
        ("cache_from", "type=what,src=x", "unknown type"),
        ("cache_from", "type=local,x", "invalid value"),
    ],
)
def test_what_is_not_there_is_refused(flag: str, value: str, said: str, engine: Engine) -> None:
    with pytest.raises((InvalidInput, NotSupported), match=said):
        engine.build("/nowhere", **{flag: [value]})  # type: ignore[arg-type]


# In registries.


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRegistry]:
    with docker_registry(tmp_path_factory.mktemp("registry")) as running:
        yield running


def uploads(registry: DockerRegistry) -> int:
    """How many blobs were begun to be sent."""
    return len(registry.requests("POST"))


def test_a_registry_brings_results_to_another_root(
    engine: Engine, root: Root, context: Path, registry: DockerRegistry,
    elsewhere: Callable[..., Done],
) -> None:  # fmt: skip
    name = f"{registry.host}/cache:main"
    for ref in (f"type=registry,ref={name},mode=max", name):
        before = uploads(registry)
        root.cli("build", "-t", "made:1", "--cache-to", ref, str(context), check=True)
        assert uploads(registry) > before
    before = uploads(registry)
    root.cli("build", "-t", "made:1", "--cache-to", name, str(context), check=True)
    assert uploads(registry) == before, "what is there is neither compressed nor sent again"

    root.cli("build", "--cache-to", f"type=registry,ref={name},mode=max", str(context), check=True)
    image = engine.resolve("made:1")
    same, ends = elsewhere(context, registry=name)
    assert ends == dict.fromkeys(STEPS, "cached")
    assert same.id == image.id

    (context / "third").write_text("changed")
    _, ends = elsewhere(context, registry=name)
    assert [step for step in STEPS if ends[step] == "done"] == ["COPY third", "RUN true"]


def test_what_is_no_cache_in_a_registry_is_told_of(
    engine: Engine, context: Path, registry: DockerRegistry, tmp_path: Path,
    elsewhere: Callable[..., Done],
) -> None:  # fmt: skip
    image = f"{registry.host}/image:1"
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /x\n")
    engine.build(str(tmp_path), tag=image)
    engine.push(image)
    closed = "localhost:1/a/b:1"
    wrong = {image: "not a cache of this builder", f"{registry.host}/none:1": "none:1", closed: ""}
    for name, said in wrong.items():
        warnings: list[str] = []
        _, ends = elsewhere(context, registry=name, warnings=warnings)
        assert set(ends.values()) == {"done"}
        (warning,) = warnings
        assert f"the cache in {name} can't be used" in warning
        assert said in warning
        assert f"--cache-to type=registry,ref={name} writes it anew" in warning


def test_a_layer_that_is_damaged_in_a_registry_is_made_again(
    engine: Engine, context: Path, registry: DockerRegistry, tmp_path: Path,
    elsewhere: Callable[..., Done],
) -> None:  # fmt: skip
    name = f"{registry.host}/damaged:1"
    engine.build(str(context), cache_to=[f"type=registry,ref={name},mode=max"])
    with registries.client(tmp_path) as client:
        manifest = oci.decode_manifest(client.remote(Reference.parse(name)).manifest().data)
    largest = max(manifest.layers, key=lambda layer: layer.size)
    hexa = digest.hex_of(largest.digest)
    blob = registry.storage / "docker/registry/v2/blobs/sha256" / hexa[:2] / hexa / "data"
    blob.write_bytes(bytes(largest.size))

    warnings: list[str] = []
    _, ends = elsewhere(context, registry=name, warnings=warnings)
    assert "done" in ends.values()
    assert "can't be used" in warnings[0]


def test_a_registry_that_refuses_fails_before_the_first_step(root: Root, context: Path) -> None:
    ref = "type=registry,ref=localhost:1/a/b:1"
    done = root.cli("build", "--cache-to", ref, str(context))
    assert done.returncode == 1
    assert "localhost:1" in done.stderr
    with root.engine() as engine:
        assert engine.build_cache() == ()
    done = root.cli("build", "--cache-to", f"{ref},ignore-error=true", str(context), check=True)
    assert "the cache is not written to localhost:1/a/b:1" in done.stderr
