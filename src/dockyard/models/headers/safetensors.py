"""The header of a safetensors file: eight bytes of length, then JSON with every tensor's shape."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import msgspec

from dockyard import decoding

LENGTH_BYTES = 8
_MOST_BYTES = 8 << 20
"""Real ones have some hundred kilobytes."""
_MOST_PARAMETERS = 10**18
_PRECISIONS = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16",
    "F8_E4M3": "float8_e4m3", "F8_E5M2": "float8_e5m2", "I8": "int8", "I16": "int16",
    "I32": "int32", "I64": "int64", "U8": "uint8", "U16": "uint16", "U32": "uint32",
    "U64": "uint64", "BOOL": "bool",
}  # fmt: skip
"""Names of types, and what ModelPack calls them."""


class _Tensor(msgspec.Struct, frozen=True):
    """Also stands for ``__metadata__``, which has neither."""

    dtype: str = ""
    shape: tuple[int, ...] = ()


def parameters(read: Callable[[int, int], bytes]) -> Mapping[str, int]:
    """How many parameters a file has of each precision; none where it is no such file.

    Args:
        read: so many bytes from an offset on, or fewer at the file's end.
    """
    length = int.from_bytes(read(0, LENGTH_BYTES), "little")
    if not 2 <= length <= _MOST_BYTES:
        return {}
    try:
        tensors = decoding.from_json(read(LENGTH_BYTES, length), dict[str, _Tensor])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    counts: dict[str, int] = {}
    for tensor in tensors.values():
        name = _PRECISIONS.get(tensor.dtype)
        if name is not None and len(tensor.shape) <= 16 and min(tensor.shape, default=0) >= 0:
            counts[name] = counts.get(name, 0) + min(math.prod(tensor.shape), _MOST_PARAMETERS)
    return counts
