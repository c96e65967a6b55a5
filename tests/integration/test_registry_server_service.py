"""Our registry as a service, as a container, and beside an engine on the same filesystem."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.bases import CHECKOUT
from tests.support.protocol import Talk, digest_of
from tests.support.registries import environment, own_registry
from tests.support.roots import Root
from tests.support.waiting import until

from dockyard.system import process

CONTENT = os.urandom(50_000)
HEX = digest_of(CONTENT).removeprefix("sha256:")


@pytest.mark.skipif(process.find("systemd-analyze") is None, reason="there is no systemd here")
def test_the_unit_is_understood_by_systemd(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dockyard.cli.main", "registry", "serve", "--print-unit",
         "--root", f"{tmp_path}/a registry", "--addr", "[::1]:5000"],
        capture_output=True, text=True, check=True, env=environment(),
    )  # fmt: skip
    unit = tmp_path / "dockyard-registry.service"
    unit.write_text(done.stdout)

    looked = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True)

    assert str(unit.name) not in looked.stderr
    assert f'--root "{tmp_path}/a registry" --addr [::1]:5000' in done.stdout


def test_content_of_an_engine_is_on_disk_once(tmp_path: Path) -> None:
    theirs = tmp_path / "engine" / "blobs" / "sha256" / HEX
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(CONTENT)
    with own_registry(tmp_path, "--share", str(tmp_path / "engine")) as registry:
        ours = registry.root / "blobs" / "sha256" / HEX
        Talk(registry.host).push_image("a/b", "1", CONTENT)

        until(lambda: ours.stat().st_ino == theirs.stat().st_ino)

        Talk(registry.host).ask("DELETE", "/v2/a/b/manifests/1")
        assert theirs.read_bytes() == CONTENT


def test_what_an_engine_has_damaged_is_not_taken(tmp_path: Path) -> None:
    theirs = tmp_path / "engine" / "blobs" / "sha256" / HEX
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(bytes(len(CONTENT)))
    with own_registry(tmp_path, "--share", str(tmp_path / "engine")) as registry:
        talk = Talk(registry.host)
        talk.push_image("a/b", "1", CONTENT)

        assert talk.ask("GET", f"/v2/a/b/blobs/{digest_of(CONTENT)}").body == CONTENT
        assert (registry.root / "blobs" / "sha256" / HEX).stat().st_ino != theirs.stat().st_ino


def test_a_container_serves_a_registry(root: Root, free_port: int) -> None:
    file = f"{CHECKOUT}/examples/registry/Dockerfile"
    root.cli("build", "-q", "-t", "dockyard-registry", "-f", file, str(CHECKOUT), check=True,
             timeout=280)  # fmt: skip
    root.cli("run", "-d", "--name", "registry", "-p", f"127.0.0.1:{free_port}:5000",
             "-v", "registry:/registry", "dockyard-registry", check=True)  # fmt: skip
    talk = Talk(f"127.0.0.1:{free_port}")

    def answers() -> bool:
        try:
            return talk.ask("GET", "/readyz").status == 200
        except OSError:
            return False

    try:
        until(answers)
        digest = talk.push_image("a/b", "1", CONTENT)
        root.cli("restart", "registry", check=True)
        until(answers)
        found = talk.ask("GET", "/v2/a/b/manifests/1")
        assert found.headers["docker-content-digest"] == digest
        assert root.cli("stop", "registry").returncode == 0
        assert root.cli("inspect", "--format", "{{.State.ExitCode}}", "registry").stdout == "0\n"
    finally:
        root.cli("rm", "-f", "-v", "registry")
        root.cli("volume", "rm", "registry")
