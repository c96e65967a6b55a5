"""Tags that may not move, whoever pushes at the same time; and what bytes are served as."""

from __future__ import annotations

import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.support.shelf import Shelf

from dockyard.oci.image import MANIFEST
from dockyard.registry.server import documents
from dockyard.registry.server.problems import Refused

DOCKER = "application/vnd.docker.distribution.manifest.v2+json"


def fixed(tag: str) -> bool:
    return tag.startswith("v")


def image(shelf: Shelf, name: str, media_type: str = MANIFEST) -> tuple[documents.Parsed, bytes]:
    config = {"mediaType": "x/y", "digest": shelf.blob("a", b"{}"), "size": 2}
    document = {"schemaVersion": 2, "config": config, "layers": [], "tag": name}
    data = json.dumps(document).encode()
    return documents.parse(data, media_type, shelf.digest(data)), data


def test_of_many_pushes_at_once_one_gets_a_tag_that_may_not_move(shelf: Shelf) -> None:
    pushes = [image(shelf, str(number)) for number in range(8)]
    together = threading.Barrier(len(pushes))

    def push(one: tuple[documents.Parsed, bytes]) -> str:
        parsed, data = one
        together.wait()
        try:
            shelf.manifests.put("a", parsed, shelf.digest(data), data, "v1", fixed=fixed)
        except Refused as error:
            return str(error.status)
        return shelf.digest(data)

    with ThreadPoolExecutor(len(pushes)) as crowd:
        done = list(crowd.map(push, pushes))

    (winner,) = [one for one in done if one != "409"]
    found = shelf.manifests.find("a", "v1")
    assert found is not None
    assert found.digest == winner


def test_who_is_refused_leaves_nothing(shelf: Shelf) -> None:
    first, second = shelf.manifest("a", "v1"), image(shelf, "other")

    with pytest.raises(
        Refused, match=f"^tag v1 of a is immutable and names another manifest: {first}"
    ):
        shelf.manifests.put("a", second[0], shelf.digest(second[1]), second[1], "v1", fixed=fixed)
    assert shelf.manifests.find("a", shelf.digest(second[1])) is None


def test_what_a_tag_that_may_not_move_needs_is_not_removed(shelf: Shelf) -> None:
    child = shelf.manifest("a", "child")
    inner = shelf.index("a", "inner", child)
    outer = shelf.index("a", "v1", inner)
    signature = shelf.manifest("a", "signature", subject=outer)

    for needed in (child, inner, outer):
        with pytest.raises(Refused, match="tag v1 of a is immutable"):
            shelf.manifests.remove("a", needed, fixed)
    with pytest.raises(Refused, match="tag v1 of a is immutable"):
        shelf.manifests.untag("a", "v1", fixed)
    assert shelf.manifests.remove("a", signature, fixed)
    assert not shelf.manifests.untag("a", "v2", fixed), "there is none"
    assert shelf.manifests.remove("a", outer), "where nothing is laid down"
    assert shelf.manifests.remove("a", child, fixed)


@pytest.mark.parametrize("whole", [True, False])
def test_what_is_there_keeps_its_media_type(shelf: Shelf, whole: bool) -> None:
    parsed, data = image(shelf, "x")
    digest = shelf.digest(data)
    shelf.manifests.put("a", parsed, digest, data, "v1", fixed=fixed)
    again, _ = image(shelf, "x", DOCKER)
    assert again.media_type == DOCKER

    if whole:
        with pytest.raises(Refused, match=re.escape(f"it is here already, as {MANIFEST}")):
            shelf.manifests.put("a", again, digest, data, fixed=fixed)
    else:
        shelf.manifests.put("a", again, digest, data, whole=False)

    found = shelf.manifests.find("a", "v1")
    assert found is not None
    assert found.media_type == MANIFEST
