"""Whose name a request may be for."""

from __future__ import annotations

import pytest

from dockyard.registry.server.web.origin import is_ours


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:5000", "127.0.0.1", "127.9.9.9:80", "[::1]", "[::1]:5000"]
)
def test_the_loopback_is_ours(host: str) -> None:
    assert is_ours(host, "")


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "evil.example:5000", "localhost.evil.example", "127.0.0.1.evil.example",
     "evil.example@127.0.0.1x", "[::1", "192.0.2.1", "127.0.0.1\\evil", "0.0.0.0"],
)  # fmt: skip
def test_no_other_name_is(host: str) -> None:
    assert not is_ours(host, "")


def test_the_name_that_clients_are_told_is_ours_too() -> None:
    assert is_ours("registry.example:443", "https://registry.example")
    assert not is_ours("other.example", "https://registry.example")
