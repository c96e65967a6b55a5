from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.containers.detach import DetachKeys, parse_keys
from dockyard.errors import InvalidInput

DEFAULT = b"\x10\x11"


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("", DEFAULT),
        ("ctrl-p,ctrl-q", DEFAULT),
        ("ctrl-@,ctrl-a,ctrl-z", b"\x00\x01\x1a"),
        ("ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_", b"\x1b\x1c\x1d\x1e\x1f"),
        ("a,Z,-,DEL", b"aZ-\x7f"),
    ],
)
def test_keys_are_read_as_docker_reads_them(text: str, keys: bytes) -> None:
    assert parse_keys(text) == keys


@pytest.mark.parametrize("text", ["foo", "ctrl-1", "ctrl-", "ctrl-P", "ctrl-p,,", ",", "é", "del"])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="invalid detach keys"):
        parse_keys(text)


def test_keys_are_found_across_reads() -> None:
    watched = DetachKeys(DEFAULT)

    assert watched.feed(b"ab\x10") == (b"ab", False)
    assert watched.feed(b"\x11rest") == (b"", True)


def test_a_beginning_that_goes_on_otherwise_is_passed_on() -> None:
    watched = DetachKeys(DEFAULT)

    assert watched.feed(b"\x10") == (b"", False)
    assert watched.feed(b"x") == (b"\x10x", False)
    assert watched.feed(b"\x10\x10\x11") == (b"\x10", True)


@given(st.lists(st.binary(max_size=6)), st.binary(min_size=1, max_size=3))
def test_nothing_typed_is_lost_or_changed(pieces: list[bytes], keys: bytes) -> None:
    watched = DetachKeys(keys)
    passed, typed = b"", b""
    for piece in pieces:
        typed += piece
        data, detached = watched.feed(piece)
        passed += data
        if detached:
            assert passed + keys == typed[: len(passed) + len(keys)]
            assert typed.find(keys) == len(passed)
            return
    assert keys not in typed
    assert typed.startswith(passed)
    assert len(typed) - len(passed) < len(keys)
