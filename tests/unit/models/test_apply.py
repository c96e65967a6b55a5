"""Packing, naming, using and removing models on a root of the test's own."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import msgspec
import pytest
from tests.support import weights

from dockyard.errors import Conflict, InvalidInput, NotFound
from dockyard.images.content import ContentStore
from dockyard.models import pack, tree
from dockyard.models.apply import Models
from dockyard.models.model import Model, ModelInfo
from dockyard.models.store import ModelStore
from dockyard.observability.progress import Progress
from dockyard.state.database import Database
from dockyard.state.locks import Lock
from dockyard.state.paths import Paths


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    return weights.snapshot(tmp_path / "snapshot")


def stored(paths: Paths) -> list[str]:
    """All that a root has of models."""
    return sorted((*os.listdir(paths.content), *os.listdir(paths.models),
                   *os.listdir(paths.workspaces), *os.listdir(paths.locks)))  # fmt: skip


def test_a_directory_becomes_a_model_that_says_what_it_is(models: Models, snapshot: Path) -> None:
    model = models.pack([str(snapshot)], "hf-like/tiny:1")
    manifest = json.loads(model.manifest)

    assert manifest["artifactType"] == "application/vnd.cncf.model.manifest.v1+json"
    assert [layer["mediaType"].removeprefix(weights.CNCF) for layer in manifest["layers"]] == [
        "doc.v1.raw", "weight.config.v1.raw", "weight.v1.raw", "weight.v1.raw",
    ]  # fmt: skip
    assert [layer["annotations"][weights.PATH] for layer in manifest["layers"]] == [
        "README.md", "config.json", "model.safetensors", "onnx/model.onnx",
    ]  # fmt: skip
    config = json.loads(model.config_bytes)
    assert config["modelfs"]["diffIds"] == [layer["digest"] for layer in manifest["layers"]]
    assert config["config"] == {"architecture": "transformer", "format": "safetensors",
                                "paramSize": "10K", "precision": "float16"}  # fmt: skip
    assert config["descriptor"] == {"family": "bert", "licenses": ["Apache-2.0"]}
    metadata = json.loads(manifest["layers"][3]["annotations"]["org.cncf.model.file.metadata+json"])
    assert metadata == {"name": "model.onnx", "mode": 0o644, "uid": 0, "gid": 0, "size": 4,
                        "mtime": "1970-01-01T00:00:00Z", "typeflag": 48}  # fmt: skip
    assert model.names == ("docker.io/hf-like/tiny:1",)


def test_the_tree_is_of_hard_links_that_nobody_can_write(
    models: Models, snapshot: Path, content: ContentStore
) -> None:
    model = models.pack([str(snapshot)])
    directory = Path(models.directory(model.id))
    blobs = {part.path: part.blob.digest for part in model.contents.parts}

    for path, digest in blobs.items():
        linked, blob = os.stat(directory / path), os.stat(content.path(digest))
        assert linked.st_ino == blob.st_ino
        assert stat.S_IMODE(linked.st_mode) == 0o444
        assert (directory / path).read_bytes() == (snapshot / path).read_bytes()
    assert stat.S_IMODE(os.stat(directory / "onnx").st_mode) == 0o555


def test_the_same_files_are_the_same_model(models: Models, tmp_path: Path, snapshot: Path) -> None:
    other = weights.snapshot(tmp_path / "elsewhere")
    os.utime(other / "config.json", (1, 1))
    os.chmod(other / "README.md", 0o600)

    first, second = models.pack([str(snapshot)], "a"), models.pack([str(other)], "b")

    assert first.id == second.id
    assert second.names == ("docker.io/library/a:latest", "docker.io/library/b:latest")
    assert len(models.list()) == 1


def test_what_the_user_says_counts_more(models: Models, snapshot: Path) -> None:
    info = ModelInfo(
        name="n", version="2", licenses=("MIT",), annotations={"a": "b"}, param_size="1B",
        quantization="awq",
    )  # fmt: skip
    model = models.pack([str(snapshot)], info=info)
    said = model.contents.config

    assert (said.descriptor.name, said.descriptor.version) == ("n", "2")
    assert said.descriptor.licenses == ("MIT",)
    assert (said.config.param_size, said.config.quantization) == ("1B", "awq")
    assert json.loads(model.manifest)["annotations"] == {"a": "b"}


@pytest.mark.parametrize("info", [
    ModelInfo(param_size="many"), ModelInfo(param_size="1.25B"), ModelInfo(precision="fp16"),
])  # fmt: skip
def test_what_modelpack_has_no_words_for_is_refused(
    models: Models, snapshot: Path, info: ModelInfo
) -> None:
    with pytest.raises(InvalidInput) as found:
        models.pack([str(snapshot)], info=info)
    assert found.value.hint


def test_a_changed_source_changes_no_model(models: Models, snapshot: Path) -> None:
    model = models.pack([str(snapshot)])
    (snapshot / "README.md").write_text("other")

    assert "A model" in Path(models.directory(model.id), "README.md").read_text()


def test_a_snapshot_of_hugging_faces_cache(models: Models, tmp_path: Path) -> None:
    blobs = tmp_path / "models--a--b" / "blobs"
    snapshot = tmp_path / "models--a--b" / "snapshots" / "rev"
    blobs.mkdir(parents=True)
    snapshot.mkdir(parents=True)
    (blobs / "abc").write_bytes(b"weights")
    (snapshot / "model.bin").symlink_to("../../blobs/abc")
    (snapshot / ".gitattributes").write_text("x")

    model = models.pack([str(snapshot)])

    assert [part.path for part in model.contents.parts] == ["model.bin"]
    (tmp_path / "models--a--b" / "refs").mkdir()
    with pytest.raises(InvalidInput, match="a cache with 1 snapshots") as found:
        models.pack([str(tmp_path / "models--a--b")])
    assert str(snapshot) in (found.value.hint or "")


def test_links_out_of_the_directory_are_refused(
    models: Models, tmp_path: Path, snapshot: Path, paths: Paths
) -> None:
    (tmp_path / "secret").write_text("s")
    (snapshot / "weights.bin").symlink_to("../secret")

    with pytest.raises(InvalidInput, match="leads out"):
        models.pack([str(snapshot)])
    assert stored(paths) == []


def test_a_link_inside_is_followed(models: Models, snapshot: Path) -> None:
    (snapshot / "copy.onnx").symlink_to("onnx/model.onnx")

    model = models.pack([str(snapshot)])

    assert Path(models.directory(model.id), "copy.onnx").read_bytes() == b"onnx"


@pytest.mark.parametrize("make", ["pipe", "link to a directory", "dangling link"])
def test_what_is_no_file_is_refused(models: Models, snapshot: Path, make: str) -> None:
    path = snapshot / "x"
    if make == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("onnx" if make == "link to a directory" else "nowhere")

    with pytest.raises((InvalidInput, NotFound)):
        models.pack([str(snapshot)])


def test_files_by_name(models: Models, snapshot: Path, tmp_path: Path) -> None:
    (tmp_path / "link.onnx").symlink_to(snapshot / "onnx" / "model.onnx")
    model = models.pack([str(snapshot / "config.json"), str(tmp_path / "link.onnx")])

    assert [part.path for part in model.contents.parts] == ["config.json", "link.onnx"]
    with pytest.raises(InvalidInput, match="another file"):
        models.pack([str(snapshot / "config.json"), str(snapshot / "config.json")])
    with pytest.raises(InvalidInput, match="a directory"):
        models.pack([str(snapshot), str(snapshot / "config.json")])
    with pytest.raises(NotFound):
        models.pack([str(tmp_path / "nothing")])


def test_an_empty_directory_is_no_model(models: Models, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    with pytest.raises(InvalidInput, match="no file"):
        models.pack([str(tmp_path / "empty")])


def test_empty_files_and_holes(models: Models, tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "__init__.py").touch()
    with open(tmp_path / "m" / "weights.bin", "wb") as stream:
        stream.truncate(32 << 20)
        stream.seek(20 << 20)
        stream.write(b"end")
    model = models.pack([str(tmp_path / "m")])
    directory = Path(models.directory(model.id))

    assert (directory / "__init__.py").read_bytes() == b""
    assert (directory / "weights.bin").read_bytes() == (tmp_path / "m/weights.bin").read_bytes()
    assert os.stat(directory / "weights.bin").st_blocks < 1 << 12


def test_where_blocks_are_shared_the_copy_is_hashed(
    models: Models, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on XFS and Btrfs; the source has changed by the time that it would be read."""
    source = tmp_path / "model.bin"
    source.write_bytes(b"as it was cloned")

    def clone(descriptor: int, copy: int) -> bool:
        os.write(copy, os.pread(descriptor, 100, 0))
        with open(f"/proc/self/fd/{descriptor}", "r+b") as changed:
            changed.write(b"as it is")
        os.utime(source, ns=(0, before.st_mtime_ns))
        return True

    before = source.stat()
    monkeypatch.setattr(pack, "_share_blocks", clone)
    model = models.pack([str(source)])

    assert model.contents.parts[0].blob.digest == weights.digest_of(b"as it was cloned")
    assert Path(models.directory(model.id), "model.bin").read_bytes() == b"as it was cloned"


