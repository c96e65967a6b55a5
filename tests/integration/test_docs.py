"""What the documentation shows works: its commands and their output, its Python, its links.

Fenced blocks marked ``console`` (lines that begin with ``$ ``; the others are what goes to standard
output, see :meth:`tests.support.pages.Step.matches`) and ``python`` are run in the order of the
page, from the top of the checkout, each page with no containers but its own. An HTML comment before
a block, ``<!-- not run: REASON -->``, spares it.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support import bases, pages
from tests.support.bases import CHECKOUT
from tests.support.roots import Root
from tests.support.terminal import Terminal

from dockyard.state.locks import Lock
from dockyard.state.paths import Paths
from dockyard.system.files import remove_tree

TIMEOUT_SECONDS = 240
LINK = re.compile(r"\]\((?P<target>[^)#:\s]+)(?:#[^)]*)?\)")
LOCK = "/var/tmp/dockyard-test-page-{}.lock"
"""Pages name files in /tmp and a subnet, which the tests of another checkout would take as well."""
TOGETHER = {
    "docs/registries.md": "registry",
    "docs/registry-access.md": "registry",
    "docs/registry-server.md": "registry",
}
"""Pages that name the same files as others; the rest can be run side by side."""
MARK = "--- next command ---"
DETACH = b"\x10\x11"
GIVEN = {
    "--gpus all": "nvidia0 nvidia1 nvidia2",
    "--gpus 2": "nvidia0 nvidia1",
    "--gpus device=0,2": "nvidia0 nvidia2",
    "--gpus device=1:0": "nvidia1",
    "--gpus all,driver=amd": "amd0 amd1 amd2",
    "--device nvidia.com/gpu=0": "nvidia0",
    "--shm-size 1g": "",
    "--ipc host": "",
}
"""Flags of the page on GPUs, to the nodes that a container then has."""


@pytest.fixture(scope="module")
def root(base_images: Path, used_roots: list[Paths]) -> Iterator[Root]:
    """One root for all pages, so that what one builds is cached for the next."""
    made = Root(Path(tempfile.mkdtemp(prefix="dockyard-test-", dir="/var/tmp")), base_images)
    used_roots.append(made.paths)
    bases.furnish(bases.stocked("redis:7"), made.paths)
    own_layers(made.paths)
    yield made
    left = made.leftovers()
    made.close()
    assert not left


@pytest.fixture
def environment(root: Root) -> Iterator[dict[str, str]]:
    """What a user has after the installation; containers that a page leaves are removed."""
    programs = os.path.dirname(sys.executable)
    specifications = root.base / "specifications"
    specifications.mkdir(exist_ok=True)
    for vendor in ("nvidia", "amd"):
        (specifications / f"{vendor}.json").write_text(json.dumps(gpus_of(vendor)))
    yield root.environment(
        PATH=f"{programs}:{os.environ['PATH']}", DOCKYARD_CDI_SPEC_DIRS=str(specifications)
    )
    root.empty()
    remove_tree(f"{root.paths.root}/registry")  # its users would be asked for on another page


@pytest.fixture
def alone(page: str) -> Iterator[None]:
    """While nobody else runs this page, or one that names the same files."""
    with Lock.acquire(LOCK.format(TOGETHER.get(page, page.replace("/", "-")))) as lock:
        yield
        lock.release(remove=True)


@pytest.mark.parametrize("page", [page for page in pages.PAGES if pages.to_run(page)])
@pytest.mark.usefixtures("alone")
def test_a_page_does_what_it_shows(page: str, environment: dict[str, str]) -> None:
    port = free_port()
    for block in pages.to_run(page):
        where = f"{page}:{block.line}"
        steps = [pages.Step(*moved(step, port)) for step in block.steps]
        argv = [sys.executable, "-c", block.text]
        if block.language == "console":
            argv = ["bash", "-euo", "pipefail", "-c", pages.script(steps, repr(MARK))]
        done = subprocess.run(
            argv, cwd=CHECKOUT, env=environment | {"DEMO_PORT": str(port)},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
            timeout=TIMEOUT_SECONDS,
        )  # fmt: skip
        assert done.returncode == 0, f"{where}\n{done.stdout}{done.stderr}"
        for step, printed in zip(steps, done.stdout.split(f"\n{MARK}\n"), strict=False):
            assert step.matches(printed), f"{where}: {step.command} printed\n{printed}"


def moved(step: pages.Step, port: int) -> tuple[str, tuple[str, ...]]:
    """The step with another port of this machine in place of the pages' 8000, 8080 and 5999."""

    def move(text: str) -> str:
        for place in ("-p {}:", "localhost:{}", "0.0.0.0:{}"):
            text = text.replace(place.format(8000), place.format(port))
        return re.sub(r"127\.0\.0\.1:(?:5999|8080)\b", f"127.0.0.1:{port}", text)

    return move(step.command), tuple(map(move, step.shown))


