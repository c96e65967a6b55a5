"""Batches of services of a Compose project: by HTTP where ``x-dockyard`` says the port, by name."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.batches import WORKER, Case, batch_containers
from tests.support.roots import Root

_FILE = """
services:
  model:
    image: python:3.11
    command: [python, -S, /worker.py, serve]
    volumes: ["{worker}:/worker.py:ro"]
    x-dockyard:
      route: {{path: /model}}
      port: 8000
      ready: {{path: /healthz}}
      concurrency: 2
  python:
    image: busybox
    network_mode: none
    command: [sed, 's/}}$$/, "length": -1}}/']
"""


@pytest.fixture
def case(root: Root, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Case:
    """The test's directory is the current one, and has a project."""
    (tmp_path / "compose.yaml").write_text(_FILE.format(worker=WORKER))
    monkeypatch.chdir(tmp_path)
    return Case(root, tmp_path)


def test_a_service_with_a_port_gets_its_records_by_http(case: Case) -> None:
    case.write({"id": n, "text": "x" * n, "do": "fail" if n == 7 else None} for n in range(20))
    words = ("batch", "run", "--input", "data.jsonl", "--output", "out", "--shards", "2",
             "--tries", "1", "--path", "/any")  # fmt: skip
    done = case.root.cli(*words, "model", check=True)
    assert f"model is the service of {case.directory}/compose.yaml" in done.stderr
    assert case.rejections() == {"7": 'HTTP 500: {"detail": "boom"}'}
    assert {own: each["length"] for own, each in case.results().items()} == {
        str(n): n for n in range(20) if n != 7
    }  # fmt: skip
    assert '"http:8000"' in case.root.cli("batch", "ls", "--format", "json").stdout
    again = case.root.cli(*words[:-2], "-f", "compose.yaml", "--path", "/any", "model")
    assert again.returncode == 0, "with -f it is the same batch"
    assert batch_containers(case.root) == 0
    case.root.cli("compose", "down", check=True)


def test_a_name_is_the_services_and_with_a_tag_the_images(case: Case) -> None:
    case.write([{"id": 1, "text": "abc"}])
    words = ("batch", "run", "--input", "data.jsonl", "--output")
    refused = case.root.cli(*words, "out", "-m", "1g", "python")
    assert "an image is named with its tag, and without -f: python:latest" in refused.stderr
    refused = case.root.cli(*words, "out", "--path", "/x", "python")
    assert "--path needs --port" in refused.stderr
    case.root.cli(*words, "out", "python", check=True)
    assert case.results() == {"1": {"id": 1, "text": "abc", "length": -1}}
    done = case.root.cli(*words, "image", "-v", f"{WORKER}:/worker.py:ro", "python:3.11", "python",
                         "-S", "/worker.py", check=True)  # fmt: skip
    assert "service" not in done.stderr
    assert (case.directory / "image" / "shard-0000.jsonl").read_text() == '{"id": 1, "length": 3}\n'
    case.root.cli("compose", "down", check=True)
