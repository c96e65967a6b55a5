from __future__ import annotations

import os

import pytest

from dockyard.build.named import Local, NamedContexts, NamedImage, context
from dockyard.build.remote.address import Git, Web
from dockyard.errors import InvalidInput, NotSupported


def test_what_values_mean() -> None:
    assert context("lib") == Local(os.path.abspath("lib"))
    assert context("docker-image://alpine:3") == NamedImage("alpine:3")
    assert context("https://example.com/x.tgz") == Web(url="https://example.com/x.tgz",
                                                       name="x.tgz")  # fmt: skip
    assert context("https://example.com/r.git") == Git(remote="https://example.com/r.git")
    with pytest.raises(InvalidInput, match="unsupported address"):
        context("file:///x")
    with pytest.raises(NotSupported, match="OCI layout"):
        context("oci-layout:///l:v1")


def test_names_are_those_of_images_and_of_stages_in_any_case() -> None:
    contexts = NamedContexts({"alpine": Local("/a"), "Stage": Local("/s")})

    assert contexts.find("docker.io/library/alpine:latest") == Local("/a")
    assert contexts.find("alpine:3") is None
    assert contexts.find("STAGE") == Local("/s")
    assert contexts.find("other") is None
