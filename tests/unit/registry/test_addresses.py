"""Where a server may lead, and which addresses are its own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.errors import HostileInput
from dockyard.registry.addresses import is_same, next_url

HERE = "https://a.example.com/v2/x/blobs/uploads/"


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/v2/y?_state=a%2Fb", "https://a.example.com/v2/y?_state=a%2Fb"),
        ("5", "https://a.example.com/v2/x/blobs/uploads/5"),
        ("https://b.example.com/z?s=1#part", "https://b.example.com/z?s=1"),
        ("//b.example.com/z", "https://b.example.com/z"),
        ("https://ann:word@b.example.com/z", "https://b.example.com/z"),
        (" /v2/y ", "https://a.example.com/v2/y"),
    ],
)
def test_a_location_may_be_whole_or_a_part(location: str, url: str) -> None:
    assert next_url(HERE, location, plain=False) == url


@pytest.mark.parametrize(
    "location",
    ["", "ftp://a/b", "file:///etc", "http://", "https://[", "https://a:x/", "/a\r\nX: b"],
)
def test_out_of_the_web_leads_nowhere(location: str) -> None:
    with pytest.raises(HostileInput):
        next_url(HERE, location, plain=True)


def test_encryption_is_given_up_only_where_it_does_not_matter() -> None:
    with pytest.raises(HostileInput, match="not encrypted"):
        next_url(HERE, "http://b.example.com/", plain=False)

    assert next_url(HERE, "http://b.example.com/", plain=True) == "http://b.example.com/"
    assert next_url("http://a/", "http://b/", plain=False) == "http://b/"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://a.example.com/x", "https://A.example.com:443/y", True),
        ("http://a.example.com:80", "http://a.example.com", True),
        ("https://a.example.com", "http://a.example.com", False),
        ("https://a.example.com", "https://a.example.com:5000", False),
        ("https://a.example.com", "https://a.example.com.evil.org", False),
        ("https://a.example.com", "https://a.example.com@evil.org", False),
    ],
)
def test_a_server_is_its_scheme_host_and_port(one: str, other: str, same: bool) -> None:
    assert is_same(one, other) == same


@given(st.text(max_size=60))
def test_any_location_is_a_url_or_refused(location: str) -> None:
    try:
        found = next_url(HERE, location, plain=False)
    except HostileInput:
        return
    assert found.startswith("https://")
