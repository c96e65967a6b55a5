"""Who is let in by a registry, and by which proof: passwords, tokens, certificates."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support import registries
from tests.support.registries import (
    DockerRegistry,
    RunningRegistry,
    auths,
    docker_registry,
    own_registry,
)
from tests.support.servers import authority
from tests.support.tokens import TokenServer, token_server

from dockyard.errors import InvalidInput
from dockyard.oci.reference import Reference
from dockyard.registry.auth_file import keep
from dockyard.registry.client import Client
from dockyard.registry.helpers import Programs
from dockyard.registry.login import log_in
from dockyard.registry.model import Credential
from dockyard.registry.problems import Denied, Interrupted, Unauthorized, Untrusted
from dockyard.registry.remote import Remote

PROGRAM = (sys.executable, "-m", "dockyard.cli.main")
USERS = {"ann": "secret: of ann's", "bob": "other: of bob's"}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRegistry]:
    with docker_registry(tmp_path_factory.mktemp("guarded"), users=USERS) as running:
        yield running


@pytest.fixture
def tokens(tmp_path: Path) -> Iterator[TokenServer]:
    with token_server(tmp_path, USERS) as running:
        yield running


@pytest.fixture
def by_token(tmp_path: Path, tokens: TokenServer) -> Iterator[DockerRegistry]:
    directory = tmp_path / "by-token"
    directory.mkdir()
    with docker_registry(directory, token=tokens.settings) as running:
        yield running


def named(registry: DockerRegistry | RunningRegistry, path: str = "a/b") -> Reference:
    return Reference.parse(f"{registry.host}/{path}:1")


def pushes(client: Client, registry: DockerRegistry | RunningRegistry, path: str = "a/b") -> bool:
    """Whether an upload is let in."""
    remote = client.remote(named(registry, path), push=True)
    return remote.start_upload().startswith("http")


def test_a_password_lets_in(guarded: DockerRegistry, tmp_path: Path) -> None:
    docker = auths(guarded.host, "ann", USERS["ann"])
    with registries.client(tmp_path, docker=docker) as client:
        assert pushes(client, guarded)


@pytest.mark.parametrize("password", [None, "wrong"])
def test_without_the_right_password_nobody_is_let_in(
    guarded: DockerRegistry, tmp_path: Path, password: str | None
) -> None:
    docker = auths(guarded.host, "ann", password) if password else None
    with (
        registries.client(tmp_path, docker=docker) as client,
        pytest.raises(Unauthorized) as caught,
    ):
        pushes(client, guarded)

    assert f"dockyard login {guarded.host}" in (caught.value.hint or "")
    assert "wrong" not in f"{caught.value} {caught.value.context}"


def test_podman_s_file_is_read_too(guarded: DockerRegistry, tmp_path: Path) -> None:
    path = tmp_path / "auth.json"
    path.write_text(json.dumps(auths(f"{guarded.host}/a/b", "bob", USERS["bob"])))
    with registries.client(tmp_path, REGISTRY_AUTH_FILE=str(path)) as client:
        assert pushes(client, guarded)
        with pytest.raises(Unauthorized):
            pushes(client, guarded, "a/c")


def test_a_damaged_file_is_said_to_be_so(guarded: DockerRegistry, tmp_path: Path) -> None:
    with registries.client(tmp_path) as client:
        (tmp_path / ".docker" / "config.json").write_text('{"auths": [')
        with pytest.raises(InvalidInput, match=r"config\.json is damaged"):
            pushes(client, guarded)


def test_a_token_lets_in_for_what_it_is_for(
    by_token: DockerRegistry, tokens: TokenServer, tmp_path: Path
) -> None:
    docker = auths(by_token.host, "ann", USERS["ann"])
    with registries.client(tmp_path, docker=docker) as client:
        assert pushes(client, by_token)
        assert pushes(client, by_token)

    assert tokens.asked == [("GET", ("repository:a/b:pull,push",), "ann")]


def test_whoever_has_no_name_may_pull_what_is_public(
    by_token: DockerRegistry, tokens: TokenServer, tmp_path: Path
) -> None:
    tokens.public = True
    with registries.client(tmp_path) as client:
        assert client.remote(named(by_token)).head() is None
        with pytest.raises(Unauthorized):
            pushes(client, by_token)


def test_an_expired_token_is_replaced(
    by_token: DockerRegistry, tokens: TokenServer, tmp_path: Path
) -> None:
    """Its time is over by the registry's clock before it is by ours."""
    docker = auths(by_token.host, "ann", USERS["ann"])
    tokens.seconds = -100
    with registries.client(tmp_path, docker=docker) as client:
        with pytest.raises(Unauthorized):
            pushes(client, by_token)
        tokens.seconds = 300
        assert pushes(client, by_token)


