from __future__ import annotations

import pytest

from dockyard.models.kinds import format_of, kind_of


@pytest.mark.parametrize(("path", "kind"), [
    ("model.safetensors", "weight"), ("pytorch_model-00001-of-00002.bin", "weight"),
    ("onnx/model.onnx", "weight"), ("x.Q4.GGUF", "weight"), ("config.json", "weight.config"),
    ("tokenizer.json", "weight.config"), ("tokenizer.model", "weight.config"),
    ("vocab.txt", "weight.config"), ("chat_template.jinja", "weight.config"),
    ("model.safetensors.index.json", "weight.config"), ("something", "weight.config"),
    ("README.md", "doc"), ("LICENSE", "doc"), ("images/a.png", "doc"),
    ("modeling_x.py", "code"), ("requirements.txt", "code"), ("train.parquet", "dataset"),
    ("data/a", "dataset"), ("data/script.py", "code"),
])  # fmt: skip
def test_what_a_file_is(path: str, kind: str) -> None:
    assert kind_of(path) == kind


def test_the_format_of_weights() -> None:
    assert format_of(["config.json", "model.onnx", "model.safetensors"]) == "safetensors"
    assert format_of(["a.GGUF"]) == "gguf"
    assert format_of(["config.json"]) == ""
