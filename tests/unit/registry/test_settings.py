"""Where a registry is asked, and how its servers are believed."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockyard.errors import InvalidInput
from dockyard.registry import settings_files
from dockyard.registry.model import Trust
from dockyard.registry.settings import Mirror, Registry, Settings, is_loopback

FILE = "/etc/dockyard/registries.toml"


def parsed(text: str) -> dict[str, Registry]:
    return settings_files.parse(text, FILE)


def test_a_registry_without_settings_is_asked_itself_and_encrypted() -> None:
    (place,) = Settings().places("registry.example.com", push=False)

    assert (place.host, place.schemes, place.is_mirror) == (
        "registry.example.com", ("https",), False,
    )  # fmt: skip


def test_docker_hub_answers_by_another_name() -> None:
    (place,) = Settings().places("docker.io", push=True)

    assert place.host == "registry-1.docker.io"


@pytest.mark.parametrize(
    ("host", "plain"),
    [
        ("localhost:5000", True),
        ("localhost", True),
        ("127.0.0.1:5000", True),
        ("127.9.9.9", True),
        ("127.0.0.1.example.com", False),
        ("localhost.example.com", False),
        ("10.0.0.1", False),
        ("0.0.0.0:5000", False),
        ("registry:5000", False),
    ],
)
def test_plain_http_unasked_never_leaves_this_host(host: str, plain: bool) -> None:
    (place,) = Settings().places(host, push=False)

    assert is_loopback(host) == plain
    assert place.schemes == (("https", "http") if plain else ("https",))


def test_mirrors_come_before_the_registry_but_not_for_a_push() -> None:
    settings = Settings(parsed(
        '[registry."docker.io"]\n'
        'mirrors = ["m.example.com:5000", "http://plain.example.com/hub/cache", "https://l"]\n'
        '[registry."m.example.com:5000"]\ninsecure = true\n'
    ))  # fmt: skip

    first, second, third, origin = settings.places("docker.io", push=False)

    assert (first.host, first.schemes, first.trust) == (
        "m.example.com:5000", ("https", "http"), Trust(insecure=True),
    )  # fmt: skip
    assert (second.host, second.schemes) == ("plain.example.com", ("http",))
    assert second.repository("library/debian") == "hub/cache/library/debian"
    assert third.schemes == ("https",)
    assert origin.host == "registry-1.docker.io"
    assert not origin.is_mirror
    assert origin.repository("library/debian") == "library/debian"
    assert settings.places("docker.io", push=True) == (origin,)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "http://",
        "ftp://a.example.com",
        "https://user:word@a.example.com",
        "a.example.com/UPPER",
        "a.example.com/../b",
        "a.example.com?x",
        "a.example.com#x",
        "a b",
        "a.example.com:port",
        "a.example.com:65536",
        "a.example.com:0",
    ],
)
def test_mirrors_that_make_no_sense(text: str) -> None:
    with pytest.raises(InvalidInput):
        Mirror.parse(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("registry = 5", "Expected `object`"),
        ("[registries]", "unknown field `registries`"),
        ('[registry."a.example.com"]\nmirors = []', "unknown field `mirors`"),
        ('[registry."a.example.com"]\ninsecure = "yes"', "Expected `bool`, got `str`"),
        ('[registry."a.example.com"]\nmirrors = "b"', "Expected `array`"),
        ('[registry."a.example.com"]\nmirrors = ["ftp://b"]', "not a mirror: 'ftp://b'"),
        ('[registry."a.example.com"]\ncert = "x"', "cert and key go together"),
        ('[registry."a.example.com"]\nca = "/nowhere"', "ca: there is no file /nowhere"),
        ('[registry."https://a.example.com"]\n', "not a registry"),
        ('[registry."a/b"]\n', "not a registry"),
        ("[registry.a.b]\n", "unknown field `b`"),
        ("x =", "Invalid value"),
    ],
)
def test_a_file_that_makes_no_sense_is_named_with_the_key(text: str, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parsed(text)

    assert str(caught.value).startswith(f"{FILE}: ")
    assert words in str(caught.value)
    if "example" in text:
        assert 'registry."' in str(caught.value)


def test_names_of_hosts_have_no_case() -> None:
    settings = Settings(parsed('[registry."Registry.Example.com"]\ninsecure = true'))

    assert settings.trust("registry.example.COM").insecure


def test_the_user_s_tables_replace_the_system_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system, user = tmp_path / "system", tmp_path / "dockyard"
    monkeypatch.setattr(settings_files, "directories", lambda _: (str(system), str(user)))
    for directory, insecure in ((system, "true"), (user, "false")):
        directory.mkdir()
        (directory / "registries.toml").write_text(
            f'[registry."a.example.com"]\ninsecure = {insecure}\n'
            f'[registry."{directory.name}.example.com"]\n'
        )

    found = settings_files.load(None, {})

    assert found.registries.keys() == {
        "a.example.com", "system.example.com", "dockyard.example.com",
    }  # fmt: skip
    assert not found.registries["a.example.com"].insecure


def test_a_file_that_was_named_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="No such file"):
        settings_files.load(f"{tmp_path}/nowhere.toml", {})


@pytest.mark.parametrize("content", [b"\xff", b"#" * (2 << 20)])
def test_a_file_of_another_kind(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "registries.toml"
    path.write_bytes(content)

    with pytest.raises(InvalidInput, match=r"registries\.toml"):
        settings_files.load(str(path), {})


@pytest.mark.parametrize(
    ("env", "last"),
    [
        ({"HOME": "/home"}, "/home/.config/dockyard"),
        ({"HOME": "/home", "XDG_CONFIG_HOME": "/x"}, "/x/dockyard"),
        ({"XDG_CONFIG_HOME": "relative"}, "/etc/dockyard"),
        ({}, "/etc/dockyard"),
    ],
)
def test_where_the_files_are(env: dict[str, str], last: str) -> None:
    assert settings_files.directories(env)[0] == "/etc/dockyard"
    assert settings_files.directories(env)[-1] == last


def test_directories_of_certificates_are_those_of_docker(tmp_path: Path) -> None:
    place = tmp_path / "a.example.com:5000"
    place.mkdir()
    for name in ("ca.crt", "other.crt", "client.cert", "client.key", "README"):
        (place / name).touch()

    found = settings_files.certificates((str(tmp_path),), "a.example.com:5000")

    assert found.authorities == (f"{place}/ca.crt", f"{place}/other.crt")
    assert (found.certificate, found.key) == (f"{place}/client.cert", f"{place}/client.key")
    assert settings_files.certificates((str(tmp_path),), "a.example.com") == Trust()


def test_half_a_client_s_certificate_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.example.com").mkdir()
    (tmp_path / "a.example.com" / "client.cert").touch()

    with pytest.raises(InvalidInput, match=r"has no client\.key beside it"):
        settings_files.certificates((str(tmp_path),), "a.example.com")


@pytest.mark.parametrize("host", ["..", ".", "a/../..", ""])
def test_a_server_can_t_name_a_directory(tmp_path: Path, host: str) -> None:
    (tmp_path / "certs.d").mkdir()
    (tmp_path / "evil.crt").touch()
    (tmp_path / "certs.d" / "evil.crt").touch()

    assert settings_files.certificates((f"{tmp_path}/certs.d",), host) == Trust()
