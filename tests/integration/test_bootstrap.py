"""Base images made by the real mmdebstrap: the same everywhere, usable, and nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.integration.conftest import MakeRoot
from tests.support import leftovers
from tests.support.roots import Root, foreground

from dockyard import Engine
from dockyard.errors import ComponentFailed, InvalidInput

BASE = "python:3.13"
UNREACHABLE = "http://127.0.0.1:9/debian"


def bootstrap(root: Root) -> str:
    with root.engine() as engine:
        return engine.bootstrap(BASE).id


@pytest.mark.long
def test_two_roots_get_the_same_usable_image(make_root: MakeRoot) -> None:
    roots = [make_root(images=False), make_root(images=False)]
    with ThreadPoolExecutor() as pool:
        first, second = pool.map(bootstrap, roots)

    assert first == second
    with roots[0].engine() as engine:
        _check_python(engine)
        _check_second_time(engine, first)


def _check_python(engine: Engine) -> None:
    _, output = foreground(
        engine, "sh", "-c",
        "python --version; pip --version; python -m venv /tmp/v; /tmp/v/bin/python -c 'import ssl';"
        "pip config list; command -v gcc; cat /etc/machine-id; id -un; apt-get --version | head -1",
        image=BASE,
    )  # fmt: skip
    lines = output.text.splitlines()
    assert lines[0].startswith("Python 3.13.")
    assert lines[1].startswith("pip ")
    assert lines[1].endswith("(python 3.13)")
    assert lines[2] == "root"
    assert lines[3].startswith("apt ")
    container, output = foreground(
        engine, "pip", "download", "--no-index", "--no-deps",
        "--find-links=/usr/share/python-wheels", "-d", "/tmp", "pip", image=BASE,
    )  # fmt: skip
    assert container.exit_code == 0, output.stderr


def _check_second_time(engine: Engine, image_id: str) -> None:
    said: list[str] = []
    assert engine.bootstrap("python:3.13-slim", progress=said.append).id == image_id
    assert said == ["localhost/python:3.13 is already there (--force makes it anew)"]


def test_the_image_has_sources_for_updates_and_none_of_the_caches(engine: Engine) -> None:
    (directory,) = engine.images.directories(engine.images.find("debian:bookworm"))
    sources = Path(directory, "etc/apt/sources.list.d/debian.sources").read_text()
    for suite in ("bookworm", "bookworm-updates", "bookworm-security"):
        assert suite in sources.replace("\n", " ").split(" ")
    assert "Signed-By: /usr/share/keyrings/" in sources
    keyring = sources.partition("Signed-By: ")[2].split()[0]
    assert os.path.getsize(directory + keyring) > 0
    for empty in ("dev", "run", "tmp", "var/cache/apt", "var/lib/apt/lists"):
        assert os.listdir(f"{directory}/{empty}") == []
    assert os.path.getsize(f"{directory}/etc/ssl/certs/ca-certificates.crt") > 0


def test_an_unreachable_mirror_is_explained(make_root: MakeRoot) -> None:
    root = make_root(images=False)
    with root.engine() as engine, pytest.raises(ComponentFailed) as caught:
        engine.bootstrap("debian:trixie", mirror=UNREACHABLE)

    assert "Unable to connect to 127.0.0.1:9" in caught.value.message
    assert caught.value.hint is not None
    assert "--mirror" in caught.value.hint
    assert os.listdir(root.paths.workspaces) == []


def test_what_cannot_be_made_is_refused_before_anything_is_done(make_root: MakeRoot) -> None:
    root = make_root(images=False)
    done = root.cli("bootstrap", "nvidia/cuda:12.4.1")

    assert done.returncode != 0
    assert "debian:bookworm, debian:trixie, python:3.11, python:3.13" in done.stderr
    with root.engine() as engine, pytest.raises(InvalidInput):
        engine.bootstrap("debian:trixie", mirror="not a mirror")


@pytest.fixture(params=[signal.SIGKILL, signal.SIGINT], ids=["killed", "interrupted"])
def cut_off(make_root: MakeRoot, request: pytest.FixtureRequest) -> Root:
    """A root whose bootstrap was ended by a signal while packages were being unpacked."""
    root = make_root(images=False)
    running = root.start("bootstrap", "debian:trixie")
    try:
        _wait_for_content(root, running)
        running.send_signal(request.param)
        running.communicate(timeout=60)
    finally:
        running.kill()
        running.wait()
    return root


def _wait_for_content(root: Root, running: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while not list(Path(root.paths.workspaces).glob("*/root/usr/bin/*")):
        if running.poll() is not None or time.monotonic() > deadline:
            pytest.fail(f"bootstrap never unpacked anything: {running.communicate()}")
        time.sleep(0.05)


def test_a_bootstrap_that_is_cut_off_leaves_nothing(cut_off: Root) -> None:
    deadline = time.monotonic() + 10
    while (alive := _processes_in(cut_off)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert alive == []
    with cut_off.engine() as engine:  # opening it recovers
        assert engine.images.list() == ()
    assert leftovers.of_root(cut_off.paths) == []


def _processes_in(root: Root) -> list[str]:
    """Processes that name the root's directories, or work in them."""
    found: list[str] = []
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
            base = os.readlink(f"/proc/{pid}/root")
        except OSError:
            continue
        if root.paths.root in command or base.startswith(root.paths.root):
            found.append(f"{pid}: {command}")
    return found
