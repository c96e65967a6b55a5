"""Models as the rows of ``model ls`` and the documents of ``model inspect``. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from dockyard.cli import units
from dockyard.models import readers
from dockyard.models.model import Contents, Model
from dockyard.oci.reference import Reference

if TYPE_CHECKING:  # lists need no registries
    from dockyard.models.published import Found

Document = dict[str, Any]

TITLES = {
    "Repository": "REPOSITORY", "Tag": "TAG", "Digest": "DIGEST", "ID": "MODEL ID",
    "Parameters": "PARAMETERS", "Format": "FORMAT", "Precision": "PRECISION",
    "Quantization": "QUANTIZATION", "Architecture": "ARCHITECTURE", "Family": "FAMILY",
    "CreatedSince": "CREATED", "CreatedAt": "CREATED AT", "Size": "SIZE",
    "Containers": "CONTAINERS", "Packaging": "PACKAGING",
}  # fmt: skip
_NONE = "<none>"


def columns(*, digests: bool) -> tuple[str, ...]:
    """Those of the table."""
    return ("Repository", "Tag", *(("Digest",) if digests else ()), "ID", "Parameters", "Format",
            "CreatedSince", "Size")  # fmt: skip


def rows(
    models: Iterable[Model], now: int, users: dict[str, int], *, cut: bool = True
) -> list[dict[str, str]]:
    """The fields of every name; a model without one has a row too.

    Args:
        now: nanoseconds since 1970.
        users: how many containers use each, by its id.
        cut: shorten ids as in a table.
    """
    return [
        _row(model, name, now, users.get(model.id, 0), cut=cut)
        for model in models
        for name in model.names or (None,)
    ]


def _row(model: Model, name: str | None, now: int, users: int, *, cut: bool) -> dict[str, str]:
    reference = None if name is None else Reference.parse(name)
    said = model.contents.config
    return {
        "Repository": reference.familiar_repository if reference else _NONE,
        "Tag": (reference.tag or _NONE) if reference else _NONE,
        "Digest": model.id,
        "ID": model.short_id if cut else model.id,
        "Parameters": said.config.param_size,
        "Format": said.config.format,
        "Precision": said.config.precision,
        "Quantization": said.config.quantization,
        "Architecture": said.config.architecture,
        "Family": said.descriptor.family,
        "CreatedSince": units.since(model.created, now),
        "CreatedAt": units.local_time(model.created),
        "Size": units.decimal_size(model.size),
        "Containers": str(users),
        "Packaging": model.contents.format,
    }


def document(model: Model, users: Sequence[str], directory: str) -> Document:
    """What there is to say of a model of this root; sizes in bytes.

    Args:
        users: ids of the containers that use it.
        directory: with its files.
    """
    names = [Reference.parse(name) for name in model.names]
    return {
        "Id": model.id,
        "RepoTags": [name.familiar for name in names if name.tag],
        "RepoDigests": _digests(names, model.id),
        "Created": units.timestamp(model.created),
        "Size": model.size,
        "Path": directory,
        "Containers": list(users),
        **_said(model.manifest, model.media_type, model.contents),
    }


def remote_document(found: Found) -> Document:
    """The same of a model that is only in a registry, as far as that goes."""
    manifest, contents = found.document.data, found.contents
    sizes = {part.blob.digest: part.blob.size for part in contents.parts}
    return {
        "Id": found.document.digest,
        "Size": sum(sizes.values()) + len(found.config),
        **_said(manifest, found.document.media_type, contents),
    }


def _digests(names: Iterable[Reference], digest: str) -> list[str]:
    return sorted({f"{name.familiar_repository}@{digest}" for name in names})


def _said(manifest: bytes, media_type: str, contents: Contents) -> Document:
    parsed = readers.parse_manifest(manifest)
    return {
        "Packaging": contents.format,
        "MediaType": media_type,
        "ArtifactType": parsed.artifact_type,
        "Annotations": parsed.annotations,
        "Descriptor": msgspec.to_builtins(contents.config.descriptor),
        "Config": msgspec.to_builtins(contents.config.config),
        "Files": [
            {
                "Path": part.path or None,
                "Kind": part.kind,
                "Size": part.blob.size,
                "Digest": part.blob.digest,
                "MediaType": part.blob.media_type,
            }
            for part in contents.parts
        ],
    }


def select(models: Iterable[Model], name: str | None, filters: Collection[tuple[str, str]]
           ) -> list[Model]:  # fmt: skip
    """Models that fit all filters, with those of their names that fit.

    Args:
        name: ``REPOSITORY[:TAG]``; patterns have ``*`` and ``?``.
    """
    from dockyard.cli.filters import truth

    patterns = [value for key, value in filters if key == "reference"]
    dangling = {truth(key, value) for key, value in filters if key == "dangling"}
    found = []
    for model in models:
        if dangling and (not model.names) not in dangling:
            continue
        names = model.names
        if patterns:
            names = tuple(one for one in names if any(_named(one, each) for each in patterns))
        if name:
            names = tuple(one for one in names if _named(one, name))
        if names or not (patterns or name):
            found.append(msgspec.structs.replace(model, names=names))
    return found


def _named(name: str, pattern: str) -> bool:
    """Whether a pattern is that of the repository, or of the whole name."""
    import fnmatch

    reference = Reference.parse(name)
    forms = (reference.familiar_repository, reference.familiar)
    return any(fnmatch.fnmatchcase(form, pattern) for form in forms)
