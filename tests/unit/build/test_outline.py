"""What a Dockerfile says of itself; the texts are what Docker 28.5 prints for the same files."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from dockyard.build.dockerfile.parser import parse
from dockyard.build.names import Settings
from dockyard.build.outline import Outline, outline, targets
from dockyard.cli import outline_view as view
from dockyard.errors import InvalidInput

DOCKERFILE = """\
# syntax=docker/dockerfile:1
# VERSION is which one
ARG VERSION=3.11
ARG UNUSED=1

# base is the ground of all.
FROM python:${VERSION} AS base
# FOO is a thing
ARG FOO=bar
ARG EMPTY
RUN --mount=type=secret,id=tok,required=true true
RUN --mount=type=ssh true

FROM elsewhere
# not described
ARG inner=1

# bad the thing
FROM base AS bad

# final makes everything
# and more
FROM base AS final
ARG VERSION
ARG TARGETPLATFORM
# LATE is late
ARG LATE=${FOO}x$IN_IMAGE
RUN --mount=type=secret,target=/x/two --mount=type=ssh,id=deploy,required=true true
COPY --from=base / /
"""
FINAL = """\
TARGET:      final
DESCRIPTION: makes everything

BUILD ARG   VALUE   DESCRIPTION
VERSION     3.11    is which one
FOO         bar     is a thing
EMPTY               |
LATE        barx!   is late

SECRET   REQUIRED
tok      true
two      |

SSH       REQUIRED
default   |
deploy    true

""".replace("|", "")
TARGETS = """\
TARGET          DESCRIPTION
base            is the ground of all.
                |
bad             the thing
final (default) makes everything
""".replace("|", "")


def described(text: str = DOCKERFILE, target: str | None = None, **given: str) -> Outline:
    def environment(image: str) -> Mapping[str, str]:
        assert image in {"python:3.11", "python:4", "scratch"}
        return {"IN_IMAGE": "!"}

    settings = Settings(architecture="amd64", build_args=given, target=target)
    return outline(parse(text), settings, environment)


def test_an_outline_has_what_the_target_and_its_stages_take() -> None:
    assert view.outline_text(described()) == FINAL
    base = described(target="base")
    assert [each.name for each in base.arguments] == ["VERSION", "FOO", "EMPTY"]
    assert [each.name for each in base.secrets] == ["tok"]


def test_values_of_the_command_line_come_first() -> None:
    found = {each.name: each.value for each in described(FOO="given", VERSION="4").arguments}
    assert found == {"VERSION": "4", "FOO": "given", "EMPTY": None, "LATE": "givenx!"}


def test_documents() -> None:
    document = json.loads(view.outline_document(described(), "text"))
    assert document["args"][2] == {
        "name": "EMPTY", "location": {"ranges": [{"start": {"line": 10}, "end": {"line": 10}}]},
    }  # fmt: skip
    assert document["secrets"][0]["required"] is True
    assert document["sources"] == ["dGV4dA=="]
    assert json.loads(view.outline_document(described("FROM scratch\n"), "")) == {"sources": [""]}
    listed = json.loads(view.targets_document(targets(parse(DOCKERFILE)), ""))["targets"]
    assert [(each.get("name"), each["base"]) for each in listed] == [
        ("base", "python:${VERSION}"), (None, "elsewhere"), ("bad", "base"), ("final", "base"),
    ]  # fmt: skip
    assert [each.get("default") for each in listed] == [None, None, None, True]


def test_targets_and_files_that_say_nothing() -> None:
    assert view.targets_text(targets(parse(DOCKERFILE))) == TARGETS
    assert view.targets_text(targets(parse("FROM a\n"))) == "TARGET    DESCRIPTION\n(default) \n"
    assert view.outline_text(described("FROM scratch\n")) == ""
    with pytest.raises(InvalidInput, match="could not be found"):
        described(target="nope")
