from __future__ import annotations

from typing import Any

import pytest

from dockyard.compose.load.documents import documents
from dockyard.compose.load.interpolate import interpolated
from dockyard.errors import InvalidInput


def tree(text: str, warnings: list[str] | None = None, **variables: str) -> dict[str, Any]:
    (document,) = documents(text.encode(), "f.yaml")
    told: list[str] = [] if warnings is None else warnings
    return interpolated(document.tree, document.places, variables.get, told.append)


def test_values_have_their_variables_and_keys_stay() -> None:
    text = "services: {'${A}': {image: '${A}:1', command: [$A, 3, true], environment: {$A: $A}}}"
    assert tree(text, A="x") == {
        "services": {
            "${A}": {"image": "x:1", "command": ["x", 3, True], "environment": {"$A": "x"}}
        }
    }


def test_texts_become_what_their_place_asks_for() -> None:
    service = {
        "init": "yes", "cpus": "${C}", "cpu_count": "2", "tty": "OFF", "ports": [{"target": "80"}],
        "ulimits": {"nofile": "10", "nproc": {"soft": "1", "hard": "2"}},
        "deploy": {"replicas": "${R:-3}"}, "volumes": [{"read_only": "true"}], "image": "1",
    }  # fmt: skip
    found = tree(
        str({"services": {"a": service}, "networks": {"n": {"external": "true"}}}), C="0.5"
    )
    assert found["services"]["a"] == {
        "init": True, "cpus": 0.5, "cpu_count": 2, "tty": False, "ports": [{"target": 80}],
        "ulimits": {"nofile": 10, "nproc": {"soft": 1, "hard": 2}},
        "deploy": {"replicas": 3}, "volumes": [{"read_only": True}], "image": "1",
    }  # fmt: skip
    assert found["networks"] == {"n": {"external": True}}


def test_truth_values_of_old_yaml_are_told_of() -> None:
    warnings: list[str] = []
    tree("services: {a: {init: 'yes', tty: 'true'}}", warnings)
    assert warnings == ['"yes" for boolean is not supported by YAML 1.2, please use `true`']


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("image: '${}'", "services.a.image: invalid interpolation format: ${}"),
        (
            "image: '${A:?set it}'",
            "services.a.image: required variable A is missing a value: set it",
        ),
        ("command: [x, '${A?}']", "services.a.command[1]: required variable A is missing a value"),
        ("init: maybe", "services.a.init: 'maybe' is neither true nor false"),
        ("tty: ''", "services.a.tty: '' is neither true nor false"),
        ("cpu_count: '1.5'", "services.a.cpu_count: '1.5' is not a whole number"),
        ("cpus: 'x'", "services.a.cpus: 'x' is not a number"),
    ],
)
def test_what_is_wrong_is_told_with_place_and_path(value: str, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        tree(f"services:\n  a:\n    {value}")
    assert caught.value.message.startswith("f.yaml:3:")
    assert caught.value.message.endswith(words)


def test_values_are_put_in_only_as_far_as_anybody_means_it() -> None:
    texts = ", ".join(["'$A'"] * 65)
    with pytest.raises(InvalidInput, match=r"services.a.command\[\d+\]: variables with more"):
        tree(f"services: {{a: {{command: [{texts}]}}}}", A="x" * (1 << 20))
