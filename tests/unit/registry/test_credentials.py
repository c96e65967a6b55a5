"""Who one is where, by what Docker's file and Podman's say."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard import decoding
from dockyard.errors import ComponentMissing, InvalidInput
from dockyard.registry import credentials
from dockyard.registry.auth_file import forget, keep
from dockyard.registry.credentials import AuthFile, Credentials, files, find
from dockyard.registry.model import Credential

HUB = "https://index.docker.io/v1/"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def found(auths: dict[str, Any], registry: str, path: str = "") -> Credential | None:
    document = json.dumps({"auths": auths})
    return find(decoding.from_json(document, AuthFile), registry, path)


class Helpers:
    """Programs that keep credentials, without the programs."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], Credential] = {}

    def get(self, name: str, key: str) -> Credential | None:
        if name == "missing":
            raise ComponentMissing("docker-credential-missing is not installed", hint="install it")
        return self.kept.get((name, key))

    def store(self, name: str, key: str, credential: Credential) -> None:
        self.kept[name, key] = credential

    def erase(self, name: str, key: str) -> None:
        self.kept.pop((name, key), None)


@pytest.mark.parametrize(
    ("key", "registry"),
    [
        ("a.example.com:5000", "a.example.com:5000"),
        ("https://a.example.com", "a.example.com"),
        ("http://a.example.com/v1/", "a.example.com"),
        ("https://a.example.com/v2/", "a.example.com"),
        (HUB, "docker.io"),
        ("docker.io", "docker.io"),
    ],
)
def test_a_registry_is_found_by_all_its_names(key: str, registry: str) -> None:
    assert found({key: {"auth": encoded("ann:word")}}, registry) == Credential("ann", "word")


@pytest.mark.parametrize("key", ["a.example.com", "https://a.example.com:5000", "b.a.example.com"])
def test_another_registry_is_not(key: str) -> None:
    assert found({key: {"auth": encoded("ann:word")}}, "example.com") is None
    assert found({key: {"auth": encoded("ann:word")}}, "a.example.com:80") is None


def test_the_most_precise_entry_counts() -> None:
    auths = {
        "a.example.com": {"auth": encoded("all:1")},
        "a.example.com/team": {"auth": encoded("team:2")},
        "a.example.com/team/app": {"auth": encoded("app:3")},
    }

    assert found(auths, "a.example.com", "team/app") == Credential("app", "3")
    assert found(auths, "a.example.com", "team/other") == Credential("team", "2")
    assert found(auths, "a.example.com", "team2/app") == Credential("all", "1")


@pytest.mark.parametrize(
    ("entry", "credential"),
    [
        ({"auth": encoded("ann:a:b:c")}, Credential("ann", "a:b:c")),
        ({"auth": encoded("ann:word\0\0")}, Credential("ann", "word")),
        ({"username": "ann", "password": "word"}, Credential("ann", "word")),
        (
            {"auth": encoded("ann:"), "identitytoken": "t"},
            Credential("ann", identity_token="t"),
        ),
        ({"registrytoken": "t"}, Credential(registry_token="t")),
        ({"auth": None, "email": "x@example.com", "unknown": [1]}, None),
        ({}, None),
        (None, None),
    ],
)
def test_entries_in_all_their_forms(entry: Any, credential: Credential | None) -> None:
    assert found({"a.example.com": entry}, "a.example.com") == credential


@pytest.mark.parametrize("auth", ["not base64!", encoded("no colon"), "////", "4pyT"])
def test_a_damaged_entry_is_named_but_not_shown(auth: str) -> None:
    with pytest.raises(InvalidInput, match=r"the entry of a\.example\.com") as caught:
        found({"a.example.com": {"auth": auth}}, "a.example.com")

    assert auth not in str(caught.value)


def test_a_damaged_entry_of_another_registry_does_not_matter() -> None:
    auths = {"b.example.com": {"auth": "!"}, "a.example.com": {"auth": encoded("ann:word")}}

    assert found(auths, "a.example.com") == Credential("ann", "word")


