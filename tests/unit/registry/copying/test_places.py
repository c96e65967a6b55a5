"""Where copy copies from and to."""

from __future__ import annotations

import pytest

from dockyard.errors import DockyardError, InvalidInput, NotSupported
from dockyard.oci.reference import Reference
from dockyard.registry.copying.places import Place


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("python", Place("registry", Reference.parse("docker.io/library/python:latest"))),
        ("docker://python:3", Place("registry", Reference.parse("docker.io/library/python:3"))),
        ("localhost:5000/a", Place("registry", Reference.parse("localhost:5000/a:latest"))),
        ("oci:/tmp/a", Place("oci", path="/tmp/a")),
        ("oci:a/b:tag", Place("oci", path="a/b", name="tag")),
        ("oci-archive:a.tar:1.2", Place("oci-archive", path="a.tar", name="1.2")),
        ("docker-archive:-", Place("docker-archive", path="-")),
        ("docker-archive:a:me/app:2",
         Place("docker-archive", path="a", name="docker.io/me/app:2")),
    ],
)  # fmt: skip
def test_places(text: str, place: Place) -> None:
    assert Place.parse(text) == place


@pytest.mark.parametrize(
    ("text", "kind"),
    [("oci:", InvalidInput), ("docker-daemon:a", NotSupported), ("dir:/tmp", NotSupported),
     ("a/UPPER", InvalidInput), ("docker://", InvalidInput)],
)  # fmt: skip
def test_what_is_no_place(text: str, kind: type[DockyardError]) -> None:
    with pytest.raises(kind) as caught:
        Place.parse(text)
    assert caught.value.hint
