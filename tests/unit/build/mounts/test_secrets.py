"""Secrets as the command line and programs give them."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockyard.build.mounts.secrets import (
    Secret,
    SecretSource,
    given,
    parse_secret,
    read_secret,
)  # fmt: skip
from dockyard.errors import InvalidInput

ENVIRON = {"token": "t", "B": "b"}


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("id=a,src=/f", SecretSource("a", "/f")),
        ("id=a,source=/f,type=file", SecretSource("a", "/f")),
        ('"id=a","src=/f,g"', SecretSource("a", "/f,g")),
        ("id=a,env=B", SecretSource("a", variable="B")),
        ("id=a,type=env,src=B", SecretSource("a", variable="B")),
        ("type=env,id=a,env=B", SecretSource("a", variable="B")),
        ("id=token", SecretSource("token", variable="token")),
        ("id=file", SecretSource("file", "file")),
    ],
)
def test_sources(text: str, source: SecretSource) -> None:
    assert parse_secret(text, ENVIRON) == source


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "missing ID"), ("id", "must be a key=value pair"), ("id=a,x=b", "unexpected key 'x'"),
        ("id=a,type=x", "unsupported secret type"), ("src=/f", "missing ID"),
    ],
)  # fmt: skip
def test_sources_that_make_no_sense(text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        parse_secret(text, ENVIRON)


def test_values_are_read_and_never_shown(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_bytes(b"\x00x")
    found = given({"a": "text", "b": b"bytes", "c": file})
    assert [secret.value for secret in found] == [b"text", b"bytes", b"\x00x"]
    assert "text" not in repr(found)
    assert read_secret(SecretSource("a", variable="B"), ENVIRON) == Secret("a", b"b")
    with pytest.raises(InvalidInput, match="NONE is not set"):
        read_secret(SecretSource("a", variable="NONE"), ENVIRON)
    with pytest.raises(InvalidInput, match="failed to stat"):
        given({"a": tmp_path / "none"})
    with pytest.raises(InvalidInput, match="too big"):
        given({"a": b"x" * (500 * 1024 + 1)})