def test_many_threads_ask_for_one_token(
    by_token: DockerRegistry, tokens: TokenServer, tmp_path: Path
) -> None:
    docker = auths(by_token.host, "ann", USERS["ann"])
    with registries.client(tmp_path, docker=docker) as client:
        remote = client.remote(named(by_token))
        threads = [threading.Thread(target=remote.head) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert len(tokens.asked) == 1


def test_a_wrong_password_is_tried_once(
    by_token: DockerRegistry, tokens: TokenServer, tmp_path: Path
) -> None:
    """More tries could lock the account."""
    docker = auths(by_token.host, "ann", "wrong")

    def look(remote: Remote) -> None:
        with pytest.raises(Unauthorized, match="incorrect username or password"):
            remote.head()

    with registries.client(tmp_path, docker=docker) as client:
        remote = client.remote(named(by_token))
        threads = [threading.Thread(target=look, args=[remote]) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert len(tokens.asked) == 1


def test_a_token_server_that_fails_is_asked_again(
    by_token: DockerRegistry, tokens: TokenServer, tmp_path: Path
) -> None:
    tokens.public = True
    tokens.failing = [(503, {}), (429, {"Retry-After": "0"})]
    with registries.client(tmp_path) as client:
        assert client.remote(named(by_token)).head() is None

    tokens.failing = [(429, {"Retry-After": "7200"})]
    with (
        registries.client(tmp_path) as client,
        pytest.raises(Interrupted, match="too many requests") as caught,
    ):
        client.remote(named(by_token)).head()
    assert "2 hours" in (caught.value.hint or "")


def test_login_keeps_a_token_in_place_of_the_password(
    by_token: DockerRegistry, tokens: TokenServer, tmp_path: Path
) -> None:
    with registries.client(tmp_path) as client:
        kept = log_in(client, by_token.host, Credential("ann", USERS["ann"]))

    assert kept.identity_token in tokens.refresh_tokens
    assert not kept.password
    entry = {"auth": registries.encoded("ann", ""), "identitytoken": kept.identity_token}
    with registries.client(tmp_path, docker={"auths": {by_token.host: entry}}) as client:
        assert pushes(client, by_token)
    assert tokens.asked[-1] == ("POST", ("repository:a/b:pull,push",), "ann")


def test_login_with_a_wrong_password_is_refused(
    by_token: DockerRegistry, guarded: DockerRegistry, tmp_path: Path
) -> None:
    with registries.client(tmp_path) as client:
        for registry in (by_token, guarded):
            with pytest.raises(Unauthorized, match="incorrect username or password"):
                log_in(client, registry.host, Credential("ann", "wrong"))


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRegistry]:
    directory = tmp_path_factory.mktemp("encrypted")
    authority(directory)
    tls = (directory / "ca.pem", directory / "key.pem")
    with docker_registry(directory, tls=tls) as running:
        yield running


def test_a_certificate_that_nobody_knows_is_refused(
    encrypted: DockerRegistry, tmp_path: Path
) -> None:
    with registries.client(tmp_path) as client, pytest.raises(Untrusted) as caught:
        client.remote(named(encrypted)).head()

    assert "self-signed" in str(caught.value).replace(" ", "-")
    assert f"/etc/dockyard/certs.d/{encrypted.host}/ca.crt" in (caught.value.hint or "")


@pytest.mark.parametrize("how", ["ca", "certs.d", "insecure", "SSL_CERT_FILE"])
def test_a_registry_is_believed_that_was_allowed(
    encrypted: DockerRegistry, tmp_path: Path, how: str
) -> None:
    bundle = encrypted.storage.parent / "ca.pem"
    table = f'[registry."{encrypted.host}"]\n'
    settings, bundles, home = "", "", str(tmp_path)
    if how == "ca":
        settings = f'{table}ca = "{bundle}"'
    elif how == "insecure":
        settings = f"{table}insecure = true"
    elif how == "SSL_CERT_FILE":
        bundles = str(bundle)
    else:
        place = tmp_path / "dockyard" / "certs.d" / encrypted.host
        place.mkdir(parents=True)
        (place / "ca.crt").write_bytes(bundle.read_bytes())
    with registries.client(
        tmp_path, settings=settings, SSL_CERT_FILE=bundles, XDG_CONFIG_HOME=home
    ) as client:
        assert client.remote(named(encrypted)).head() is None


def test_a_client_s_certificate_lets_in(tmp_path: Path) -> None:
    directory = tmp_path / "registry"
    directory.mkdir()
    authority(directory)
    authority(tmp_path)  # it is its own authority
    tls = (directory / "ca.pem", directory / "key.pem")
    with docker_registry(directory, tls=tls, clients=tmp_path / "ca.pem") as registry:
        table = f'[registry."{registry.host}"]\nca = "registry/ca.pem"\n'
        with (
            registries.client(tmp_path, settings=table) as client,
            pytest.raises((Untrusted, Interrupted)),
        ):
            client.remote(named(registry)).head()
        table += 'cert = "ca.pem"\nkey = "key.pem"\n'
        with registries.client(tmp_path, settings=table) as client:
            assert client.remote(named(registry)).head() is None


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    """Dockyard's own registry, encrypted, with a user who may push and one who may pull."""
    directory = tmp_path_factory.mktemp("ours")
    authority(directory)
    tls = ("--tlscert", f"{directory}/ca.pem", "--tlskey", f"{directory}/key.pem")
    with own_registry(directory, *tls) as running:
        for name, password in USERS.items():
            subprocess.run(
                [*PROGRAM, "registry", "user", "add", "--root", str(running.root),
                 "--password-stdin", name],
                input=password, text=True, capture_output=True, check=True,
                env=registries.environment(),
            )  # fmt: skip
        running.command("policy", "set", "user:ann", "a/**", "pull,push")
        running.command("policy", "set", "user:bob", "a/**", "pull")
        yield running


def trusting(registry: RunningRegistry) -> str:
    return f'[registry."{registry.host}"]\nca = "{registry.root.parent}/ca.pem"\n'


def test_our_own_registry_lets_in_whom_it_should(ours: RunningRegistry, tmp_path: Path) -> None:
    for name, may_push in (("ann", True), ("bob", False)):
        docker = auths(ours.host, name, USERS[name])
        with registries.client(tmp_path, settings=trusting(ours), docker=docker) as client:
            assert client.remote(named(ours)).head() is None
            if may_push:
                assert pushes(client, ours)
                continue
            with pytest.raises((Denied, Unauthorized)) as caught:
                pushes(client, ours)
            assert f"dockyard login {ours.host}" in (caught.value.hint or "")


def test_our_own_registry_believes_a_login_or_not(ours: RunningRegistry, tmp_path: Path) -> None:
    with registries.client(tmp_path, settings=trusting(ours)) as client:
        kept = log_in(client, ours.host, Credential("ann", USERS["ann"]))
        with pytest.raises(Unauthorized, match="incorrect username or password"):
            log_in(client, ours.host, Credential("ann", "wrong"))
        with pytest.raises(Unauthorized):
            client.remote(named(ours)).head()

    path = tmp_path / ".docker" / "config.json"
    keep(str(path), Programs(), ours.host, kept)
    with registries.client(tmp_path, settings=trusting(ours)) as client:
        assert pushes(client, ours)


def test_a_robot_logs_in_to_our_own_registry(ours: RunningRegistry, tmp_path: Path) -> None:
    token = ours.command("token", "create", "--grant", "a/b:pull,push", "ci").stdout.strip()
    docker = auths(ours.host, "robot$ci", token)
    with registries.client(tmp_path, settings=trusting(ours), docker=docker) as client:
        assert pushes(client, ours)
        with pytest.raises((Denied, Unauthorized)):
            pushes(client, ours, "a/c")


HELPER = """#!/bin/sh
printf '%s\\n' "$1" >>"$0.calls"
case "$1" in
get) read -r server; [ -f "$0.$server" ] && cat "$0.$server" || {
    echo 'credentials not found in native keychain'; exit 1; } ;;
store) cat >"$0.stored" ;;
erase) read -r server; printf '%s' "$server" >"$0.erased" ;;
esac
"""


@pytest.fixture
def helper(tmp_path: Path) -> Path:
    path = tmp_path / "docker-credential-test"
    path.write_text(HELPER)
    path.chmod(0o755)
    return path


def environment(directory: Path) -> dict[str, str]:
    return {
        "HOME": str(directory), "PATH": f"{directory}:{os.environ['PATH']}",
        "DOCKYARD_ROOT": f"{directory}/root", "DOCKYARD_RUN": f"{directory}/run",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }  # fmt: skip


def cli(directory: Path, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *arguments], input=given, capture_output=True, text=True,
        env=environment(directory), timeout=60,
    )  # fmt: skip


