from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.errors import InvalidInput
from dockyard.oci import digest


@given(st.binary())
def test_a_digest_is_well_formed_and_short_is_its_beginning(data: bytes) -> None:
    made = digest.of(data)

    assert digest.is_digest(made)
    assert made == digest.PREFIX + digest.hex_of(made)
    assert digest.hex_of(made).startswith(digest.short(made))


@pytest.mark.parametrize(
    "text",
    ["", "sha256:", "sha256:" + "g" * 64, "sha256:" + "A" * 64, "sha512:" + "a" * 64, "a" * 64],
)
def test_anything_else_is_refused(text: str) -> None:
    assert not digest.is_digest(text)
    with pytest.raises(InvalidInput, match="invalid digest"):
        digest.hex_of(text)
