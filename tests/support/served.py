"""The stacks of examples/serve-* as tests use them: images made once, files in a test's root."""

from __future__ import annotations

import hashlib
import json
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.support import bases
from tests.support.registries import free_port
from tests.support.roots import Root

SMALL = ("serve-demo", "serve-ab")
MODELS = ("serve-single", "serve-pipeline", "serve-multimodel")
SHARED = ("embeddings",)
"""Folders that the others build from."""
BUILD_SECONDS = 900
PATIENCE_SECONDS = 120


def images(*examples: str) -> Path:
    """The directory of a root with all images of these examples: ``SMALL``, or ``MODELS``."""

    def make(place: Path) -> None:
        root = Root(place, base)
        for name in examples:
            root.cli("compose", "-f", f"{_example(name)}/compose.yaml", "build", check=True,
                     timeout=BUILD_SECONDS)  # fmt: skip

    base = bases.cached()
    kind = "test-serving-small" if examples == SMALL else "test-serving-models"
    return bases.kept(kind, _fingerprint(base, *examples, *SHARED), make)


def furnished(make_root: Callable[..., Root], examples: tuple[str, ...]) -> Root:
    """A root of a test's own with these examples' images."""
    root = make_root(images=False)
    bases.furnish(images(*examples), root.paths)
    return root


def place(root: Root, example: str) -> Path:
    """A copy of an example in a root."""
    for name in (example, *SHARED):
        shutil.copytree(_example(name), root.base / "examples" / name,
                        ignore=shutil.ignore_patterns("__pycache__"))  # fmt: skip
    return root.base / "examples" / example


class Answer:
    """What a request got."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = {name.lower(): value for name, value in headers.items()}
        self.body = body

    def json(self) -> Any:
        """Its content."""
        return json.loads(self.body)

    def __repr__(self) -> str:
        return f"{self.status} {self.headers} {self.body[:500]!r}"


def ask(
    url: str, body: object = None, *, timeout: float = 90, method: str | None = None,
    **headers: str,
) -> Answer:  # fmt: skip
    """One request: a body that isn't bytes is sent as JSON. Status 0 where nothing answers."""
    is_json = body is not None and not isinstance(body, bytes)
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    names = {"Content-Type": "application/json"} if is_json else {}
    names |= {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, data, names, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=timeout) as response:
            return Answer(response.status, dict(response.headers), response.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, dict(error.headers), error.read())
    except OSError as error:
        return Answer(0, {}, str(error).encode())


class Stack:
    """An example's project in a root, by the command line and by HTTP."""

    def __init__(self, root: Root, example: str, port_variable: str = "PORT") -> None:
        self.root = root
        self.directory = place(root, example)
        self.port = free_port()
        self._variable = port_variable
        self.url = f"http://127.0.0.1:{self.port}"

    def compose(self, *arguments: str, timeout: float = PATIENCE_SECONDS) -> str:
        """What a command that must succeed prints."""
        return self.root.cli(
            "compose", "-f", f"{self.directory}/compose.yaml", *arguments, check=True,
            env={self._variable: str(self.port)}, timeout=timeout,
        ).stdout  # fmt: skip

    def containers(self, service: str) -> list[str]:
        """Ids of a service's containers that run."""
        return self.compose("ps", "-q", service).split()

    def ask(self, path: str, body: object = None, **more: Any) -> Answer:
        """One request to the gateway."""
        return ask(f"{self.url}{path}", body, **more)


def _fingerprint(base: Path, *examples: str) -> str:
    whole = hashlib.sha256(base.name.encode())
    for name in examples:
        for path in sorted(_example(name).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".md":
                whole.update(path.read_bytes())
    return whole.hexdigest()[:12]


def _example(name: str) -> Path:
    return bases.CHECKOUT / "examples" / name
