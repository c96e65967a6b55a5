"""Projects as ``config`` prints them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.compose.load.decode import decoded
from dockyard.compose.load.documents import documents
from dockyard.compose.load.place import Places
from dockyard.compose.load.printed import printed
from dockyard.compose.load.render import as_json, as_yaml, raw, service_hash, written
from dockyard.compose.load.yaml_text import sorted_names, yaml_text
from dockyard.errors import InvalidInput


def tree(**service: object) -> dict[str, Any]:
    secrets = {"key": {"file": "/k", "x-#value": "hidden"}}
    given = {"name": "shop", "services": {"web": {"image": "x", **service}}, "secrets": secrets}
    return decoded({**given, "x-own": {"b": [], "a": 1.0}}, Places())


def test_json_has_dockers_order_and_doubles_dollars() -> None:
    text = as_json(tree(command="echo $X '<b>'", labels={"b": "1", "a": "2"}))

    assert text == (
        '{\n  "name": "shop",\n  "secrets": {\n    "key": {\n      "file": "/k"\n    }\n  },\n'
        '  "services": {\n    "web": {\n      "command": [\n        "echo",\n        "$$X",\n'
        '        "\\u003cb\\u003e"\n      ],\n      "entrypoint": null,\n      "image": "x",\n'
        '      "labels": {\n        "a": "2",\n        "b": "1"\n      }\n    }\n  },\n'
        '  "x-own": {\n    "a": 1,\n    "b": null\n  }\n}'
    )


def test_yaml_has_dockers_order_and_leaves_out_what_is_empty() -> None:
    text = as_yaml(tree(ulimits={"nofile": 0}, deploy={}, labels={"a10": "yes", "a9": "1\n2"}))

    assert text == (
        "name: shop\nservices:\n  web:\n    deploy: {}\n    image: x\n    labels:\n      a9: |-\n"
        '        1\n        2\n      a10: "yes"\n    ulimits:\n      nofile:\n        soft: 0\n'
        "        hard: 0\nsecrets:\n  key:\n    file: /k\nx-own:\n  a: 1\n  b: []\n"
    )


def test_secrets_are_never_printed() -> None:
    shown = tree()

    assert shown["secrets"]["key"]["content"] == "hidden"
    assert "hidden" not in as_json(shown) + as_yaml(shown)


def test_files_whose_variables_are_printed_are_not() -> None:
    shown = tree(env_file=[{"path": "/e"}], label_file=["/l"])

    assert shown["services"]["web"]["env_file"] == ["/e"]
    assert "_file" not in as_json(shown) + as_yaml(shown)


def test_the_hash_is_about_what_containers_are_made_of() -> None:
    service = tree(command="a")["services"]["web"]

    assert service_hash({**service, "scale": 3, "profiles": ["x"]}) == service_hash(service)
    assert service_hash({**service, "command": ["b"]}) != service_hash(service)


@pytest.mark.parametrize(
    "text", ["", "~", "null", "yes", "On", "1", "1e3", ".5", "1:30", "0x1", "2001-01-01", "=", "<<"]
)
def test_texts_stay_texts_in_yaml(text: str) -> None:
    assert read(yaml_text({"a": text, "b": [text], text: 1})) == {"a": text, "b": [text], text: 1}


def read(text: str) -> dict[str, Any]:
    return documents(text.encode(), "compose.yaml")[0].tree


SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.text())
TREES = st.recursive(
    SCALARS, lambda below: st.lists(below) | st.dictionaries(st.text(max_size=40), below)
)


@given(st.dictionaries(st.text(max_size=40), TREES))
def test_yaml_reads_back_as_it_was(value: dict[str, Any]) -> None:
    assert read(yaml_text(value)) == value


@given(st.dictionaries(st.text(), TREES))
def test_json_reads_back_as_it_was(value: dict[str, Any]) -> None:
    assert json.loads(raw(value, as_json=True)) == value


@given(st.lists(st.text("ab019.-"), unique=True))
def test_names_have_one_order(names: list[str]) -> None:
    mapping = dict.fromkeys(names)

    assert list(sorted_names(mapping)) == list(sorted_names(dict.fromkeys(reversed(names))))


def test_points_in_time_and_numbers_without_end_stay_what_they_are() -> None:
    text = b"x: [2024-01-02, 2024-01-02T10:00:00.25+02:00]\nz: [.inf, -.inf, .nan]"
    (document,) = documents(text, "f.yaml")
    first, second = "2024-01-02T00:00:00Z", "2024-01-02T10:00:00.25+02:00"

    assert yaml_text(document.tree) == (
        f"x:\n  - {first}\n  - {second}\nz:\n  - .inf\n  - -.inf\n  - .nan\n"
    )
    assert json.loads(written({"x": document.tree["x"]})) == {"x": [first, second]}
    with pytest.raises(InvalidInput, match=r"JSON has no number such as \+Inf"):
        written(document.tree["z"])
    assert [printed(value) for value in document.tree["x"]] == [
        "2024-01-02 00:00:00 +0000 UTC",
        "2024-01-02 10:00:00.25 +0200 +0200",
    ]
