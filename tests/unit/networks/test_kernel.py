from __future__ import annotations

import struct

from dockyard.networks.kernel import parse_generation


def message(kind: int, *attributes: tuple[int, bytes]) -> bytes:
    body = b"".join(
        struct.pack("=HH", 4 + len(data), name) + data + bytes(-len(data) % 4)
        for name, data in attributes
    )
    return struct.pack("=IHHII4x", 20 + len(body), kind, 0, 1, 0) + body


def test_the_generation_is_found_among_the_attributes() -> None:
    answer = message(10 << 8 | 15, (3, b"nft\0x"), (1, (258).to_bytes(4, "big")))
    assert parse_generation(answer) == 258


def test_an_error_and_half_an_answer_have_none() -> None:
    assert parse_generation(message(2, (1, bytes(4)))) is None
    assert parse_generation(message(10 << 8 | 15)) is None
    assert parse_generation(b"") is None