def gpus_of(vendor: str) -> dict[str, Any]:
    """A specification of three GPUs, over harmless nodes of every host."""
    nodes = {"0": "/dev/null", "1": "/dev/zero", "2": "/dev/full"}
    described = {
        **{name: [name] for name in nodes}, "all": list(nodes), "1:0": ["1"],
    }  # fmt: skip
    return {
        "cdiVersion": "0.6.0",
        "kind": f"{vendor}.com/gpu",
        "devices": [
            {"name": name, "containerEdits": {"deviceNodes": [
                {"path": f"/dev/{vendor}{number}", "hostPath": nodes[number]} for number in numbers
            ]}}
            for name, numbers in described.items()
        ],
    }  # fmt: skip


def test_the_page_of_gpus_says_what_its_flags_give(root: Root, environment: dict[str, str]) -> None:
    """Of the tables' first column, and the MIG slice that is named beside."""
    rows = re.findall(r"^\| `(-[^`]+)` \|", pages.read("docs/gpus.md"), re.MULTILINE)
    assert {*rows, "--gpus device=1:0"} == GIVEN.keys()
    for flag, nodes in GIVEN.items():
        done = root.cli(
            "run", "--rm", "--network", "none", *flag.split(), "busybox",
            "sh", "-c", "ls /dev | grep -E 'nvidia|amd' | xargs", env=environment,
        )  # fmt: skip
        assert (flag, done.returncode, done.stdout.strip()) == (flag, 0, nodes), done.stderr


def test_the_page_of_terminals_on_a_terminal(environment: dict[str, str]) -> None:
    lines = [step.command for block in pages.blocks("docs/terminals.md") for step in block.steps]
    assert [line.split()[1] for line in lines] == ["run", "exec", "attach"]
    with Terminal() as terminal:
        for line, goodbye in zip(lines, (DETACH, b"exit\n", b"\nexit\n"), strict=True):
            terminal.start(["bash", "-c", line], environment)
            if not line.startswith("dockyard attach"):
                terminal.expect("# ")
            terminal.send(goodbye)
            assert terminal.wait() == 0, terminal.rest
            assert terminal.restored


@pytest.mark.parametrize("page", pages.PAGES)
def test_links_lead_somewhere(page: str) -> None:
    targets = [match["target"] for match in LINK.finditer(pages.read(page))]
    folder = (CHECKOUT / page).parent
    missing = [target for target in targets if not (folder / target).exists()]
    assert not missing


def test_every_decision_is_listed() -> None:
    index = (CHECKOUT / "docs/decisions/README.md").read_text()
    pages = {path.name for path in (CHECKOUT / "docs/decisions").glob("0*.md")}
    assert pages == {target for target in LINK.findall(index) if target.startswith("0")}


def own_layers(paths: Paths) -> None:
    """Copies the base images' layers, which tests share by symlink: ``save`` follows none."""
    for layer in filter(os.path.islink, map(paths.layer, os.listdir(paths.layers))):
        shared = os.readlink(layer)
        os.unlink(layer)
        subprocess.run(["cp", "-a", shared, layer], check=True)


def free_port() -> int:
    """A port of this machine that nobody uses."""
    with socket.create_server(("", 0)) as server:
        number: int = server.getsockname()[1]
        return number
