"""Which registry a user means."""

from __future__ import annotations

import pytest

from dockyard.errors import InvalidInput
from dockyard.registry.login import registry_of


@pytest.mark.parametrize(
    ("server", "registry"),
    [
        ("", "docker.io"),
        ("docker.io", "docker.io"),
        ("index.docker.io", "docker.io"),
        ("https://index.docker.io/v1/", "docker.io"),
        ("registry-1.docker.io", "docker.io"),
        ("localhost:5000", "localhost:5000"),
        ("registry", "registry"),
        ("http://Registry.Example.com:5000/v2/", "registry.example.com:5000"),
        ("registry.example.com/team", "registry.example.com"),
    ],
)
def test_a_server_is_a_host_or_a_url(server: str, registry: str) -> None:
    assert registry_of(server) == registry


@pytest.mark.parametrize("server", ["https://", "a b", "ann@a.example.com", "a.example.com:x", "/"])
def test_what_is_no_server(server: str) -> None:
    with pytest.raises(InvalidInput):
        registry_of(server)
