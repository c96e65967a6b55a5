from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dockyard.compose.load.documents import documents
from dockyard.compose.load.nodes import MAX_DEPTH
from dockyard.compose.load.place import Path
from dockyard.errors import InvalidInput


def tree(text: str) -> dict[str, object]:
    (document,) = documents(text.encode(), "f.yaml")
    return document.tree


def refusal(text: str) -> str:
    with pytest.raises(InvalidInput) as caught:
        documents(text.encode(), "f.yaml")
    return caught.value.message


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"), ("on", "on"), ("True", True), ("~", None), ("null", None), ("", None),
        ("010", 8), ("0o10", 8), ("0x1F", 31), ("0b11", 3), ("-0b11", -3), ("-0x10", -16),
        ("+5", 5), ("1_000", 1000), ("08", 8.0), ("0o8", "0o8"), ("1e3", 1000.0), (".5", 0.5),
        ("1.", 1.0), ("1_000.5", 1000.5), ("12:30:00", "12:30:00"),
        ("-.inf", float("-inf")), ("+", "+"), ("_1", "_1"),
        ("18446744073709551615", 2**64 - 1), ("99999999999999999999", 1e20), ("1e400", "1e400"),
        ("0x1.8p1", "0x1.8p1"), ("'01'", "01"), ('"true"', "true"),
        ("!!str 12", "12"), ('!!int "3"', 3), ("!!float 3", 3.0), ("!own 12", "12"),
        ("! 12", 12), ('!!binary "YWJj"', "abc"),
        ("2024-1-2", datetime(2024, 1, 2, tzinfo=UTC)),
        ("2024-01-02 10:00:00.25", datetime(2024, 1, 2, 10, 0, 0, 250000, UTC)),
        ("2024-13-02", "2024-13-02"), ("2024-01-02 10:00:00 +02:00", "2024-01-02 10:00:00 +02:00"),
    ],
)  # fmt: skip
def test_scalars_mean_what_they_mean_to_compose(text: str, value: object) -> None:
    found = tree(f"a: {text}")["a"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("text", ["!!int abc", "!!int 1.5", "!!bool yes", "!!null x"])
def test_a_scalar_that_isnt_what_its_tag_says_is_refused(text: str) -> None:
    assert refusal(f"a:\n  b: {text}").startswith("f.yaml:2:6: ")


def test_values_know_where_they_come_from() -> None:
    text = "services:\n  api: &api\n    ports:\n      - 80\n      - 443\n  two: *api\n"
    (document,) = documents(text.encode(), "f.yaml")
    places: dict[Path, str] = {
        ("services",): "f.yaml:1:1",
        ("services", "api", "ports"): "f.yaml:3:5",
        ("services", "api", "ports", 1): "f.yaml:5:9",
        ("services", "two"): "f.yaml:6:3",
        ("services", "two", "ports", 0): "f.yaml:4:9",
    }
    assert {path: str(document.places.find(path)) for path in places} == places


def test_merged_mappings_yield_to_own_keys_and_to_those_before() -> None:
    text = """
        a: &a {x: 1, y: 1}
        b: &b {x: 2, z: 2}
        c: {<<: [*a, *b], y: 3}
        d: {<<: *b, x: 4, "<<": text}
    """
    with pytest.raises(InvalidInput):
        tree(text)
    found = tree(text.replace(', "<<": text', ""))
    assert found["c"] == {"x": 1, "y": 3, "z": 2}
    assert found["d"] == {"x": 4, "z": 2}
    assert tree('a: {"<<": {b: 1}}') == {"a": {"<<": {"b": 1}}}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a:\n  b: 1\n  b: 2", "f.yaml:3:3: a: the key 'b' is already in line 2"),
        ("a: {1: x}", "f.yaml:1:5: a: the key 1 is not text"),
        ("true: x", "f.yaml:1:1: the key true is not text"),
        ("a: {[b]: x}", "f.yaml:1:5: a: the key that is a sequence is not text"),
        ("a: *b", "f.yaml:1:4: unknown anchor 'b'"),
        ("a: &b\n  - *b", "f.yaml:2:5: the value of anchor 'b' contains itself"),
        ("a: {<<: 3}", "f.yaml:1:9: << takes a mapping, or several in a list"),
        ("- a", "f.yaml:1:1: the top level must be a mapping"),
        ("---\n", "f.yaml:2:1: the top level must be a mapping"),
        ("a:\n\tb: 1", "f.yaml:2:1: not YAML: while scanning for the next token, "),
        ("a: b: c", "f.yaml:1:5: not YAML: mapping values are not allowed in this context"),
        ("a: [b\nc: d", "f.yaml:2:2: not YAML: while parsing a flow sequence, "),
        ('a: "\x01"', "f.yaml:1:5: not YAML: control characters are not allowed"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, words: str) -> None:
    assert refusal(text).startswith(words)


def test_a_file_holds_no_document_or_several() -> None:
    assert documents(b"", "f.yaml") == []
    assert documents(b"# nothing\n", "f.yaml") == []
    several = documents(b"\xef\xbb\xbfa: &x 1\n---\nb: 2\n...\n", "f.yaml")
    assert [each.tree for each in several] == [{"a": 1}, {"b": 2}]
    assert str(several[1].places.find(("b",))) == "f.yaml:3:1"
    assert "unknown anchor" in refusal("a: &x 1\n---\nb: *x\n")


def test_resets_and_overrides_are_noted_by_path() -> None:
    text = """
        services:
          a: {ports: !reset [80], image: !override b, env: !override {x: !reset y}}
          b: {<<: {labels: !override [c]}, list: [!reset 1, 2]}
    """
    (document,) = documents(text.encode(), "f.yaml")
    services = document.tree["services"]
    assert services["a"] == {"image": "b", "env": {"x": "y"}}
    assert services["b"] == {"labels": ["c"], "list": [2]}
    assert {path for path in document.resets if all(isinstance(step, str) for step in path)} == {
        ("services", "a", "ports"),
        ("services", "a", "image"),
        ("services", "a", "env"),
        ("services", "b", "labels"),
    }


def test_what_an_anchor_resets_is_noted_where_the_anchor_is() -> None:
    """Docker Compose has it so: an alias resets nothing, but overrides."""
    text = "x: &x {a: !reset 1, b: !override 2}\ns: {<<: *x}\n"
    (document,) = documents(text.encode(), "f.yaml")
    assert set(document.resets) == {("x", "a"), ("x", "b"), ("s", "b")}


def test_aliases_that_multiply_are_refused_before_they_fill_the_memory() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert "counting what aliases stand for" in refusal("\n".join(lines))
    long = f"a: &a {'x' * 100_000}\nb: [{', '.join(['*a'] * 1000)}]\n"
    assert "more than 64 Mi characters" in refusal(long)


def test_endless_nesting_is_refused() -> None:
    assert "levels in each other" in refusal(f"a: {'[' * 500}")
    assert "not YAML" in refusal(f"a: {'[' * 100_000}")
    assert tree(f"a: {'[' * (MAX_DEPTH - 1)}{']' * (MAX_DEPTH - 1)}")
