"""What ``image inspect --remote`` says of an image in a registry. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dockyard.cli.documents import config_document
from dockyard.cli.units import NEVER
from dockyard.oci.reference import Reference

if TYPE_CHECKING:
    from dockyard.registry.manifests import Found


def remote_document(reference: Reference, found: Found) -> dict[str, Any]:
    """The fields of ``image inspect``, and what only a registry knows: the sizes of what is sent.

    ``Size`` is that of the layers as they are sent, since nobody has unpacked them.
    """
    config = found.config
    own = found.documents[-1]
    size = sum({layer.digest: layer.size for layer, _ in found.layers}.values())
    name = f"{reference.familiar_repository}@{found.digest}"
    return {
        "Id": found.id,
        "RepoTags": [reference.familiar] if reference.tag and not reference.digest else [],
        "RepoDigests": [name],
        **config_document(config, size),
        "Manifest": {
            "MediaType": own.media_type, "Digest": own.digest, "Size": len(own.data),
            "Annotations": found.manifest.annotations,
        },
        "Layers": [
            {
                "MediaType": layer.media_type, "Digest": layer.digest, "Size": layer.size,
                "DiffID": diff_id,
            }
            for layer, diff_id in found.layers
        ],
        "History": [
            {
                "Created": line.created or NEVER, "CreatedBy": line.created_by,
                "Comment": line.comment, "EmptyLayer": line.empty_layer,
            }
            for line in config.history
        ],
    }  # fmt: skip
