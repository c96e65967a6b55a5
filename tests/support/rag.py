"""The stack of examples/rag as tests use it: images made once, files in a test's root."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from tests.support import bases
from tests.support.registries import free_port
from tests.support.roots import Root

EXAMPLES = ("embeddings", "rag")
IMAGES = ("python:3.11", "redis:7", "prom/prometheus", "oliver006/redis_exporter")
PGVECTOR = ("pgvector/pgvector:pg17", "prometheuscommunity/postgres-exporter")
BUILD_SECONDS = 600
PATIENCE_SECONDS = 120


class Stack:
    """The project of a root, by the command line and by HTTP."""

    def __init__(self, root: Root, directory: Path, *files: str) -> None:
        self.root = root
        self.directory = directory
        self._files = [word for file in files for word in ("-f", f"{directory}/{file}")]
        self._ports = {"RAG_PORT": free_port(), "PROMETHEUS_PORT": free_port()}

    def compose(self, *arguments: str, timeout: float = PATIENCE_SECONDS) -> str:
        """What a command that must succeed prints."""
        ports = {name: str(port) for name, port in self._ports.items()}
        return self.root.cli("compose", *self._files, *arguments, check=True, env=ports,
                             timeout=timeout).stdout  # fmt: skip

    def up(self) -> None:
        """Brings it up, until all of it is healthy."""
        self.compose("up", "-d", "--wait", "--wait-timeout", str(PATIENCE_SECONDS),
                     timeout=2 * PATIENCE_SECONDS)  # fmt: skip

    def load(self) -> None:
        """Loads the sample corpus."""
        self.compose("run", "--rm", "load", timeout=2 * PATIENCE_SECONDS)

    def inspect(self, service: str) -> dict[str, Any]:
        """The container of a service."""
        name = f"rag-{service}-1"
        found: list[dict[str, Any]] = json.loads(self.root.cli("inspect", name, check=True).stdout)
        return found[0]

    def call(self, path: str, body: object = None) -> tuple[int, dict[str, Any]]:
        """The API's status and JSON."""
        data = None if body is None else json.dumps(body).encode()
        return _fetch(f"http://127.0.0.1:{self._ports['RAG_PORT']}/{path}", data)

    def ask(self, question: str, k: int = 5) -> dict[str, Any]:
        """An answer, which there must be."""
        status, answer = self.call("ask", {"question": question, "k": k})
        assert status == 200, answer
        return answer

    def passages(self) -> int:
        """The number of passages in the vector database."""
        status, answer = self.call("documents")
        assert status == 200, answer
        return int(answer["passages"])

    def measured(self, expression: str) -> dict[str, float]:
        """What Prometheus knows: values by job."""
        words = urllib.parse.urlencode({"query": expression})
        url = f"http://127.0.0.1:{self._ports['PROMETHEUS_PORT']}/api/v1/query?{words}"
        status, answer = _fetch(url)
        assert status == 200, answer
        rows = answer["data"]["result"]
        return {row["metric"]["job"]: float(row["value"][1]) for row in rows}


def place(root: Root) -> Path:
    """A copy of the example in a root, with passwords of its own."""
    for name in EXAMPLES:
        shutil.copytree(_example(name), root.base / "examples" / name,
                        ignore=shutil.ignore_patterns("secrets", "__pycache__"))  # fmt: skip
    directory = root.base / "examples" / "rag"
    subprocess.run([f"{directory}/passwords"], check=True)
    return directory


def images(*more: str) -> Path:
    """The directory of a root with all images of the example, and ``more`` stock ones."""
    stocked = bases.stocked(*IMAGES, *more)

    def make(place: Path) -> None:
        root = Root(place, stocked)
        root.cli("compose", "-f", f"{_example('rag')}/compose.yaml", "build", check=True,
                 timeout=BUILD_SECONDS)  # fmt: skip

    kind = "test-rag-more" if more else "test-rag"
    return bases.kept(kind, _fingerprint(stocked), make)


def _fingerprint(stocked: Path) -> str:
    whole = hashlib.sha256(stocked.name.encode())
    for name in EXAMPLES:
        for path in sorted(_example(name).rglob("*")):
            if path.is_file() and not {"__pycache__", "secrets"} & set(path.parts):
                whole.update(path.read_bytes())
    return whole.hexdigest()[:12]


def _example(name: str) -> Path:
    return bases.CHECKOUT / "examples" / name


def _fetch(url: str, body: bytes | None = None) -> tuple[int, dict[str, Any]]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, body, timeout=60) as response:
            return int(response.status), json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)
    except OSError as error:
        return 0, {"error": str(error)}
