"""Our registry in front of another one: what it gives on, keeps, and never gives."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.support.protocol import Talk, digest_of, manifest
from tests.support.registries import DockerRegistry, RunningRegistry, docker_registry, own_registry

from dockyard.oci.image import INDEX, MANIFEST

LAYER = os.urandom(3_000_000)


@pytest.fixture
def origin(tmp_path: Path) -> Iterator[DockerRegistry]:
    (tmp_path / "origin").mkdir()
    with docker_registry(tmp_path / "origin") as running:
        yield running


@pytest.fixture
def there(origin: DockerRegistry) -> Talk:
    return Talk(origin.host)


@pytest.fixture
def mirror(tmp_path: Path, origin: DockerRegistry) -> Iterator[RunningRegistry]:
    with own_registry(tmp_path, "--mirror", origin.host) as running:
        yield running


@pytest.fixture
def here(mirror: RunningRegistry) -> Talk:
    return Talk(mirror.host)


def push(talk: Talk, name: str, tag: str, *layers: bytes) -> str:
    """As :meth:`Talk.push_image`, for a registry whose places are URLs with a query."""

    def send(content: bytes) -> None:
        place = talk.start(name).partition(talk.host)[2]
        answer = talk.ask("PUT", f"{place}&digest={digest_of(content)}", content)
        assert answer.status == 201, answer

    for content in (b"{}", *layers):
        send(content)
    return talk.push_manifest(name, tag, manifest(*((digest_of(one), len(one)) for one in layers)))


def test_what_is_asked_for_is_fetched_once_and_kept(
    origin: DockerRegistry, there: Talk, here: Talk, mirror: RunningRegistry
) -> None:
    digest = push(there, "lib/app", "1", LAYER)

    head = here.ask("HEAD", "/v2/lib/app/manifests/1")
    assert head.headers["docker-content-digest"] == digest
    found = here.ask("GET", "/v2/lib/app/manifests/1")
    assert digest_of(found.body) == digest
    head = here.ask("HEAD", f"/v2/lib/app/blobs/{digest_of(LAYER)}")
    assert (head.status, head.headers["content-length"]) == (200, str(len(LAYER)))
    assert not any(digest_of(LAYER) in one for one in origin.requests("GET")), "nobody wants it yet"
    with ThreadPoolExecutor(8) as crowd:
        path = f"/v2/lib/app/blobs/{digest_of(LAYER)}"
        assert all(answer.body == LAYER for answer in crowd.map(
            lambda _: Talk(mirror.host).ask("GET", path), range(8)))  # fmt: skip

    assert len([one for one in origin.requests("GET") if digest_of(LAYER) in one]) == 1
    assert here.ask("GET", "/v2/lib/app/tags/list").json()["tags"] == ["1"]
    part = here.ask("GET", path, Range="bytes=-5")
    assert (part.status, part.body) == (206, LAYER[-5:])


def test_where_the_origin_fails_what_is_kept_is_given(tmp_path: Path) -> None:
    (tmp_path / "origin").mkdir()
    with docker_registry(tmp_path / "origin") as origin:
        digest = push(Talk(origin.host), "lib/app", "1", LAYER)
        with own_registry(tmp_path, "--mirror", origin.host) as mirror:
            here = Talk(mirror.host)
            here.ask("GET", "/v2/lib/app/manifests/1")
            here.ask("GET", f"/v2/lib/app/blobs/{digest_of(LAYER)}")
    with own_registry(tmp_path, "--mirror", origin.host) as mirror:
        here = Talk(mirror.host)

        kept = here.ask("GET", "/v2/lib/app/manifests/1")
        assert kept.headers["docker-content-digest"] == digest
        assert here.ask("GET", f"/v2/lib/app/blobs/{digest_of(LAYER)}").body == LAYER
        other = here.ask("GET", "/v2/lib/app/manifests/2")
        assert (other.status, other.codes) == (502, ["UNKNOWN"])


def test_a_tag_that_moves_is_looked_up_again(there: Talk, mirror: RunningRegistry) -> None:
    push(there, "lib/app", "1", b"first")
    assert Talk(mirror.host).ask("GET", "/v2/lib/app/manifests/1").status == 200
    second = push(there, "lib/app", "1", b"second")

    mirror.restart()  # nothing is known to be fresh

    found = Talk(mirror.host).ask("GET", "/v2/lib/app/manifests/1")
    assert found.headers["docker-content-digest"] == second


def test_an_index_leads_to_its_images(there: Talk, here: Talk) -> None:
    child = push(there, "lib/app", "child", b"layer")
    size = int(there.ask("HEAD", "/v2/lib/app/manifests/child", Accept=MANIFEST)
               .headers["content-length"])  # fmt: skip
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [
        {"mediaType": MANIFEST, "digest": child, "size": size}]}  # fmt: skip
    there.push_manifest("lib/app", "all", index, INDEX)

    found = here.ask("GET", "/v2/lib/app/manifests/all").json()
    inner = here.ask("GET", f"/v2/lib/app/manifests/{found['manifests'][0]['digest']}")

    assert inner.headers["docker-content-digest"] == child


def test_what_is_nowhere_is_not_found(here: Talk, there: Talk) -> None:
    push(there, "lib/app", "1", b"layer")

    assert here.ask("GET", "/v2/lib/app/manifests/none").codes == ["MANIFEST_UNKNOWN"]
    assert here.ask("GET", f"/v2/lib/app/blobs/{digest_of(b'none')}").codes == ["BLOB_UNKNOWN"]
    assert here.ask("HEAD", f"/v2/lib/app/blobs/{digest_of(b'none')}").status == 404


def test_content_that_was_changed_there_is_never_given_whole_and_not_kept(
    origin: DockerRegistry, there: Talk, here: Talk, mirror: RunningRegistry
) -> None:
    push(there, "lib/app", "1", LAYER)
    digest = digest_of(LAYER)
    (file,) = origin.storage.glob(f"**/{digest.removeprefix('sha256:')}/data")
    file.write_bytes(LAYER[:-1] + bytes([LAYER[-1] ^ 1]))

    for _ in range(2):
        try:
            answer = here.ask("GET", f"/v2/lib/app/blobs/{digest}")
            assert answer.status == 502
        except (http.client.IncompleteRead, ConnectionError):
            pass
    assert not any((mirror.root / "uploads").iterdir())
    assert not (mirror.root / "blobs" / "sha256" / digest.removeprefix("sha256:")).exists()


def test_nothing_is_pushed_to_a_mirror(here: Talk) -> None:
    for method, path in (("POST", "/v2/a/blobs/uploads/"), ("PUT", "/v2/a/manifests/1")):
        answer = here.ask(method, path, json.dumps({}).encode())
        assert (answer.status, answer.codes) == (405, ["UNSUPPORTED"])


def test_no_second_answer_comes_within_the_first_one(
    there: Talk, origin: DockerRegistry, tmp_path: Path
) -> None:
    layer = bytes(60_000_000)
    push(there, "lib/app", "1", layer)
    (tmp_path / "registry").mkdir(mode=0o700)
    (tmp_path / "registry" / "registry.toml").write_text('stall = "1s"\n')
    with own_registry(tmp_path, "--mirror", origin.host) as mirror, socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.settimeout(20)
        slow.connect(("127.0.0.1", mirror.port))
        path = f"/v2/lib/app/blobs/{digest_of(layer)}"
        slow.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        time.sleep(4)  # and takes nothing
        taken = bytearray()
        with contextlib.suppress(ConnectionResetError):
            while block := slow.recv(1 << 20):
                taken += block

        assert taken.count(b"HTTP/1.1") == 1
        assert len(taken) < len(layer)
        assert "Traceback" not in mirror.said()
        assert Talk(mirror.host).ask("GET", path).body == layer
