"""How base images are made, as plans."""

from __future__ import annotations

import shlex

import pytest

from dockyard.errors import InvalidInput
from dockyard.images import bootstrap_plan as plan
from dockyard.images.stock import catalog

DEBIAN = catalog.named("debian:trixie").base
PYTHON = catalog.named("python:3.11").base


def test_the_command_ends_with_the_suite_and_lacks_the_directory() -> None:
    assert plan.command(DEBIAN, mirror=None, apt=())[-1] == "trixie"


def test_killing_us_kills_all_of_it() -> None:
    argv = plan.command(DEBIAN, mirror=None, apt=())
    assert argv[:3] == ["setpriv", "--pdeathsig", "KILL"]
    assert {"--pid", "--mount", "--kill-child"} <= set(argv)


def test_the_hosts_way_to_the_network_is_used_while_fetching() -> None:
    dump = (
        'Acquire::http "";\nAcquire::http::Proxy "http://proxy:3128";\n'
        'Acquire::https::CAInfo "/etc/ca.pem";\nAcquire::Languages "de";\n'
        'APT::Sandbox::User "root";\n'
    )
    options = plan.apt_options(dump)
    assert options == (
        'Acquire::http::Proxy "http://proxy:3128"',
        'Acquire::https::CAInfo "/etc/ca.pem"',
    )
    argv = plan.command(DEBIAN, mirror=None, apt=options)
    assert '--aptopt=Acquire::http::Proxy "http://proxy:3128"' in argv


def test_only_proxies_of_the_users_environment_are_passed_on() -> None:
    own = {"http_proxy": "p", "NO_PROXY": "n", "PIP_INDEX_URL": "x", "SOURCE_DATE_EPOCH": "1"}
    given = plan.environment(own)
    assert (given["http_proxy"], given["NO_PROXY"]) == ("p", "n")
    assert not {"PIP_INDEX_URL", "SOURCE_DATE_EPOCH"} & set(given)


@pytest.mark.parametrize(
    ("mirror", "security"),
    [
        ("http://mirror.example/debian", "http://mirror.example/debian-security"),
        ("https://m.example:8080/pub/debian/", "https://m.example:8080/pub/debian-security"),
        ("http://s.example/debian/20250101/", "http://s.example/debian-security/20250101"),
    ],
)
def test_security_updates_are_beside_the_mirror(mirror: str, security: str) -> None:
    assert plan.security_mirror(mirror) == security


@pytest.mark.parametrize(
    "mirror",
    ["mirror.example/debian", "http://m/ubuntu", "http://m/debian x", "http://m/debian#", "", "x"],
)
def test_what_is_no_mirror_is_refused(mirror: str) -> None:
    with pytest.raises(InvalidInput):
        plan.command(DEBIAN, mirror=mirror, apt=())


def test_sources_keep_their_meaning_in_the_newer_format() -> None:
    text = (
        "deb http://m/debian trixie main\n"
        "deb [signed-by=/usr/share/keyrings/k.gpg] http://m/debian trixie-updates main\n"
        "\n"
        "deb http://s/debian-security trixie-security main\n"
    )
    assert plan.sources(text, "/k.pgp") == (
        "Types: deb\nURIs: http://m/debian\nSuites: trixie trixie-updates\n"
        "Components: main\nSigned-By: /k.pgp\n"
        "\n"
        "Types: deb\nURIs: http://s/debian-security\nSuites: trixie-security\n"
        "Components: main\nSigned-By: /k.pgp\n"
    )


def test_the_version_of_a_package_is_the_upstream_one() -> None:
    status = (
        "Package: python3.11-minimal\nVersion: 9.9-1\n\n"
        "Package: python3.11\nStatus: install ok installed\nVersion: 3.11.2-6+deb12u9\n\n"
        "Package: passwd\nVersion: 1:4.13+dfsg1-1\n"
    )
    assert plan.package_version(status, "python3.11") == "3.11.2"
    assert plan.package_version(status, "passwd") == "4.13"
    assert plan.package_version(status, "pip") is None


def test_images_are_configured_like_the_official_ones() -> None:
    config = plan.image_config(
        PYTHON, architecture="amd64", epoch=1700000000, version="3.11.2", diff_ids=["sha256:x"]
    )
    assert config.created == "2023-11-14T22:13:20Z"
    assert config.config.cmd == ("python3",)
    assert config.config.env == (
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG=C.UTF-8",
        "PYTHON_VERSION=3.11.2",
    )
    assert config.config.labels["org.opencontainers.image.version"] == "3.11.2"
    assert len(config.history) == len(config.rootfs.diff_ids) == 1


def test_debian_starts_a_shell() -> None:
    config = plan.image_config(
        DEBIAN, architecture="arm64", epoch=0, version="13.1", diff_ids=["sha256:x"]
    )
    assert config.config.cmd == ("bash",)
    assert len(config.config.env) == 1


def test_python_gets_its_names_and_a_pip_that_may_install() -> None:
    (hook,) = (
        word.removeprefix("--customize-hook=")
        for word in plan.command(PYTHON, mirror=None, apt=())
        if word.startswith("--customize-hook=")
    )
    assert hook.startswith('chroot "$1" sh -c ')
    steps = shlex.split(hook)[4].split("; ")
    assert steps[0] == "set -e"
    assert "ln -s /usr/bin/python3.11 /usr/local/bin/python" in steps
    assert "rm -f /usr/lib/python3.11/EXTERNALLY-MANAGED" in steps
    assert steps[-1].endswith("pip setuptools wheel")
