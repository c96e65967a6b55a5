"""What the examples of serving make of requests, without their models."""

from __future__ import annotations

import base64
import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[3] / "examples"
TEXT = "It was Monday. Bees sleep. Bees make honey."


@pytest.fixture
def imported(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], ModuleType]]:
    """Imports a module of an example, which is no package of ours: only during a test."""
    before = set(sys.modules)

    def load(directory: str, name: str) -> ModuleType:
        monkeypatch.syspath_prepend(str(EXAMPLES / directory))
        return importlib.import_module(name)

    yield load
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.fixture
def protocol(imported: Callable[[str, str], ModuleType]) -> ModuleType:
    return imported("serve-multimodel/server", "app.protocol")


def tensor(**fields: Any) -> dict[str, Any]:
    usual = {"name": "text", "datatype": "BYTES", "shape": [1], "data": ["x"]}
    return {"inputs": [usual | fields]}


@pytest.mark.parametrize(
    ("version", "count", "summary"),
    [
        ("1", 1, "It was Monday."),
        ("2", 1, "Bees sleep."),
        ("1", 9, TEXT),
        ("2", 9, TEXT),
        ("2", 2, "Bees sleep. Bees make honey."),
    ],
)
def test_each_version_summarises_in_its_way(
    imported: Callable[[str, str], ModuleType], version: str, count: int, summary: str
) -> None:
    found = imported("serve-ab/app", "summary")
    assert found.summarise(version, TEXT, count) == summary
    assert found.summarise(version, "", count) == ""


def test_inputs_are_text_or_base64(protocol: ModuleType) -> None:
    data = base64.b64encode(b"\x00\xff").decode()
    coded = tensor(data=[data], parameters={"content_type": "base64"})
    assert protocol.items_of(tensor(data=["a", "é"], shape=[2]), "text") == [b"a", "é".encode()]
    assert protocol.items_of(coded, "text") == [b"\x00\xff"]
    assert protocol.texts_of({"input": "a"}) == protocol.texts_of({"input": ["a"]}) == [b"a"]


@pytest.mark.parametrize(
    "fields",
    [
        {}, {"inputs": None}, {"inputs": [1]}, {"inputs": []},
        tensor(name="other"), tensor(datatype="FP32"), tensor(data=[]), tensor(data=[""]),
        tensor(data=[1]), tensor(shape=[2]), tensor(data=["x"] * 65, shape=[65]),
        tensor(data=["?"], parameters={"content_type": "base64"}), tensor(data=["\ud800"]),
        {"inputs": [*tensor()["inputs"], *tensor(name="more")["inputs"]]},
    ],
)  # fmt: skip
def test_inputs_that_make_no_sense_are_refused(
    protocol: ModuleType, fields: dict[str, Any]
) -> None:
    with pytest.raises(protocol.BadRequest):
        protocol.items_of(fields, "text")


@pytest.mark.parametrize("body", [b"", b"x", b"[]", b"[" * 100_000])
def test_bodies_that_are_no_objects_are_refused(protocol: ModuleType, body: bytes) -> None:
    with pytest.raises(protocol.BadRequest):
        protocol.decode(body)
