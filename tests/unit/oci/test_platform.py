from __future__ import annotations

import pytest

from dockyard.errors import InvalidInput
from dockyard.oci.platform import Platform

HOST = Platform("amd64")


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("linux/arm64", "linux/arm64"), ("linux/arm64/v8", "linux/arm64"), ("arm64", "linux/arm64"),
        ("linux/x86_64", "linux/amd64"), ("linux/aarch64", "linux/arm64"), ("linux", "linux/amd64"),
        ("linux/arm", "linux/arm/v7"), ("linux/arm/6", "linux/arm/v6"), ("local", "linux/amd64"),
        ("windows/amd64", "windows/amd64"), ("LINUX/AMD64", "linux/amd64"),
    ],
)  # fmt: skip
def test_spellings(text: str, result: str) -> None:
    assert str(Platform.parse(text, HOST)) == result


@pytest.mark.parametrize("text", ["", "/", "linux/", "linux/nonsense", "a/b/c/d", "nonsense"])
def test_others_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="invalid platform"):
        Platform.parse(text, HOST)
