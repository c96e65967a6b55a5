"""Which proxy leads where, by Go's rules."""

from __future__ import annotations

import pytest

from dockyard.errors import InvalidInput, NotSupported
from dockyard.registry.proxies import proxy_for

PROXY = "http://proxy.example.com:3128"
BOTH = {"HTTP_PROXY": "http://plain.example.com", "HTTPS_PROXY": PROXY}


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("https://a.example.com/v2/", PROXY),
        ("http://a.example.com/v2/", "http://plain.example.com"),
        ("http://localhost:5000/v2/", None),
        ("http://127.0.0.1/v2/", None),
        ("https://[::1]:5000/v2/", None),
    ],
)
def test_each_scheme_has_its_proxy_and_this_host_none(url: str, proxy: str | None) -> None:
    assert proxy_for(url, BOTH) == proxy


def test_small_letters_come_first() -> None:
    assert (
        proxy_for("https://a.example.com", {**BOTH, "https_proxy": "proxy:1"}) == "http://proxy:1"
    )
    assert proxy_for("https://a.example.com", {"https_proxy": "", "HTTPS_PROXY": PROXY}) == PROXY


@pytest.mark.parametrize(
    ("listed", "exempt"),
    [
        ("*", True),
        ("example.com", True),
        (".example.com", True),
        ("*.example.com", True),
        ("a.example.com", True),
        (" other.org , A.example.COM ", True),
        ("a.example.com:5000", True),
        ("a.example.com:5001", False),
        ("ample.com", False),
        ("b.a.example.com", False),
        (".a.example.com", False),
        ("", False),
        (",", False),
    ],
)
def test_names_without_proxy(listed: str, exempt: bool) -> None:
    env = {"HTTPS_PROXY": PROXY, "NO_PROXY": listed}

    assert (proxy_for("https://a.example.com:5000/v2/", env) is None) == exempt


@pytest.mark.parametrize(
    ("listed", "exempt"),
    [
        ("10.0.0.0/8", True),
        ("10.1.2.3", True),
        ("10.1.2.3:443", True),
        ("10.1.2.3:80", False),
        ("10.2.0.0/16", False),
        ("fd00::/8", False),
    ],
)
def test_networks_without_proxy(listed: str, exempt: bool) -> None:
    env = {"HTTPS_PROXY": PROXY, "NO_PROXY": listed}

    assert (proxy_for("https://10.1.2.3/v2/", env) is None) == exempt


def test_networks_of_the_new_protocol() -> None:
    env = {"HTTPS_PROXY": PROXY, "NO_PROXY": "fd00::/8,[fe00::1]:443"}

    assert proxy_for("https://[fd12::5]/v2/", env) is None
    assert proxy_for("https://[fc12::5]/v2/", env) == PROXY


def test_what_is_no_proxy_is_refused_without_its_password() -> None:
    with pytest.raises(InvalidInput, match="HTTPS_PROXY is not") as caught:
        proxy_for("https://a.example.com", {"HTTPS_PROXY": "http://ann:word@"})
    assert "word" not in str(caught.value)

    with pytest.raises(NotSupported, match="socks5"):
        proxy_for("https://a.example.com", {"HTTPS_PROXY": "socks5://proxy.example.com"})
