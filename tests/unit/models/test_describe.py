"""What files say of a model; hostile headers say nothing, and take no time."""

from __future__ import annotations

import struct
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import weights

from dockyard.models.describe import describe, param_size
from dockyard.models.documents import Description, Technical
from dockyard.models.headers import gguf, safetensors


def said(files: Mapping[str, bytes]) -> tuple[Description, Technical]:
    return describe(sorted(files), lambda path, at, size: files[path][at : at + size])


def test_safetensors_say_parameters_and_precision() -> None:
    _, technical = said({
        "model-00001-of-00002.safetensors": weights.safetensors({"a": ("BF16", [1000, 2000])}),
        "model-00002-of-00002.safetensors": weights.safetensors(
            {"b": ("BF16", [500_000]), "ids": ("I64", [1, 512])}
        ),
        "consolidated.safetensors": weights.safetensors({"a": ("BF16", [2_500_000])}),
    })  # fmt: skip

    assert technical == Technical(format="safetensors", param_size="2.5M", precision="bfloat16")


def test_mixed_precisions_come_by_share() -> None:
    tensors = {"a": ("F8_E4M3", [900]), "b": ("F32", [100])}
    _, technical = said({"model.safetensors": weights.safetensors(tensors)})

    assert technical.precision == "float8_e4m3,float32"


def test_gguf_says_family_size_and_quantization() -> None:
    keys: dict[str, str | int] = {
        "general.architecture": "llama", "general.name": "Tiny", "general.size_label": "1.1B",
        "general.file_type": 15,
    }  # fmt: skip
    description, technical = said({"tiny.Q4_K_M.gguf": weights.gguf(keys)})

    assert (description.family, description.name) == ("llama", "Tiny")
    assert technical == Technical(format="gguf", param_size="1.1B", quantization="Q4_K_M")


def test_config_and_readme() -> None:
    description, technical = said({
        "config.json": b'{"model_type":"bert","architectures":["B"],"torch_dtype":"float32",'
                       b'"quantization_config":{"quant_method":"awq"},"dtype":null}',
        "README.md": b"---\ntags: [a]\nlicense: mit\n---\nlicense: gpl-3.0\n",
        "model.onnx": b"x",
    })  # fmt: skip

    assert description == Description(family="bert", licenses=("MIT",))
    assert technical == Technical(
        architecture="transformer", format="onnx", precision="float32", quantization="awq"
    )


@pytest.mark.parametrize(("count", "text"), [
    (0, ""), (49, ""), (100, "0.1K"), (1000, "1K"), (22_713_216, "22.7M"), (999_950, "1000K"),
    (7_000_000_000, "7B"), (6_738_415_616, "6.7B"), (1_000_000_000_000, "1T"),
])  # fmt: skip
def test_numbers_as_modelpack_writes_them(count: int, text: str) -> None:
    assert param_size(count) == text


@pytest.mark.parametrize("data", [
    b"", b"\0" * 8, struct.pack("<Q", 2**63), struct.pack("<Q", 100) + b"{",
    struct.pack("<Q", 2) + b"[]", struct.pack("<Q", 100_000) + b"[" * 100_000,
    weights.safetensors({"a": ("F32", [-1])}), weights.safetensors({"a": ("NEW", [1])}),
])  # fmt: skip
def test_what_is_no_safetensors_says_nothing(data: bytes) -> None:
    assert not safetensors.parameters(lambda at, size: data[at : at + size])


def test_absurd_shapes_are_bounded() -> None:
    data = weights.safetensors({"a": ("F32", [2**62] * 16)})

    assert safetensors.parameters(lambda at, size: data[at : at + size]) == {"float32": 10**18}


@pytest.mark.parametrize("data", [
    b"", b"GGUF", b"GGUF" + struct.pack("<IQQ", 9, 0, 1),
    b"GGUF" + struct.pack("<IQQ", 3, 0, 2**63),
    b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 2**63),
    b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"a" + struct.pack("<IIQ", 9, 9, 2**62),
    b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"a" + struct.pack("<IIQ", 9, 0, 2**62),
])  # fmt: skip
def test_what_is_no_gguf_says_nothing(data: bytes) -> None:
    assert not gguf.keys(data)


@given(st.binary(max_size=400))
def test_any_bytes_are_survived(data: bytes) -> None:
    gguf.keys(b"GGUF" + struct.pack("<IQQ", 3, 0, 50) + data)
    said({"model.safetensors": data, "config.json": data, "README.md": b"---\n" + data})