def test_a_file_that_changes_meanwhile_is_refused(
    models: Models, tmp_path: Path, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "model.bin"
    source.write_bytes(b"before")

    def grown(*_: int) -> bool:
        with source.open("ab") as stream:
            stream.write(b"after")
        return False

    monkeypatch.setattr(pack, "_share_blocks", grown)
    with pytest.raises(Conflict, match="changed while it was packed"):
        models.pack([str(source)])
    assert stored(paths) == []


def test_progress_adds_up(models: Models, snapshot: Path) -> None:
    heard: list[Progress] = []
    models.pack([str(snapshot)], progress=heard.append)

    assert (
        heard[-1].done
        == heard[-1].total
        == sum(path.stat().st_size for path in snapshot.rglob("*") if path.is_file())
    )


def test_models_share_blobs(
    models: Models, snapshot: Path, content: ContentStore, paths: Paths
) -> None:
    first = models.pack([str(snapshot)], "a:1")
    (snapshot / "README.md").write_text("changed")
    second = models.pack([str(snapshot)], "a:2")
    shared = {blob.digest for blob in first.blobs} & {blob.digest for blob in second.blobs}

    models.remove("a:1")

    assert len(shared) == 3
    assert all(content.has(blob.digest) for blob in second.blobs)
    assert len(os.listdir(paths.content)) == 4


def test_names_move_and_the_last_takes_the_model_along(
    models: Models, snapshot: Path, paths: Paths
) -> None:
    model = models.pack([str(snapshot)], "a:1")
    models.tag("a:1", "b:1")

    assert [str(one) for one in models.remove("a:1")] == ["Untagged: a:1"]
    assert [str(one) for one in models.remove("b:1")] == ["Untagged: b:1", f"Deleted: {model.id}"]
    assert stored(paths) == []


def test_a_tag_that_moves_leaves_the_other_model_without(models: Models, snapshot: Path) -> None:
    first = models.pack([str(snapshot)], "a")
    (snapshot / "README.md").write_text("changed")
    second = models.pack([str(snapshot)], "a")

    assert models.find("a").id == second.id
    assert models.find(first.short_id).names == ()
    assert [str(one) for one in models.prune().removed] == [f"Deleted: {first.id}"]
    assert models.prune(everything=True).freed > 0
    assert models.list() == []


def test_by_id_several_repositories_need_force(models: Models, snapshot: Path) -> None:
    model = models.pack([str(snapshot)], "a")
    models.tag("a", "b")

    with pytest.raises(Conflict, match="multiple repositories"):
        models.remove(model.short_id)
    assert len(models.remove(model.id, force=True)) == 3


def test_found_by_name_digest_and_id(models: Models, snapshot: Path) -> None:
    model = models.pack([str(snapshot)], "example.com:5000/team/a:v1")

    for text in (model.id, model.id[7:], model.short_id, "example.com:5000/team/a:v1",
                 f"example.com:5000/team/a@{model.id}"):  # fmt: skip
        assert models.find(text).id == model.id
    for text in ("nothing", "sha256:" + "0" * 64, "example.com:5000/team/a"):
        with pytest.raises(NotFound):
            models.find(text)
    with pytest.raises(InvalidInput):
        models.find("No/Name!")


def test_one_that_a_container_uses_stays(
    models: Models, snapshot: Path, database: Database
) -> None:
    model = models.pack([str(snapshot)], "a")
    models.use("a", "one")

    for force in (False, True):
        with pytest.raises(Conflict, match="in use by containers one"):
            models.remove("a", force=force)
    assert models.prune(everything=True).removed == ()
    assert models.users() == {model.id: ("one",)}
    database.execute("DELETE FROM containers")
    models.remove("a")
    assert models.list() == []


def test_a_directory_that_was_taken_away_comes_back(models: Models, snapshot: Path) -> None:
    model = models.pack([str(snapshot)])
    tree.remove(models.directory(model.id))

    assert Path(models.directory(model.id), "onnx/model.onnx").read_bytes() == b"onnx"


@pytest.mark.parametrize("state", ["pending", "deleting"])
def test_what_a_killed_command_left_is_taken_back(
    models: Models, snapshot: Path, database: Database, paths: Paths, state: str
) -> None:
    model = models.pack([str(snapshot)])
    database.execute("UPDATE models SET state=?", (state,))
    Path(f"{paths.model(model.id)}.new").mkdir()

    with pytest.raises(NotFound):
        models.find(model.id)
    models.recover()

    assert stored(paths) == []
    assert ModelStore(database).state(model.id) is None


def test_live_work_is_left_alone(
    models: Models, snapshot: Path, database: Database, paths: Paths
) -> None:
    model = models.pack([str(snapshot)])
    database.execute("UPDATE models SET state='pending'")

    with Lock.acquire(f"{paths.locks}/model-{model.id[7:39]}.lock"):
        models.recover()
    assert os.path.isdir(paths.model(model.id))
    models.recover()
    assert not os.path.isdir(paths.model(model.id))


def test_packing_what_was_left_half_makes_it_whole(
    models: Models, snapshot: Path, database: Database
) -> None:
    model = models.pack([str(snapshot)])
    tree.remove(models.directory(model.id))
    database.execute("UPDATE models SET state='pending'")

    assert models.pack([str(snapshot)]).id == model.id
    assert Path(models.directory(model.id), "config.json").is_file()


def _put(
    models: Models, content: ContentStore, artifact: weights.Artifact, tmp_path: Path
) -> Model:
    content.need(artifact.blobs, "test:1")
    for digest, data in artifact.blobs.items():
        (tmp_path / "blob").write_bytes(data)
        content.adopt(str(tmp_path / "blob"), digest)
    try:
        return models.put(
            artifact.manifest, artifact.config, artifact.media_type, (), action="pull"
        )
    finally:
        content.release("test:1")


def test_archives_are_unpacked(models: Models, content: ContentStore, tmp_path: Path) -> None:
    plain = weights.tar([("weights", None), ("weights/model.bin", b"w"), ("./a.txt", b"a")])
    packed = weights.tar([("docs/README.md", b"hello")], mode="w:gz")
    artifact = weights.kitops(
        [("model.v1.tar", plain), ("docs.v1.tar+gzip", packed)], weights.digest_of(plain)
    )
    model = _put(models, content, artifact, tmp_path)
    directory = Path(models.directory(model.id))

    assert model.id == artifact.digest
    assert (directory / "weights/model.bin").read_bytes() == b"w"
    assert (directory / "docs/README.md").read_text() == "hello"
    assert (directory / "a.txt").stat().st_mode & 0o777 == 0o444


HOSTILE: dict[str, list[tuple[str, bytes | None]]] = {
    "climbs": [("../x", b"1")],
    "absolute": [("/etc/x", b"1")],
    "link": [("a -> /etc", b"")],
    "twice": [("a", b"1"), ("a", b"2")],
    "file and directory": [("a", b"1"), ("a/b", b"2")],
    "directory and file": [("a", None), ("a", b"1")],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_archives_leave_nothing(
    models: Models, content: ContentStore, tmp_path: Path, paths: Paths, name: str
) -> None:
    from dockyard.errors import HostileInput

    artifact = weights.modelpack([("weight.v1.tar", weights.tar(HOSTILE[name]), "")])
    with pytest.raises(HostileInput):
        _put(models, content, artifact, tmp_path)
    assert models.list() == []
    assert os.listdir(paths.content) == os.listdir(paths.models) == []


def test_a_bomb_is_refused(
    models: Models, content: ContentStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dockyard.errors import HostileInput
    from dockyard.images import growth

    monkeypatch.setattr(growth, "BOUNDS", msgspec.structs.replace(growth.BOUNDS, free=1 << 20))
    bomb = weights.tar([("a", b"x" * (4 << 20))], mode="w:gz")
    artifact = weights.modelpack([("weight.v1.tar+gzip", bomb, "")], diff_ids=[])

    with pytest.raises(HostileInput, match="grows"):
        _put(models, content, artifact, tmp_path)


def test_an_archive_of_another_digest_is_refused(
    models: Models, content: ContentStore, tmp_path: Path
) -> None:
    from dockyard.errors import ContentMismatch

    archive = weights.tar([("a", b"x")], mode="w:gz")
    artifact = weights.modelpack([("weight.v1.tar+gzip", archive, "")])

    with pytest.raises(ContentMismatch, match="not what its configuration says"):
        _put(models, content, artifact, tmp_path)
    assert models.list() == []
