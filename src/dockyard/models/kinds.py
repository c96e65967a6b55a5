"""What a file of a model is, by its name. Pure.

The words are ModelPack's. What is known neither as weights nor as text goes with the
configuration: a server that leaves out documents and data must not miss it.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable

from dockyard.models.model import Kind

_WEIGHTS = (
    "*.safetensors", "*.gguf", "*.ggml", "*.bin", "*.pt", "*.pth", "*.onnx", "*.onnx_data",
    "*.onnx.data", "*.h5", "*.keras", "*.pb", "*.tflite", "*.ckpt", "*.msgpack", "*.npz", "*.npy",
    "*.mlmodel", "*.mlpackage", "*.engine", "*.plan", "*.pdparams", "*.pdmodel", "*.pkl",
    "*.joblib", "*.ubj", "*.llamafile", "*.nemo", "*.ot", "*.dduf", "*.xgb", "*.ftz",
    "*.caffemodel", "*.params", "*.weights", "*.data-00*-of-*",
)  # fmt: skip
_CODE = (
    "*.py", "*.pyi", "*.sh", "*.ipynb", "*.c", "*.cc", "*.cpp", "*.cu", "*.cuh", "*.h", "*.hpp",
    "*.rs", "*.go", "*.java", "*.js", "*.ts", "*.lua", "requirements*.txt", "pyproject.toml",
    "dockerfile", "makefile", "*.mk",
)  # fmt: skip
_DOCUMENTS = (
    "readme*", "license*", "licence*", "notice*", "copying*", "authors*", "changelog*",
    "usage_policy*", "use_policy*", "*.md", "*.rst", "*.pdf", "*.png", "*.jpg", "*.jpeg", "*.gif",
    "*.svg", "*.webp", "*.html",
)  # fmt: skip
_DATA = ("*.parquet", "*.arrow", "*.csv", "*.tsv", "*.jsonl", "*.tfrecord", "*.wav", "*.flac")
_DATA_DIRECTORIES = frozenset({"data", "dataset", "datasets"})
_CONFIGURATION = ("tokenizer*", "vocab*", "merges.txt", "*.tiktoken", "*.spm", "*.model")
"""What would be taken for something else by its ending."""

_RULES: tuple[tuple[Kind, tuple[str, ...]], ...] = (
    ("weight.config", _CONFIGURATION),
    ("weight", _WEIGHTS),
    ("doc", _DOCUMENTS),
    ("code", _CODE),
    ("dataset", _DATA),
)
_FORMATS = (
    ("safetensors", "*.safetensors"), ("gguf", "*.gguf"), ("onnx", "*.onnx"), ("pt", "*.pt"),
    ("pt", "*.pth"), ("pt", "*.bin"), ("keras", "*.keras"), ("h5", "*.h5"), ("tflite", "*.tflite"),
    ("pb", "*.pb"),
)  # fmt: skip


def kind_of(path: str) -> Kind:
    """The kind of a file.

    Args:
        path: relative to the model's directory.
    """
    *directories, name = path.lower().split("/")
    for kind, patterns in _RULES:
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns):
            return kind
    return "dataset" if _DATA_DIRECTORIES.intersection(directories) else "weight.config"


def format_of(paths: Iterable[str]) -> str:
    """The format of a model's weights, in ModelPack's words; empty where none is known."""
    names = [path.lower() for path in paths]
    for word, pattern in _FORMATS:
        if any(fnmatch.fnmatchcase(name, pattern) for name in names):
            return word
    return ""
