"""Models travel through registries byte for byte: ours, Debian's; in the formats of others, too."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import random
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support import weights
from tests.support.disks import small_disk
from tests.support.processes import peak_memory
from tests.support.protocol import Talk
from tests.support.registries import DockerRegistry, docker_registry, own_registry
from tests.support.roots import Root
from tests.support.weights import Artifact

MOST_MEMORY_KB = 200_000


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    return weights.snapshot(tmp_path / "snapshot")


@pytest.fixture
def debian(tmp_path: Path) -> Iterator[DockerRegistry]:
    (tmp_path / "debian").mkdir()
    with docker_registry(tmp_path / "debian") as running:
        yield running


@pytest.fixture
def own(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "own").mkdir()
    with own_registry(tmp_path / "own") as running:
        yield running.host


def model_id(root: Root, name: str) -> str:
    found: str = json.loads(root.cli("model", "inspect", name, check=True).stdout)[0]["Id"]
    return found


def files_of(root: Root, name: str) -> dict[str, bytes]:
    """What a container would see."""
    directory = Path(json.loads(root.cli("model", "inspect", name, check=True).stdout)[0]["Path"])
    return {str(path.relative_to(directory)): path.read_bytes()
            for path in directory.rglob("*") if path.is_file()}  # fmt: skip


def stored(root: Root) -> list[str]:
    """All that a root has of models, parts of blobs too."""
    paths = root.paths
    return sorted(name for directory in (paths.content, paths.models, paths.workspaces)
                  for name in os.listdir(directory))  # fmt: skip


@pytest.mark.parametrize("whose", ["own", "debian"])
def test_a_round_trip_changes_nothing(
    bare: Root, snapshot: Path, whose: str, request: pytest.FixtureRequest
) -> None:
    registry = request.getfixturevalue(whose)
    host = registry if isinstance(registry, str) else registry.host
    (snapshot / "__init__.py").touch()
    name = f"{host}/hf-like/tiny:1"
    packed = bare.cli("model", "pack", "-t", name, str(snapshot), check=True).stdout.strip()
    pushed = bare.cli("model", "push", name, check=True)
    before = files_of(bare, name)
    bare.cli("model", "rm", name, check=True)
    assert stored(bare) == []

    pulled = bare.cli("model", "pull", name, check=True)

    assert f"1: digest: {packed} size: " in pushed.stdout
    assert pulled.stdout.splitlines() == [f"Digest: {packed}", name]
    assert files_of(bare, name) == before
    by_digest = f"{host}/hf-like/tiny@{packed}"
    bare.cli("model", "pull", by_digest, check=True)
    bare.cli("model", "rm", name, check=True)
    assert model_id(bare, by_digest) == packed


def test_what_a_registry_has_is_not_sent(
    bare: Root, snapshot: Path, debian: DockerRegistry
) -> None:
    name, other = f"{debian.host}/a/model:1", f"{debian.host}/b/model:1"
    bare.cli("model", "pack", "-t", name, str(snapshot), check=True)
    bare.cli("model", "push", name, check=True)
    sent = len(debian.requests("PATCH"))

    again = bare.cli("model", "push", name, check=True).stderr
    bare.cli("model", "tag", name, other, check=True)
    mounted = bare.cli("model", "push", other, check=True).stderr
    (snapshot / "README.md").write_text("a new release")
    bare.cli("model", "pack", "-t", name, str(snapshot), check=True)
    changed = bare.cli("model", "push", name, check=True).stderr

    assert sent == 5  # four files and the configuration
    assert again.count("already exists") == 4
    assert mounted.count("Mounted from a/model") == 4
    assert changed.count("Pushed") == 1
    assert len(debian.requests("PATCH")) == sent + 3  # configurations of b, and both of the new one


def test_inspect_of_a_registry_fetches_no_weights(
    bare: Root, snapshot: Path, debian: DockerRegistry
) -> None:
    name = f"{debian.host}/a/model:1"
    packed = bare.cli("model", "pack", "-t", name, str(snapshot), check=True).stdout.strip()
    bare.cli("model", "push", name, check=True)
    before = len(debian.requests("GET"))

    found = json.loads(bare.cli("model", "inspect", "--remote", name, check=True).stdout)[0]

    assert found["Id"] == packed
    assert found["Config"]["format"] == "safetensors"
    assert [one["Path"] for one in found["Files"]][:2] == ["README.md", "config.json"]
    assert len([one for one in debian.requests("GET")[before:] if "/blobs/" in one]) == 1


def zstd(data: bytes) -> bytes:
    import zstandard

    return zstandard.ZstdCompressor().compress(data)


ARCHIVE = weights.tar([("w", None), ("w/model.bin", b"weights"), ("tokenizer.json", b"{}")])
FOREIGN: dict[str, tuple[Artifact, dict[str, bytes]]] = {
    "docker 0.1": (
        weights.docker([("gguf.v3", weights.gguf({}), ""), ("license", b"MIT", "")]),
        {"model.gguf": weights.gguf({}), "LICENSE": b"MIT"},
    ),
    "docker 0.2": (
        weights.docker([("safetensors", b"1", "model.safetensors"), ("model.file", b"2", "a/b"),
                        ("dir.tar", ARCHIVE, "")], version="0.2"),
        {"model.safetensors": b"1", "a/b": b"2", "w/model.bin": b"weights",
         "tokenizer.json": b"{}"},
    ),
    "ollama": (
        weights.ollama([("model", b"gguf"), ("template", b"t"), ("params", b"{}")]),
        {"model.gguf": b"gguf", "template": b"t", "params.json": b"{}"},
    ),
    "kitops": (
        weights.kitops([("model.v1.tar", ARCHIVE)], weights.digest_of(ARCHIVE)),
        {"w/model.bin": b"weights", "tokenizer.json": b"{}"},
    ),
    "modelpack, zstd": (
        weights.modelpack([("weight.v1.tar+zstd", zstd(ARCHIVE), ""),
                           ("doc.v1.raw", b"d", "README.md")],
                          diff_ids=[weights.digest_of(ARCHIVE), weights.digest_of(b"d")]),
        {"w/model.bin": b"weights", "tokenizer.json": b"{}", "README.md": b"d"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FOREIGN)
def test_models_of_other_tools_are_read_and_passed_on(bare: Root, own: str, name: str) -> None:
    artifact, files = FOREIGN[name]
    artifact.publish(Talk(own), "their/model", "1")

    bare.cli("model", "pull", f"{own}/their/model:1", check=True)
    assert files_of(bare, f"{own}/their/model:1") == files
    bare.cli("model", "tag", f"{own}/their/model:1", f"{own}/our/model:1", check=True)
    bare.cli("model", "push", f"{own}/our/model:1", check=True)

    got = Talk(own).ask("GET", "/v2/our/model/manifests/1", Accept=artifact.media_type)
    assert got.body == artifact.manifest


def test_run_pulls_the_model_that_is_missing(root: Root, snapshot: Path, own: str) -> None:
    name = f"{own}/hf-like/tiny:1"
    root.cli("model", "pack", "-t", name, str(snapshot), check=True)
    root.cli("model", "push", name, check=True)
    root.cli("model", "rm", name, check=True)
    line = ("--rm", "--model", f"{name}=/m", "debian:bookworm", "cat", "/m/onnx/model.onnx")

    never = root.cli("run", "--pull", "never", *line)
    done = root.cli("run", *line, check=True)
    missing = root.cli("run", "--rm", "--model", f"{own}/hf-like/none:1=/m", *line[3:])

    assert (never.returncode, never.stdout) == (125, "")
    assert done.stdout == "onnx"
    assert f"Unable to find model '{name}' locally\n" in done.stderr
    assert "Pulling from" in done.stderr
    assert ": Pull complete\n" in done.stderr
    assert f"Status: Downloaded model {name}\n" in done.stderr
    assert missing.returncode == 125


HOSTILE: dict[str, tuple[Artifact, str]] = {
    "a path that climbs": (weights.modelpack([("weight.v1.raw", b"w", "../../etc/cron.d/x")]),
                           "doesn't stay in the model's directory"),
    "paths that meet": (weights.modelpack([("weight.v1.raw", b"w", "a"),
                                           ("weight.v1.raw", b"v", "a/b")]), "has that place"),
    "an archive that climbs": (
        weights.modelpack([("weight.v1.tar", weights.tar([("../x", b"1")]), "")]),
        "doesn't stay in the model's directory"),
    "an archive with a link": (
        weights.modelpack([("weight.v1.tar", weights.tar([("a -> /etc", b"")]), "")]),
        "neither a file nor a directory"),
    "another digest unpacked": (
        weights.modelpack([("weight.v1.tar", weights.tar([("a", b"1")]), "")],
                          diff_ids=[weights.digest_of(b"other")]),
        "is not what its configuration says"),
    "an image": (Artifact("application/vnd.oci.image.config.v1+json",
                          [("application/vnd.oci.image.layer.v1.tar", b"l", {})], {}),
                 "it is an image, not a model"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_models_leave_nothing(bare: Root, own: str, name: str) -> None:
    artifact, words = HOSTILE[name]
    artifact.publish(Talk(own), "evil/model", "1")

    done = bare.cli("model", "pull", f"{own}/evil/model:1")

    assert done.returncode == 1
    assert words in done.stderr
    assert "hint:" in done.stderr
    assert bare.cli("model", "ls", "-q").stdout == ""
    assert stored(bare) == []


@pytest.mark.parametrize("which", ["config.json", "config"])
def test_a_registry_that_lies_is_found_out(
    bare: Root, snapshot: Path, debian: DockerRegistry, which: str
) -> None:
    name = f"{debian.host}/a/model:1"
    bare.cli("model", "pack", "-t", name, str(snapshot), check=True)
    bare.cli("model", "push", name, check=True)
    bare.cli("model", "rm", name, check=True)
    wanted = b"torch_dtype" if which == "config.json" else b"modelfs"
    for data in debian.storage.rglob("data"):
        content = data.read_bytes()
        if wanted in content and b"schemaVersion" not in content:
            data.write_bytes(content[::-1])

    done = bare.cli("model", "pull", name)

    assert done.returncode == 1
    assert "digest says" in done.stderr
    assert bare.cli("model", "ls", "-q").stdout == ""
    assert stored(bare) == []


def test_two_commands_at_once_do_the_same(bare: Root, tmp_path: Path, own: str) -> None:
    large = tmp_path / "large"
    large.mkdir()
    (large / "model.bin").write_bytes(hashlib.shake_128(b"w").digest(40 << 20))
    names = [f"{own}/a/model:{number}" for number in range(3)]
    packs = [bare.start("model", "pack", "-t", name, str(large)) for name in names]
    assert [one.wait(120) for one in packs] == [0, 0, 0]
    pushes = [bare.start("model", "push", "-q", name) for name in names]
    assert [one.wait(120) for one in pushes] == [0, 0, 0]
    for name in names:
        bare.cli("model", "rm", name, check=True)
    pulls = [bare.start("model", "pull", "-q", name) for name in names]

    assert [one.wait(120) for one in pulls] == [0, 0, 0]
    assert len({model_id(bare, name) for name in names}) == 1
    assert len(os.listdir(bare.paths.content)) == 1
    assert os.listdir(bare.paths.downloads) == []


def test_kills_leave_what_the_next_command_settles(bare: Root, tmp_path: Path, own: str) -> None:
    """In a pack, a push, a pull and a removal, at random; then all of it works, and goes."""
    chance = random.Random(31)
    large = tmp_path / "large"
    large.mkdir()
    for number in range(3):
        data = hashlib.shake_128(bytes([number])).digest(16 << 20)
        (large / f"model-{number}.bin").write_bytes(data)
    name = f"{own}/a/model:1"
    commands = (("pack", "-t", name, str(large)), ("push", name), ("rm", name), ("pull", name))
    for _ in range(3):
        for command in commands:
            _kill_some(functools.partial(bare.start, "model", *command), chance, 3)
            done = bare.cli("model", *command)
            assert done.returncode == 0 or "No such model" in done.stderr, done.stderr
            if command[0] in {"pack", "pull"}:
                found = files_of(bare, name)
                assert {path: hashlib.sha256(data).digest() for path, data in found.items()} == {
                    path.name: hashlib.sha256(path.read_bytes()).digest()
                    for path in large.iterdir()
                }
            if command[0] == "rm":
                assert bare.cli("model", "ls", "-q", check=True).stdout == ""
    bare.cli("model", "rm", name, check=True)
    bare.cli("system", "prune", "-f", check=True)
    assert stored(bare) == []
    assert not [one for one in os.listdir(bare.paths.downloads) if not one.endswith(".lock")]


def _kill_some(
    start: Callable[[], subprocess.Popen[str]], chance: random.Random, times: int
) -> None:
    for _ in range(times):
        running = start()
        time.sleep(chance.uniform(0.05, 0.8))
        running.kill()
        running.wait()


def test_a_large_model_takes_little_memory(bare: Root, tmp_path: Path, own: str) -> None:
    (tmp_path / "m").mkdir()
    with open(tmp_path / "m" / "model.bin", "wb") as stream:
        stream.truncate(500 << 20)
    name = f"{own}/a/model:1"

    used = [_memory(bare, "model", "pack", "-t", name, str(tmp_path / "m")),
            _memory(bare, "model", "push", "-q", name)]  # fmt: skip
    bare.cli("model", "rm", name, check=True)
    used.append(_memory(bare, "model", "pull", "-q", name))

    assert max(used) < MOST_MEMORY_KB, used


def _memory(root: Root, *command: str) -> int:
    """The most memory that a command had, in kB."""
    running = root.start(*command)
    most = 0
    while running.poll() is None:
        most = max(most, peak_memory(running.pid) >> 10)
        time.sleep(0.02)
    assert running.returncode == 0, running.stderr.read() if running.stderr else ""
    return most


def test_a_full_disk_is_said_and_leaves_nothing_half(bare: Root, tmp_path: Path, own: str) -> None:
    (tmp_path / "m").mkdir()
    for number in range(2):
        data = hashlib.shake_128(bytes([number])).digest(30 << 20)
        (tmp_path / "m" / f"{number}.bin").write_bytes(data)
    name = f"{own}/a/model:1"
    bare.cli("model", "pack", "-t", name, str(tmp_path / "m"), check=True)
    bare.cli("model", "push", "-q", name, check=True)
    bare.cli("model", "rm", name, check=True)

    with small_disk(bare.paths.root, 50 << 20):
        packed = bare.cli("model", "pack", "-t", name, str(tmp_path / "m"))
        pulled = bare.cli("model", "pull", name)
        left = stored(bare)

    assert (packed.returncode, pulled.returncode) == (1, 1)
    assert "no space left to write" in packed.stderr
    assert "no space left to write" in pulled.stderr
    assert left == []


def test_names_of_the_other_kind_are_told_apart(root: Root, snapshot: Path, own: str) -> None:
    model, image = f"{own}/a/model:1", f"{own}/an/image:1"
    root.cli("model", "pack", "-t", model, str(snapshot), check=True)
    root.cli("tag", "busybox", image, check=True)

    for words, hint in (
        (("push", model), f"it is a model: dockyard model push {model}"),
        (("rmi", model), f"it is a model: dockyard model rm {model}"),
        (("model", "push", image), f"it is an image: dockyard push {image}"),
        (("model", "rm", image), f"it is an image: dockyard rmi {image}"),
        (("run", "--rm", "--model", f"{image}=/m", "debian:bookworm"), "it is an image: "),
    ):
        done = root.cli(*words)
        assert done.returncode != 0
        assert f"hint: {hint}" in done.stderr


def test_a_model_without_a_registry_is_not_sent_to_docker_hub(root: Root, snapshot: Path) -> None:
    root.cli("model", "pack", "-t", "tiny:1", str(snapshot), check=True)

    done = root.cli("model", "push", "tiny:1", env=nobody(root))
    assert done.returncode == 1
    assert "hint: give it a name with a registry, and push that:" in done.stderr
    assert "dockyard model tag tiny:1 HOST/tiny:1" in done.stderr


def nobody(root: Root) -> dict[str, str]:
    """The environment of a user who has not logged in anywhere."""
    return {"HOME": str(root.base), "DOCKER_CONFIG": str(root.base),
            "REGISTRY_AUTH_FILE": str(root.base / "none")}  # fmt: skip
