"""What the documentation shows works: its commands, its Python, its links.

Fenced blocks marked ``console`` (lines that begin with ``$ ``; the others are output) and
``python`` are run in the order of the page, from the top of the checkout, each page with a new
root. An HTML comment before a block, ``<!-- not run: REASON -->``, spares it.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.support.bases import CHECKOUT
from tests.support.roots import Root

from dockyard.state.paths import Paths

TIMEOUT_SECONDS = 240
BLOCK = re.compile(
    r"^(?:<!-- not run: (?P<reason>[^>]+) -->\n)?```(?P<language>console|python)\n"
    r"(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
LINK = re.compile(r"\]\((?P<target>[^)#:\s]+)(?:#[^)]*)?\)")
PAGES = sorted(
    str(path.relative_to(CHECKOUT))
    for pattern in ("*.md", "docs/**/*.md", "examples/*/README.md")
    for path in CHECKOUT.glob(pattern)
)


class Block(NamedTuple):
    """A fenced block that is to be run; ``line`` is where its text begins."""

    language: str
    text: str
    line: int

    def argv(self, port: int) -> list[str]:
        """The program that runs it, with another port of this machine in place of 8000."""
        if self.language == "python":
            return [sys.executable, "-c", self.text]
        commands = [line[2:] for line in self.text.splitlines() if line.startswith("$ ")]
        script = "\n".join(commands)
        for text in ("-p {}:", "localhost:{}"):
            script = script.replace(text.format(8000), text.format(port))
        return ["bash", "-euo", "pipefail", "-c", script]


def blocks(page: str) -> list[Block]:
    """The blocks of a page that can be run."""
    text = (CHECKOUT / page).read_text()
    return [
        Block(match["language"], match["text"], text.count("\n", 0, match.start("text")) + 1)
        for match in BLOCK.finditer(text)
        if match["reason"] is None
    ]


@pytest.fixture(scope="module")
def root(base_images: Path, used_roots: list[Paths]) -> Iterator[Root]:
    """One root for all pages, so that what one builds is cached for the next."""
    made = Root(Path(tempfile.mkdtemp(prefix="dockyard-test-", dir="/var/tmp")), base_images)
    used_roots.append(made.paths)
    own_layers(made.paths)
    yield made
    left = made.leftovers()
    made.close()
    assert not left


@pytest.fixture
def environment(root: Root) -> Iterator[dict[str, str]]:
    """What a user has after the installation; containers that a page leaves are removed."""
    programs = os.path.dirname(sys.executable)
    yield root.environment(PATH=f"{programs}:{os.environ['PATH']}")
    root.empty()


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)])
def test_a_page_does_what_it_shows(page: str, environment: dict[str, str]) -> None:
    port = free_port()
    for block in blocks(page):
        done = subprocess.run(
            block.argv(port), cwd=CHECKOUT, env=environment, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, errors="replace", timeout=TIMEOUT_SECONDS,
        )  # fmt: skip
        assert done.returncode == 0, f"{page}:{block.line}\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    targets = [match["target"] for match in LINK.finditer((CHECKOUT / page).read_text())]
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
