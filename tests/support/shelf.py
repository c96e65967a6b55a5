"""The records and files of a registry without a server: what is pushed to it, word by word."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path

from dockyard.registry.server import documents
from dockyard.registry.server.blobs import Blobs
from dockyard.registry.server.collect import Collected, Collector
from dockyard.registry.server.content import Content
from dockyard.registry.server.manifests import Manifests
from dockyard.registry.server.rules import Rules
from dockyard.registry.server.service import open_database

HOUR = 3600
LATER = 30 * 24 * HOUR


class Shelf:
    """A registry without a server."""

    def __init__(self, root: Path) -> None:
        self.content = Content(str(root))
        self.content.prepare()
        self.database = open_database(str(root))
        self.blobs = Blobs(self.database, self.content)
        self.manifests = Manifests(self.database)

    @staticmethod
    def digest(data: bytes) -> str:
        return f"sha256:{hashlib.sha256(data).hexdigest()}"

    def blob(self, repository: str, data: bytes) -> str:
        digest = self.digest(data)
        upload = self.blobs.start(repository, "x")
        assert upload is not None
        Path(self.content.upload(upload.id)).write_bytes(data)
        self.blobs.finish(upload, digest, len(data))
        return digest

    def manifest(self, repository: str, tag: str, *layers: str, subject: str = "") -> str:
        config = {"mediaType": "x/y", "digest": self.blob(repository, b"{}"), "size": 2}
        document: dict[str, object] = {
            "schemaVersion": 2, "config": config, "tag": tag,
            "layers": [{"digest": one, "size": 1} for one in layers],
        }  # fmt: skip
        if subject:
            document["subject"] = {"digest": subject, "size": 1}
        return self._put(repository, tag, json.dumps(document).encode())

    def index(self, repository: str, tag: str, *children: str) -> str:
        document = {"schemaVersion": 2,
                    "manifests": [{"digest": one, "size": 1} for one in children]}  # fmt: skip
        return self._put(repository, tag, json.dumps(document).encode())

    def _put(self, repository: str, tag: str, data: bytes) -> str:
        digest = self.digest(data)
        self.manifests.put(repository, documents.parse(data, "", digest), digest, data, tag)
        return digest

    def collect(
        self, after: int = LATER, dry_run: bool = False, grace: int | None = None
    ) -> Collected:
        def clock() -> float:
            return time.time() + after

        return Collector(self.database, self.content, Rules(), dry_run=dry_run, grace=grace,
                         clock=clock).run()  # fmt: skip

    def files(self) -> int:
        return sum(1 for _ in self.content.stored())
