"""Pushing and pulling by the command line, past all that guards a registry."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.conftest import MakeRoot
from tests.support.pushes import build
from tests.support.registries import DockerRegistry, docker_registry
from tests.support.servers import authority
from tests.support.tokens import TokenServer, token_server

from dockyard.errors import DockyardError, InvalidInput

PASSWORD = "of-ann-alone"


@pytest.fixture
def tokens(tmp_path: Path) -> Iterator[TokenServer]:
    with token_server(tmp_path, {"ann": PASSWORD}) as running:
        yield running


def place(directory: Path, name: str) -> Path:
    made = directory / name
    made.mkdir()
    return made


def test_an_image_goes_and_comes_with_tokens(
    make_root: MakeRoot, tokens: TokenServer, tmp_path: Path
) -> None:
    with docker_registry(place(tmp_path, "registry"), token=tokens.settings) as registry:
        here, there = make_root(), make_root(images=False)
        name = f"{registry.host}/team/app:1"
        image_id = build(here, name)
        env = here.environment(DOCKER_CONFIG=str(tmp_path / "docker"))

        refused = here.cli("push", name, env=env)
        here.cli(
            "login", "-u", "ann", "--password-stdin", registry.host, input=PASSWORD, env=env,
            check=True,
        )  # fmt: skip
        here.cli("push", name, env=env, check=True)
        here.cli("logout", registry.host, env=env, check=True)
        after = here.cli("push", name, env=env)
        tokens.public = True
        there.cli("pull", "-q", name, check=True)

    for done in (refused, after):
        assert done.returncode == 1
        assert f"dockyard login {registry.host}" in done.stderr
    assert PASSWORD not in (tmp_path / "docker" / "config.json").read_text()
    assert there.cli("image", "inspect", "-f", "{{.Id}}", name).stdout.strip() == image_id


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[DockerRegistry]:
    directory = place(tmp_path, "mirror")
    authority(directory)
    tls = (directory / "ca.pem", directory / "key.pem")
    with docker_registry(directory, tls=tls, users={"ann": PASSWORD}) as running:
        yield running


def test_an_image_of_docker_hub_comes_from_a_mirror(
    make_root: MakeRoot, mirror: DockerRegistry, tmp_path: Path
) -> None:
    """An encrypted one, which wants a password."""
    here, there = make_root(), make_root(images=False)
    settings = tmp_path / "registries.toml"
    settings.write_text(
        f'[registry."docker.io"]\nmirrors = ["{mirror.host}"]\n'
        f'[registry."{mirror.host}"]\nca = "mirror/ca.pem"\n'
    )
    own = {"DOCKER_CONFIG": str(tmp_path / "docker"), "DOCKYARD_REGISTRIES": str(settings)}
    image_id = build(here, f"{mirror.host}/library/app:1")
    env = here.environment(**own)
    here.cli(
        "login", "-u", "ann", "--password-stdin", mirror.host, input=PASSWORD, env=env, check=True
    )  # fmt: skip
    here.cli("push", f"{mirror.host}/library/app:1", env=env, check=True)

    done = there.cli("pull", "app:1", env=there.environment(**own), check=True)

    assert "docker.io/library/app:1" in done.stdout
    shown = json.loads(there.cli("image", "inspect", "app:1", check=True).stdout)[0]
    assert shown["Id"] == image_id
    assert [name.partition("@")[0] for name in shown["RepoDigests"]] == ["app"]


def test_a_name_without_a_registry_is_not_sent_to_docker_hub(
    make_root: MakeRoot, tmp_path: Path
) -> None:
    here = make_root()
    here.cli("tag", "busybox", "app:1", check=True)
    env = {"HOME": str(tmp_path), "DOCKER_CONFIG": str(tmp_path),
           "REGISTRY_AUTH_FILE": str(tmp_path / "none")}  # fmt: skip

    done = here.cli("push", "app:1", env=env)

    assert done.returncode == 1
    assert "it would go to Docker Hub's own images (docker.io/library/app)" in done.stderr
    assert "dockyard tag app:1 HOST/app:1" in done.stderr


def test_a_program_logs_in_as_the_command_does(
    make_root: MakeRoot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = make_root(images=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    with (
        docker_registry(place(tmp_path, "registry"), users={"ann": PASSWORD}) as registry,
        here.engine() as engine,
    ):
        with pytest.raises(DockyardError, match="incorrect username or password"):
            engine.login(registry.host, "ann", "wrong")
        assert not (tmp_path / "docker").exists()
        engine.login(registry.host, "ann", PASSWORD)
        shown = here.cli("login", registry.host, check=True)
        engine.logout(registry.host)
        engine.logout(registry.host)
        with pytest.raises(DockyardError, match="wants to know who is asking"):
            engine.tags_in_registry(f"{registry.host}/a")

    assert "Authenticating with existing credentials... [Username: ann]" in shown.stderr


def test_a_program_that_gives_no_text_gets_a_sentence(make_root: MakeRoot) -> None:
    wrong: Any = 3
    with make_root(images=False).engine() as engine:
        for call in (
            engine.pull, engine.push, engine.look, engine.tags_in_registry, engine.logout,
            engine.models.pull, engine.models.push, engine.models.find, engine.images.find,
            lambda name: engine.copy(name, "oci:/nowhere"),
            lambda name: engine.login("localhost:1", "ann", name),
        ):  # fmt: skip
            with pytest.raises(InvalidInput, match="has to be a str, and int was given"):
                call(wrong)
