"""What a model's own files say of it: safetensors and GGUF headers, ``config.json``, the front
matter of ``README.md``. Pure: it gets a way to read parts of files.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from dockyard import decoding
from dockyard.models import kinds
from dockyard.models.documents import PRECISIONS, Description, Technical
from dockyard.models.headers import gguf, safetensors

Peek = Callable[[str, int, int], bytes]
"""Of the file at a path, from an offset, at most so many bytes."""

_CONFIG: Final = "config.json"
_CONFIG_BYTES: Final = 1 << 20
_README_BYTES: Final = 1 << 16
_FEW: Final = 100
"""Types that fewer than a hundredth of the parameters have are helpers, not the precision."""
_LICENSES = {
    name.lower(): name
    for name in (
        "Apache-2.0", "MIT", "BSD-2-Clause", "BSD-3-Clause", "GPL-2.0", "GPL-3.0", "LGPL-3.0",
        "AGPL-3.0", "MPL-2.0", "CC0-1.0", "CC-BY-4.0", "CC-BY-SA-4.0", "CC-BY-NC-4.0",
        "CC-BY-NC-SA-4.0", "Unlicense", "ISC", "BSL-1.0",
    )
}  # fmt: skip
"""SPDX names of what model cards write in lower case; other licenses are no SPDX ones."""
_SCALES = ((10**15, "Q"), (10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "K"))


class _Quantization(msgspec.Struct, frozen=True):
    quant_method: str = ""


class _HuggingFace(msgspec.Struct, frozen=True):
    """``config.json`` of transformers."""

    model_type: str = ""
    architectures: tuple[str, ...] = ()
    torch_dtype: str = ""
    dtype: str = ""
    quantization_config: _Quantization = _Quantization()


def describe(paths: Sequence[str], peek: Peek) -> tuple[Description, Technical]:
    """What the files say; fields of which they say nothing are empty.

    Args:
        paths: of all files, sorted.
    """
    form = kinds.format_of(paths)
    known = _of_config(peek) if _CONFIG in paths else _HuggingFace()
    general = _of_gguf(paths, peek) if form == "gguf" else {}
    counts = _counted(paths, peek) if form == "safetensors" else Counter[str]()
    license_name = _license(peek) if "README.md" in paths else ""
    description = Description(
        family=known.model_type or _text(general, "general.architecture"),
        name=_text(general, "general.name"),
        version=_text(general, "general.version"),
        licenses=(license_name,) if license_name else (),
    )
    quantization = known.quantization_config.quant_method
    file_type = general.get("general.file_type")
    of_file = gguf.QUANTIZATIONS.get(file_type, "") if isinstance(file_type, int) else ""
    technical = Technical(
        architecture="transformer" if known.architectures else "",
        format=form,
        param_size=param_size(counts.total()) or _text(general, "general.size_label"),
        precision=_precision(counts) or _known(known.dtype) or _known(known.torch_dtype),
        quantization=quantization or of_file,
    )
    return description, technical


def param_size(count: int) -> str:
    """A number of parameters as ModelPack writes it, with one digit after the point at most."""
    for scale, letter in _SCALES:
        if count >= scale or (letter == "K" and count >= scale // 10):
            tenths = (count * 10 + scale // 2) // scale
            whole, part = divmod(tenths, 10)
            return f"{whole}.{part}{letter}" if part else f"{whole}{letter}"
    return ""


def _of_config(peek: Peek) -> _HuggingFace:
    try:
        data = msgspec.json.decode(peek(_CONFIG, 0, _CONFIG_BYTES))
        fields = data if isinstance(data, dict) else {}
        kept = {key: value for key, value in fields.items() if value is not None}
        return decoding.from_builtins(kept, _HuggingFace)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _HuggingFace()


def _counted(paths: Sequence[str], peek: Peek) -> Counter[str]:
    """Parameters by precision; of weights that are there in two forms only the usual one's."""
    every = [path for path in paths if path.endswith(".safetensors")]
    usual = [path for path in every if re.fullmatch(r"model(-\d+-of-\d+)?\.safetensors", path)]
    counts = Counter[str]()
    for path in usual or every:
        counts.update(safetensors.parameters(functools.partial(peek, path)))
    return counts


def _precision(counts: Mapping[str, int]) -> str:
    whole = sum(counts.values())
    main = [(count, name) for name, count in counts.items() if count * _FEW >= whole > 0]
    return ",".join(name for _, name in sorted(main, key=lambda one: (-one[0], one[1])))


def _of_gguf(paths: Sequence[str], peek: Peek) -> Mapping[str, str | int]:
    """Of the first file: further ones are parts of the same, or of other quantizations."""
    first = next(path for path in paths if path.lower().endswith(".gguf"))
    return gguf.keys(peek(first, 0, gguf.HEAD_BYTES))


def _known(precision: str) -> str:
    return precision if precision in PRECISIONS else ""


def _text(general: Mapping[str, str | int], key: str) -> str:
    value = general.get(key, "")
    return value[:256] if isinstance(value, str) and value.isprintable() else ""


def _license(peek: Peek) -> str:
    """The license of a model card's front matter, where it is one of SPDX's."""
    text = peek("README.md", 0, _README_BYTES).decode("utf-8", "replace")
    if not text.startswith("---\n"):
        return ""
    front = text[4:].partition("\n---")[0]
    found = re.search(r"^license:[ \t]*([A-Za-z0-9.-]+)[ \t]*$", front, re.MULTILINE)
    return _LICENSES.get(found[1].lower(), "") if found else ""
