from __future__ import annotations

from dockyard.build.ops import trust

BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
SOURCES = """deb http://archive.example/debian bookworm main
deb http://security.example/debian-security bookworm-security main
"""


def test_authorities_are_named_for_every_tool_and_mounted_out_of_the_way() -> None:
    host = trust.describe({}, BUNDLE, "", None)

    assert set(host.binds.values()) == {BUNDLE}
    assert all(place.startswith(trust.PLACE) for place in (*host.binds, *host.texts))
    assert {"SSL_CERT_FILE", "PIP_CERT", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"} <= set(host.env)
    assert "APT_CONFIG" in host.env


def test_a_host_without_anything_gives_nothing() -> None:
    host = trust.describe({"PATH": "/bin", "SECRET": "x"}, None, SOURCES, None)

    assert (host.env, host.texts, host.binds) == ({}, {}, {})


def test_proxies_and_remote_indexes_are_passed_but_local_directories_are_not() -> None:
    env = {
        "https_proxy": "http://p:1", "PIP_INDEX_URL": "https://i/simple",
        "PIP_EXTRA_INDEX_URL": "/opt/wheels", "UV_INDEX_URL": "file:///x",
    }  # fmt: skip
    host = trust.describe(env, None, "", None)

    assert host.env == {"https_proxy": "http://p:1", "PIP_INDEX_URL": "https://i/simple"}


def test_a_mirror_replaces_the_archive_and_not_security() -> None:
    host = trust.describe({}, None, SOURCES, "http://mirror/debian")
    (sources,) = (text for place, text in host.texts.items() if place.endswith("sources.list"))

    assert sources.splitlines() == [
        "deb http://mirror/debian bookworm main",
        "deb http://security.example/debian-security bookworm-security main",
    ]
    assert trust.mirrored("deb [signed-by=/k] http://d/debian/ x main\n", "http://m") == (
        "deb [signed-by=/k] http://m x main\n"
    )
