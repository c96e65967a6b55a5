"""From packed files to a manifest and a configuration: the same files give the same bytes. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from dockyard.errors import InvalidInput
from dockyard.models import kinds
from dockyard.models.documents import (
    ARTIFACT,
    CONFIG,
    FILE_METADATA,
    FILE_PATH,
    LAYERS,
    PRECISIONS,
    Config,
    Description,
    FileMetadata,
    Filesystem,
    Manifest,
    Technical,
    encode,
)
from dockyard.models.model import ModelInfo
from dockyard.oci import digest as digests
from dockyard.oci.image import MAX_DOCUMENT_BYTES, Descriptor


class Packed(msgspec.Struct, frozen=True):
    """A file whose content is stored."""

    path: str
    """Relative to the model's directory."""
    digest: str
    size: int


class Artifact(msgspec.Struct, frozen=True):
    """The documents of a model."""

    manifest: bytes
    config: bytes


def make(
    files: Sequence[Packed], info: ModelInfo, found: tuple[Description, Technical]
) -> Artifact:  # fmt: skip
    """The documents of a model.

    Owners, modes and times of the files are no part of it: who packs the same files elsewhere gets
    the same digest.

    Args:
        info: what the user says; it counts more than what was found.
        found: what the files say.

    Raises:
        InvalidInput: there are so many files that no registry would take the manifest.
    """
    ordered = sorted(files, key=lambda one: one.path)
    config = encode(
        Config(
            descriptor=_description(info, found[0]),
            config=_technical(info, found[1]),
            modelfs=Filesystem(diff_ids=tuple(one.digest for one in ordered)),
        )
    )
    manifest = encode(
        Manifest(
            artifact_type=ARTIFACT,
            config=Descriptor(media_type=CONFIG, digest=digests.of(config), size=len(config)),
            layers=tuple(map(_layer, ordered)),
            annotations=info.annotations,
        )
    )
    if max(len(manifest), len(config)) > MAX_DOCUMENT_BYTES:
        raise InvalidInput(
            f"{len(ordered)} files are too many for one model: its manifest has"
            f" {len(manifest)} bytes, and registries take {MAX_DOCUMENT_BYTES}",
            hint="pack data and code into an archive, or into a model of their own",
        )
    return Artifact(manifest, config)


def check(info: ModelInfo) -> None:
    """Refuses what other tools that read ModelPack would stumble over.

    Raises:
        InvalidInput: a number of parameters or a precision that it has no words for.
    """
    if info.param_size and not re.fullmatch(r"\d+(\.\d)?[KMBTQkmbtq]", info.param_size):
        raise InvalidInput(
            f"invalid number of parameters: {info.param_size!r}",
            hint="a number and K, M, B, T or Q, such as 6.7B or 500M",
        )
    for word in info.precision.split(",") if info.precision else ():
        if word not in PRECISIONS:
            raise InvalidInput(
                f"invalid precision: {word!r}", hint=f"one of {', '.join(sorted(PRECISIONS))}"
            )


def _layer(file: Packed) -> Descriptor:
    metadata = FileMetadata(name=file.path.rpartition("/")[2], size=file.size)
    return Descriptor(
        media_type=f"{LAYERS}{kinds.kind_of(file.path)}.v1.raw",
        digest=file.digest,
        size=file.size,
        annotations={FILE_PATH: file.path, FILE_METADATA: encode(metadata).decode()},
    )


def _description(info: ModelInfo, found: Description) -> Description:
    return msgspec.structs.replace(
        found,
        created_at=info.created_at,
        name=info.name or found.name,
        family=info.family or found.family,
        version=info.version or found.version,
        licenses=info.licenses or found.licenses,
    )


def _technical(said: ModelInfo, found: Technical) -> Technical:
    return Technical(
        architecture=said.architecture or found.architecture,
        format=said.format or found.format,
        param_size=said.param_size or found.param_size,
        precision=said.precision or found.precision,
        quantization=said.quantization or found.quantization,
    )
