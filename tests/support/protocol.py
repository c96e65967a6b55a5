"""Talking to a registry word by word: requests as they are, and what they are answered."""

from __future__ import annotations

import hashlib
import http.client
import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from dockyard.oci.image import CONFIG, LAYER_TAR, MANIFEST

EMPTY = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
"""Of ``{}``."""


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def codes(self) -> list[str]:
        """The specification's codes of the errors."""
        return [error["code"] for error in json.loads(self.body)["errors"]]

    def json(self) -> Any:
        return json.loads(self.body)


class Talk:
    """One client of a registry."""

    def __init__(self, host: str, headers: Mapping[str, str] | None = None) -> None:
        self.host = host
        self.headers = dict(headers or {})

    def ask(
        self, method: str, path: str, body: bytes | Iterable[bytes] | None = None,
        timeout: float = 60, **headers: str,
    ) -> Answer:  # fmt: skip
        """One request on a connection of its own; underscores in names of headers are dashes."""
        connection = http.client.HTTPConnection(self.host, timeout=timeout)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, path, body=body, headers=self.headers | named)
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, found, answer.read())
        finally:
            connection.close()

    def start(self, name: str) -> str:
        """Begins an upload; where it goes."""
        answer = self.ask("POST", f"/v2/{name}/blobs/uploads/")
        assert answer.status == 202, answer
        return answer.headers["location"]

    def push_blob(self, name: str, content: bytes, algorithm: str = "sha256") -> str:
        """Sends a blob at once; its digest."""
        digest = f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"
        answer = self.ask("PUT", f"{self.start(name)}?digest={digest}", content)
        assert answer.status == 201, answer
        return digest

    def push_manifest(
        self, name: str, reference: str, document: object, media_type: str = MANIFEST
    ) -> str:
        """Sends a manifest; its digest."""
        data = document if isinstance(document, bytes) else json.dumps(document).encode()
        answer = self.ask("PUT", f"/v2/{name}/manifests/{reference}", data, Content_Type=media_type)
        assert answer.status == 201, answer
        return answer.headers["docker-content-digest"]

    def push_image(self, name: str, reference: str, *layers: bytes, **more: object) -> str:
        """Sends an image with these layers; the digest of its manifest."""
        return self.push_manifest(name, reference, self.image(name, *layers, **more))

    def image(self, name: str, *layers: bytes, **more: object) -> dict[str, object]:
        """Sends content; the manifest that goes with it."""
        self.push_blob(name, b"{}")
        sent = [(self.push_blob(name, layer), len(layer)) for layer in layers]
        return manifest(*sent, **more)


def manifest(*layers: tuple[str, int], **more: object) -> dict[str, object]:
    """An image manifest whose configuration is ``{}``."""
    return {
        "schemaVersion": 2, "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, "digest": EMPTY, "size": 2},
        "layers": [{"mediaType": LAYER_TAR, "digest": digest, "size": size}
                   for digest, size in layers],
        **more,
    }  # fmt: skip


def digest_of(content: bytes) -> str:
    """The usual digest."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