def test_login_and_logout(guarded: DockerRegistry, tmp_path: Path) -> None:
    path = tmp_path / ".docker" / "config.json"
    path.parent.mkdir()
    others = '"HttpHeaders": {"X":  1.50},\n "proxies": {"a": [1e3]}'
    path.write_text(f"{{ {others} }}")

    done = cli(
        tmp_path, "login", "-u", "ann", "--password-stdin", guarded.host, given=USERS["ann"] + "\n"
    )

    assert (done.returncode, done.stdout) == (0, "Login Succeeded\n"), done.stderr
    assert "unencrypted" in done.stderr
    assert path.stat().st_mode & 0o777 == 0o600
    kept = json.loads(path.read_text())
    assert kept["auths"] == auths(guarded.host, "ann", USERS["ann"])["auths"]
    assert '"X": 1.50' in path.read_text()
    assert "1e3" in path.read_text()
    again = cli(tmp_path, "login", guarded.host)
    assert (again.returncode, again.stdout) == (0, "Login Succeeded\n")
    assert "existing credentials" in again.stderr

    done = cli(tmp_path, "logout", guarded.host)

    assert done.stdout == f"Removing login credentials for {guarded.host}\n"
    assert json.loads(path.read_text())["auths"] == {}


def test_login_with_a_wrong_password_keeps_nothing(guarded: DockerRegistry, tmp_path: Path) -> None:
    done = cli(tmp_path, "login", "-u", "ann", "--password-stdin", guarded.host, given="typo-pass")

    assert done.returncode == 1
    assert "incorrect username or password" in done.stderr
    assert "typo-pass" not in done.stderr + done.stdout
    assert not (tmp_path / ".docker").exists()


