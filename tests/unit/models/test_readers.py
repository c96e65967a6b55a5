"""Artifacts of all formats are read into one value; what makes no sense is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import weights
from tests.support.weights import Artifact

from dockyard.errors import ContentMismatch, DockyardError, HostileInput, NotSupported
from dockyard.models import readers
from dockyard.models.model import Contents


def read(artifact: Artifact) -> Contents:
    return readers.read(artifact.manifest, artifact.config)


def paths(contents: Contents) -> list[str]:
    return [part.path for part in contents.parts]


def test_modelpack_has_a_path_for_each_file() -> None:
    found = read(weights.modelpack([
        ("weight.v1.raw", b"w", "a/model.safetensors"), ("doc.v1.raw", b"d", "README.md"),
        ("code.v1.tar+gzip", b"t", ""),
    ]))  # fmt: skip

    assert found.format == "modelpack"
    assert paths(found) == ["a/model.safetensors", "README.md", ""]
    assert [part.kind for part in found.parts] == ["weight", "doc", "code"]
    assert [part.packing for part in found.parts] == ["raw", "raw", "tar+gzip"]
    assert found.config.config.format == "safetensors"


def test_a_file_without_a_path_is_named_by_its_metadata() -> None:
    artifact = weights.modelpack([("weight.v1.raw", b"w", "")])
    layer = artifact.document["layers"][0]
    layer["annotations"] = {"org.cncf.model.file.metadata+json": '{"name": "w.bin", "mode": 420}'}

    assert paths(read(artifact)) == ["w.bin"]


def test_docker_names_files_by_type_or_by_path() -> None:
    old = read(weights.docker([
        ("gguf.v3", b"1", ""), ("license", b"l", ""), ("license", b"k", ""), ("mmproj", b"m", ""),
        ("chat.template.jinja", b"j", ""),
    ]))  # fmt: skip
    shards = read(weights.docker([("gguf.v3", b"1", ""), ("gguf.v3", b"2", "")]))
    new = read(weights.docker([
        ("safetensors", b"1", "model.safetensors"), ("model.file", b"c", "config.json"),
        ("dir.tar", b"t", ""),
    ], version="0.2"))  # fmt: skip

    assert paths(old) == ["model.gguf", "LICENSE", "LICENSE-2", "mmproj.gguf", "template.jinja"]
    assert paths(shards) == ["model-00001-of-00002.gguf", "model-00002-of-00002.gguf"]
    assert paths(new) == ["model.safetensors", "config.json", ""]
    assert new.parts[2].packing == "tar"
    said = old.config.config
    assert (said.param_size, said.quantization, said.architecture) == ("1.10B", "Q4_0", "llama")


def test_dockers_specification_of_0_1_lists_files() -> None:
    artifact = weights.docker([("gguf.v3", b"1", "")])
    artifact.config = json.dumps({
        "config": {"format": "gguf", "gguf": {"architecture": "llama", "parameter_count": "1.10 B"},
                   "size": "635992801"},
        "files": [{"diffID": weights.digest_of(b"1"), "type": "application/vnd.docker.ai.gguf.v3"}],
    }).encode()  # fmt: skip

    assert read(artifact).config.config.param_size == "1.10B"


def test_ollama_tells_files_apart_by_type() -> None:
    found = read(weights.ollama([
        ("model", b"g"), ("template", b"t"), ("params", b"{}"), ("license", b"l"),
        ("license", b"k"),
    ]))  # fmt: skip

    assert paths(found) == ["model.gguf", "template", "params.json", "LICENSE", "LICENSE-2"]
    assert found.config.config.param_size == "8.0B"
    assert found.config.config.architecture == "llama"


def test_kitops_has_archives_and_a_kitfile() -> None:
    found = read(weights.kitops([("model.v1.tar+gzip", b"m"), ("docs.v1.tar", b"d")], "sha256:x"))

    assert [part.packing for part in found.parts] == ["tar+gzip", "tar"]
    assert [part.kind for part in found.parts] == ["weight", "doc"]
    assert found.parts[0].diff_id == "sha256:x"
    assert found.config.descriptor.name == "tiny"
    assert found.config.descriptor.licenses == ("MIT",)


@pytest.mark.parametrize("path", [
    "../x", "/etc/passwd", "a/../../x", "a//b", "a/./b", "x\0y", "a\nb", "..", "\ud800",
    "a" * 300, "/".join(["d"] * 70), "", "a\x9b2Jb", "a\u202efdp.exe", "a\u2066b", "a\u2028b",
    "a\u200fb",
])  # fmt: skip
def test_files_stay_in_their_directory(path: str) -> None:
    artifact = weights.modelpack([("weight.v1.raw", b"w", "ok")])
    artifact.document["layers"][0]["annotations"] = {weights.PATH: path}
    if path:
        with pytest.raises((HostileInput, ContentMismatch)):
            read(artifact)
    else:  # no path is no annotation
        assert paths(read(artifact)) == [weights.digest_of(b"w")[7:19]]


@pytest.mark.parametrize("second", ["a", "a/b", "A/../a"])
def test_no_two_files_meet(second: str) -> None:
    layers = [("weight.v1.raw", b"1", "a"), ("weight.v1.raw", b"2", second)]

    with pytest.raises(HostileInput):
        read(weights.modelpack(layers))


def _changed(artifact: Artifact, **changes: Any) -> Artifact:
    artifact.document |= changes
    return artifact


WRONG = {
    "no layers": _changed(weights.modelpack([("weight.v1.raw", b"w", "w")]), layers=[]),
    "an unknown type": weights.modelpack([("weight.v2.raw", b"w", "w")]),
    "an unknown kind": weights.modelpack([("virus.v1.raw", b"w", "w")]),
    "another digest unpacked": weights.modelpack(
        [("weight.v1.raw", b"w", "w")], diff_ids=[weights.digest_of(b"x")]
    ),
    "too few digests": weights.modelpack(
        [("weight.v1.raw", b"w", "w"), ("doc.v1.raw", b"d", "d")],
        diff_ids=[weights.digest_of(b"w")],
    ),
    "docker's unknown type": weights.docker([("gguf.v9", b"w", "")]),
    "docker's file without a path": weights.docker([("model.file", b"w", "")]),
    "ollama's unknown type": weights.ollama([("model", b"w"), ("virus", b"v")]),
    "kitops' unknown type": weights.kitops([("virus.v1.tar", b"w")]),
    "kitops' raw": weights.kitops([("model.v1.raw", b"w")]),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_makes_no_sense_is_refused(name: str) -> None:
    with pytest.raises((ContentMismatch, NotSupported)):
        read(WRONG[name])


def test_other_docker_digests_are_refused() -> None:
    artifact = weights.docker([("gguf.v3", b"1", "")])
    artifact.config = artifact.config.replace(weights.digest_of(b"1").encode(), b"sha256:0")

    with pytest.raises(ContentMismatch):
        read(artifact)


def test_one_digest_has_one_size() -> None:
    artifact = weights.modelpack([("weight.v1.raw", b"w", "a"), ("weight.v1.raw", b"w", "b")])
    artifact.document["layers"][1]["size"] = 7

    with pytest.raises(ContentMismatch, match="two sizes"):
        read(artifact)


def test_an_image_is_no_model() -> None:
    image = Artifact("application/vnd.oci.image.config.v1+json",
                     [("application/vnd.oci.image.layer.v1.tar", b"l", {})], {})  # fmt: skip
    other = Artifact("application/vnd.example+json", [("text/plain", b"l", {})], {})

    with pytest.raises(NotSupported, match="an image") as found:
        read(image)
    assert found.value.hint
    with pytest.raises(NotSupported, match="another kind"):
        read(other)


@pytest.mark.parametrize("data", [
    b"", b"{}", b"[]", b"null", b"\xff", b"[" * 100_000, b"{" * 10,
    b'{"schemaVersion":2,"config":{"digest":"sha256:0","size":-1},"layers":[]}',
])  # fmt: skip
def test_manifests_of_no_sense(data: bytes) -> None:
    with pytest.raises(DockyardError):
        readers.read(data, b"{}")


def test_a_manifest_that_is_an_index_as_well() -> None:
    artifact = _changed(weights.modelpack([("weight.v1.raw", b"w", "w")]), manifests=[])

    with pytest.raises(ContentMismatch):
        read(artifact)


def test_a_huge_manifest_is_refused_unread() -> None:
    artifact = weights.modelpack([("weight.v1.raw", b"w", "w")])
    artifact.document["annotations"] = {"x": "y" * (5 << 20)}

    with pytest.raises(ContentMismatch, match="at most"):
        read(artifact)


def test_digests_other_than_sha256_are_refused() -> None:
    artifact = weights.modelpack([("weight.v1.raw", b"w", "w")])
    artifact.document["layers"][0]["digest"] = "sha256:../../etc/passwd"

    with pytest.raises(ContentMismatch, match="no sha256 digest"):
        read(artifact)


@pytest.mark.parametrize("config", [b"", b"[]", b"\xff", b"[" * 100_000, b'{"modelfs": 1}'])
def test_configurations_of_no_sense(config: bytes) -> None:
    for make in (
        weights.modelpack([("weight.v1.raw", b"w", "w")]),
        weights.docker([("gguf.v3", b"w", "")]),
        weights.ollama([("model", b"w")]),
        weights.kitops([("model.v1.tar", b"w")]),
    ):
        if make.document["config"]["mediaType"].endswith("image.v1+json") and b"modelfs" in config:
            continue  # Ollama's has no such field
        make.config = config
        if b"modelfs" in config and "kitops" in make.document["config"]["mediaType"]:
            continue
        with pytest.raises(ContentMismatch):
            read(make)


_TYPES = st.sampled_from([
    "application/vnd.cncf.model.weight.v1.raw", "application/vnd.cncf.model.doc.v1.tar",
    "application/vnd.docker.ai.gguf.v3", "application/vnd.ollama.image.model",
    "application/vnd.kitops.modelkit.model.v1.tar", "application/vnd.cncf.model.config.v1+json",
    "application/vnd.docker.ai.model.config.v0.1+json",
    "application/vnd.kitops.modelkit.config.v1+json",
    "application/vnd.docker.container.image.v1+json", "",
])  # fmt: skip
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | _TYPES,
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["config", "descriptor", "modelfs", "diffIds", "rootfs", "model", "name",
                         "layerInfo", "licenses", "files", "package"]) | st.text(max_size=4),
        inner, max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@given(config_type=_TYPES, layer_type=_TYPES, config=_JSON, path=st.text(max_size=20))
def test_whatever_the_documents_say_is_read_or_refused(
    config_type: str, layer_type: str, config: Any, path: str
) -> None:
    artifact = Artifact(config_type, [(layer_type, b"w", {weights.PATH: path})], {})
    artifact.config = json.dumps(config).encode()
    try:
        found = read(artifact)
    except DockyardError:
        return
    assert all(".." not in part.path.split("/") for part in found.parts)
