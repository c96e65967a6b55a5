"""The header of a GGUF file: a list of keys with typed values, the general ones first."""

from __future__ import annotations

import struct
from collections.abc import Mapping

HEAD_BYTES = 1 << 20
"""What is looked at; lists of tokens, which come later, are longer."""
_MAGIC = b"GGUF"
_VERSIONS = frozenset({2, 3})
_MOST_KEYS = 10_000
_MOST_DEPTH = 4
_STRING, _ARRAY = 8, 9
_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q",
            11: "<q", 12: "<d"}  # fmt: skip
QUANTIZATIONS = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K",
    11: "Q3_K_S", 12: "Q3_K_M", 13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S",
    17: "Q5_K_M", 18: "Q6_K", 19: "IQ2_XXS", 20: "IQ2_XS", 21: "Q2_K_S", 22: "IQ3_XS",
    23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL", 26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S", 29: "IQ2_M",
    30: "IQ4_XS", 31: "IQ1_M", 32: "BF16", 36: "TQ1_0", 37: "TQ2_0",
}  # fmt: skip
"""llama.cpp's ``general.file_type``: what most tensors of a file are."""


class _Ended(Exception):  # the part that is looked at is over, or makes no sense
    pass


def keys(head: bytes) -> Mapping[str, str | int]:
    """The general keys with texts and whole numbers, as far as they are in ``head``.

    Args:
        head: the file's first :data:`HEAD_BYTES` bytes, or all where it is shorter.
    """
    found: dict[str, str | int] = {}
    reader = _Reader(head)
    try:
        if reader.take(4) != _MAGIC or reader.number("<I") not in _VERSIONS:
            return {}
        reader.number("<Q")  # tensors
        for _ in range(min(reader.number("<Q"), _MOST_KEYS)):
            key = reader.text()
            value = reader.value(reader.number("<I"), 0)
            if key.startswith("general.") and isinstance(value, str | int):
                found[key] = value
    except _Ended:
        pass
    return found


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, size: int) -> bytes:
        end = self._at + size
        if end > len(self._data):
            raise _Ended
        part, self._at = self._data[self._at : end], end
        return part

    def number(self, form: str) -> int:
        value: int = struct.unpack(form, self.take(struct.calcsize(form)))[0]
        return value

    def text(self) -> str:
        return self.take(self.number("<Q")).decode("utf-8", "replace")

    def value(self, kind: int, depth: int) -> object:
        """A value; of an array only that it is one."""
        if kind == _STRING:
            return self.text()
        if kind == _ARRAY:
            self._skip_array(depth)
            return None
        if kind not in _SCALARS:
            raise _Ended
        return self.number(_SCALARS[kind])

    def _skip_array(self, depth: int) -> None:
        kind, count = self.number("<I"), self.number("<Q")
        if depth >= _MOST_DEPTH:
            raise _Ended
        if kind in _SCALARS:
            self.take(count * struct.calcsize(_SCALARS[kind]))
            return
        for _ in range(count):  # ends with the data: each takes eight bytes at least
            self.value(kind, depth + 1)