def test_a_helper_keeps_the_password(guarded: DockerRegistry, tmp_path: Path, helper: Path) -> None:
    path = tmp_path / ".docker" / "config.json"
    path.parent.mkdir()
    path.write_text('{"credsStore": "test"}')

    done = cli(tmp_path, "login", "-u", "ann", "--password-stdin", guarded.host, given=USERS["ann"])

    assert done.returncode == 0, done.stderr
    assert "unencrypted" not in done.stderr
    assert json.loads(path.read_text()) == {"credsStore": "test", "auths": {guarded.host: {}}}
    stored = Path(f"{helper}.stored")
    assert json.loads(stored.read_text()) == {
        "ServerURL": guarded.host, "Username": "ann", "Secret": USERS["ann"],
    }  # fmt: skip
    stored.rename(f"{helper}.{guarded.host}")
    assert cli(tmp_path, "login", guarded.host).returncode == 0
    cli(tmp_path, "logout", guarded.host)
    assert Path(f"{helper}.erased").read_text() == guarded.host


def test_a_helper_that_is_missing_is_said_to_be(guarded: DockerRegistry, tmp_path: Path) -> None:
    said: list[str] = []
    docker = {**auths(guarded.host, "ann", USERS["ann"]), "credsStore": "nowhere"}
    with registries.client(tmp_path, docker=docker, warn=said.append) as client:
        assert pushes(client, guarded)

    assert len(said) == 1
    assert "docker-credential-nowhere is not installed" in said[0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("-u", "a", "-p", "b", "--password-stdin"), "cannot specify both"),
        (("--password-stdin",), "requires --username"),
        (("-u", "", "-p", "x"), "username is empty"),
        (("-u", "x", "-p", ""), "password is empty"),
        (("-u", "x", "--password-stdin"), "password is empty"),
        (("-u", "x"), "non TTY device"),
        (("-u", "x", "-p", "y", "not a host"), "not a registry"),
    ],
)
def test_lines_that_make_no_sense(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    done = cli(tmp_path, "login", *arguments)

    assert done.returncode == 1
    assert words in done.stderr


def test_an_interrupt_ends_at_once(tmp_path: Path) -> None:
    """By a registry that never answers."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host = f"localhost:{silent.getsockname()[1]}"
        running = subprocess.Popen(
            [*PROGRAM, "login", "-u", "ann", "-p", "x", host],
            env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        connection, _ = silent.accept()
        running.send_signal(signal.SIGINT)
        start = time.monotonic()
        running.communicate(timeout=20)
        connection.close()

    assert running.returncode == 130
    assert time.monotonic() - start < 5