@pytest.mark.parametrize("text", ["[]", "{", '{"auths": []}', '{"auths": {"a": 5}}', "[" * 100_000])
def test_a_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.json"
    path.write_text(text)

    with pytest.raises(InvalidInput, match=r"config\.json is damaged"):
        credentials.read(str(path))


@pytest.mark.parametrize("text", ["", " \n", "{}", '{"auths": null}'])
def test_a_file_may_be_empty(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.json"
    path.write_text(text)

    assert not (credentials.read(str(path)) or AuthFile()).auths


def test_a_pipe_is_no_file(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "config.json")

    with pytest.raises(InvalidInput, match="is not a file"):
        credentials.read(str(tmp_path / "config.json"))


def known(directory: Path, helpers: Helpers, said: list[str], *documents: Any) -> Credentials:
    paths = []
    for number, document in enumerate(documents):
        path = directory / f"{number}.json"
        path.write_text(json.dumps(document))
        paths.append(str(path))
    return Credentials((*paths, f"{directory}/nowhere"), helpers, said.append)


def test_a_helper_comes_before_the_file_and_the_first_file_first(tmp_path: Path) -> None:
    helpers, said = Helpers(), list[str]()
    helpers.kept = {
        ("store", "a.example.com"): Credential("of store", "1"),
        ("own", "b.example.com"): Credential("of own", "2"),
        ("store", HUB): Credential("of hub", "3"),
    }
    own = {"auth": encoded("of file:4")}
    docker = {
        "auths": {"a.example.com": own, "c.example.com": own},
        "credsStore": "store",
        "credHelpers": {"b.example.com": "own"},
    }
    podman = {"auths": {"d.example.com": own}}

    who = known(tmp_path, helpers, said, docker, podman)

    assert who.of("a.example.com") == Credential("of store", "1")
    assert who.of("b.example.com") == Credential("of own", "2")
    assert who.of("docker.io") == Credential("of hub", "3")
    assert who.of("c.example.com") == Credential("of file", "4")
    assert who.of("d.example.com") == Credential("of file", "4")
    assert who.of("e.example.com") is None
    assert said == []


def test_a_helper_that_is_missing_is_said_once(tmp_path: Path) -> None:
    said: list[str] = []
    who = known(tmp_path, Helpers(), said, {"credsStore": "missing"})

    for _ in range(3):
        assert who.of("a.example.com") is None

    assert said == [
        "no credentials for a.example.com: docker-credential-missing is not installed"
    ]  # fmt: skip


def test_credentials_don_t_show_themselves() -> None:
    assert "word" not in repr(Credential("ann", "word")) + str(Credential("ann", "word"))


def test_where_the_files_are() -> None:
    env = {"HOME": "/home", "XDG_RUNTIME_DIR": "/run/user/7"}

    assert files(env)[0] == "/home/.docker/config.json"
    assert "/run/user/7/containers/auth.json" in files(env)
    assert files(env)[-1] == "/home/.config/containers/auth.json"
    assert files({**env, "DOCKER_CONFIG": "/d"})[0] == "/d/config.json"
    assert files({**env, "REGISTRY_AUTH_FILE": "/a.json"})[1:] == (
        "/a.json", "/home/.config/containers/auth.json",
    )  # fmt: skip


def test_what_others_have_in_the_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(
        '{"z": 1.50, "auths": {"b.example.com": {"auth": "Yjpi", "more": [1e2]}},'
        ' "psFormat": "\\u00e9", "a": null}'
    )

    assert keep(str(path), Helpers(), "a.example.com", Credential("ann", "word"))

    text = path.read_text()
    assert list(json.loads(text)) == ["z", "auths", "psFormat", "a"]
    for part in ("1.50", "1e2", "\\u00e9", "null"):
        assert part in text
    assert json.loads(text)["auths"]["a.example.com"] == {"auth": encoded("ann:word")}
    assert path.stat().st_mode & 0o777 == 0o600

    forget(str(path), Helpers(), "a.example.com")

    assert list(json.loads(path.read_text())["auths"]) == ["b.example.com"]


def test_what_a_helper_keeps_is_not_in_the_file(tmp_path: Path) -> None:
    path, helpers = tmp_path / "config.json", Helpers()
    path.write_text('{"credHelpers": {"a.example.com": "own"}}')

    assert not keep(str(path), helpers, "a.example.com", Credential("ann", "word"))

    assert "word" not in path.read_text()
    assert helpers.kept == {("own", "a.example.com"): Credential("ann", "word")}
    forget(str(path), helpers, "a.example.com")
    assert helpers.kept == {}


def test_a_token_is_kept_without_the_password(tmp_path: Path) -> None:
    path = tmp_path / "new" / "config.json"

    keep(str(path), Helpers(), "docker.io", Credential("ann", "word", identity_token="t"))

    entry = json.loads(path.read_text())["auths"][HUB]
    assert entry == {"auth": encoded("ann:"), "identitytoken": "t"}
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_symlink_stays_one(tmp_path: Path) -> None:
    (tmp_path / "real.json").write_text("{}")
    (tmp_path / "config.json").symlink_to("real.json")

    keep(str(tmp_path / "config.json"), Helpers(), "a.example.com", Credential("ann", "word"))

    assert (tmp_path / "config.json").is_symlink()
    assert "a.example.com" in (tmp_path / "real.json").read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files to others")
@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("linked", ["file", "directory"])
def test_root_follows_no_link_of_a_user_to_what_is_not_his(
    tmp_path: Path, linked: str, there: bool
) -> None:
    """Root's sudo may keep a user's HOME."""
    system, home = tmp_path / "system", tmp_path / "home"
    system.mkdir()
    home.mkdir()
    os.chown(home, 1000, 1000)
    if there:
        (system / "config.json").write_text("{}")
    if linked == "file":
        (home / ".docker").mkdir()
        link, target = home / ".docker/config.json", system / "config.json"
    else:
        link, target = home / ".docker", system
    link.symlink_to(target)
    os.chown(link, 1000, 1000, follow_symlinks=False)

    for change in (
        lambda path: keep(path, Helpers(), "a.example.com", Credential("ann", "s3cret")),
        lambda path: forget(path, Helpers(), "a.example.com"),
    ):
        with pytest.raises(InvalidInput, match=str(link)):
            change(str(home / ".docker/config.json"))
    assert [each.read_text() for each in system.iterdir()] == ["{}"] * there


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files to others")
def test_a_user_s_link_to_a_file_of_his_own_is_followed_and_it_stays_his(tmp_path: Path) -> None:
    real, link = tmp_path / "dotfiles.json", tmp_path / "config.json"
    real.write_text("{}")
    link.symlink_to("dotfiles.json")
    for each in (tmp_path, real, link):
        os.chown(each, 1000, 1001, follow_symlinks=False)
    keep(str(link), Helpers(), "a.example.com", Credential("ann", "s3cret"))

    assert link.is_symlink()
    assert (real.stat().st_uid, real.stat().st_gid) == (1000, 1001)
    assert "a.example.com" in real.read_text()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["config.json", "dotfiles.json"]


def test_a_damaged_file_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text('{"auths": ')

    with pytest.raises(InvalidInput):
        keep(str(path), Helpers(), "a.example.com", Credential("ann", "word"))

    assert path.read_text() == '{"auths": '


def test_nothing_is_written_to_forget_nothing(tmp_path: Path) -> None:
    forget(f"{tmp_path}/new/config.json", Helpers(), "a.example.com")

    assert not (tmp_path / "new" / "config.json").exists()


@given(st.text(st.characters(exclude_characters=":\0", codec="utf-8"), min_size=1), st.text())
def test_what_is_kept_is_found(username: str, password: str) -> None:
    if password.endswith("\0"):
        return
    made = Credential(username, password)
    from dockyard.registry.auth_file import with_entry

    text = with_entry({}, "a.example.com", made)

    assert find(msgspec.json.decode(text, type=AuthFile), "a.example.com", "") == made
