"""Our registry is killed while clients push, and collects garbage all the time: nothing that was
acknowledged is lost, and nothing that is served is damaged.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.protocol import EMPTY, Answer, Talk, digest_of, manifest
from tests.support.registries import RunningRegistry, own_registry
from tests.support.waiting import until

ROUNDS = 10 * int(os.environ.get("DOCKYARD_SOAK", "1"))
CHUNK = 64 << 10
BROKEN = (OSError, http.client.HTTPException)
RULES = '[gc]\nevery = "never"\ngrace = "2s"\nuntagged = "2s"\nuploads = "60s"\n'


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[RunningRegistry]:
    (tmp_path / "registry").mkdir(mode=0o700)
    (tmp_path / "registry" / "registry.toml").write_text(RULES)
    with own_registry(tmp_path) as running:
        yield running


class Pusher(threading.Thread):
    """Pushes image after image to a repository of its own; goes on where a kill left it."""

    def __init__(self, registry: RunningRegistry, number: int, ending: threading.Event) -> None:
        super().__init__()
        self.talk = Talk(registry.host)
        self.name = f"soak/app-{number}"
        self.acknowledged: dict[str, tuple[str, list[bytes]]] = {}
        """Digest of the manifest and layers, by tag; a tag is pushed once."""
        self.resumed = 0
        self.failure: BaseException | None = None
        self._ending = ending
        self._random = random.Random(number)

    def run(self) -> None:
        number = 0
        try:
            while not self._ending.is_set():
                layers = [self._random.randbytes(self._random.randrange(1, 8 * CHUNK))
                          for _ in range(2)]  # fmt: skip
                self.push(f"t{number}", layers)
                number += 1
        except BaseException as error:  # noqa: BLE001  # the test's own thread shows it
            self.failure = error

    def push(self, tag: str, layers: list[bytes]) -> None:
        """Tries until the manifest is acknowledged, or all is over."""
        while not self._ending.is_set():
            with contextlib.suppress(*BROKEN):
                for content in (b"{}", *layers):
                    self.send(content)
                document = manifest(*((digest_of(one), len(one)) for one in layers))
                data = json.dumps(document).encode()
                answer = self.talk.ask("PUT", f"/v2/{self.name}/manifests/{tag}", data,
                                       Content_Type=str(document["mediaType"]))  # fmt: skip
                if answer.status == 404:  # a blob was collected: it is sent again
                    assert answer.codes == ["MANIFEST_BLOB_UNKNOWN"], answer
                    continue
                assert answer.status == 201, answer
                self.acknowledged[tag] = (digest_of(data), layers)
                return
            time.sleep(0.05)

    def send(self, content: bytes) -> None:
        """Sends a blob in chunks; after a failure it goes on where the registry says."""
        digest = digest_of(content)
        if self.talk.ask("HEAD", f"/v2/{self.name}/blobs/{digest}").status == 200:
            return
        place, offset, broken = self.talk.start(self.name), 0, False
        while offset < len(content):
            chunk = content[offset : offset + CHUNK]
            try:
                span = f"{offset}-{offset + len(chunk) - 1}"
                answer = self.talk.ask("PATCH", place, chunk, Content_Range=span)
                assert answer.status in {202, 416}, answer
            except BROKEN:
                broken = True
                answer = self.look(place)
                assert answer.status == 204, f"an upload that was begun is lost: {answer}"
            end = int(answer.headers["range"].partition("-")[2])
            offset = end + 1 if end else 0
            self.resumed += broken and offset > 0
        answer = self.talk.ask("PUT", f"{place}?digest={digest}")
        assert answer.status == 201, answer

    def look(self, place: str) -> Answer:
        """How much has come, as soon as the registry is there again."""
        for _ in range(600):
            with contextlib.suppress(*BROKEN):
                return self.talk.ask("GET", place)
            time.sleep(0.05)
        raise AssertionError("the registry did not come back")


def test_kills_lose_nothing_and_damage_nothing(registry: RunningRegistry) -> None:
    ending, chance = threading.Event(), random.Random(4)
    pushers = [Pusher(registry, number, ending) for number in range(4)]
    collecting = threading.Thread(target=collect, args=(registry, ending))
    for each in (*pushers, collecting):
        each.start()
    try:
        for _ in range(ROUNDS):
            time.sleep(chance.uniform(0.05, 1.0))
            registry.restart()
        until(
            lambda: (
                any(each.failure for each in pushers)
                or sum(len(each.acknowledged) for each in pushers) > ROUNDS
            ),
            120,
        )
    finally:
        ending.set()
        for each in (*pushers, collecting):
            each.join(120)

    assert [each.failure for each in pushers if each.failure] == []
    assert "Traceback" not in registry.said()
    assert any(each.resumed for each in pushers)
    for each in pushers:
        for tag, (digest, layers) in each.acknowledged.items():
            answer = each.talk.ask("GET", f"/v2/{each.name}/manifests/{tag}")
            assert digest_of(answer.body) == digest
            for layer in layers:
                found = each.talk.ask("GET", f"/v2/{each.name}/blobs/{digest_of(layer)}")
                assert found.body == layer
    assert registry.command("gc", "--verify").returncode == 0
    nothing_leaks(registry)


def collect(registry: RunningRegistry, ending: threading.Event) -> None:
    """Garbage collection from another process, over and over."""
    while not ending.is_set():
        done = registry.command("gc")
        assert done.returncode == 0, done.stderr


def nothing_leaks(registry: RunningRegistry) -> None:
    """When all is collected, there is just what tags need."""
    time.sleep(2)
    registry.command("gc", "--grace", "0s")
    talk = Talk(registry.host)
    needed = {EMPTY}
    for name in talk.ask("GET", "/v2/_catalog").json()["repositories"]:
        for tag in talk.ask("GET", f"/v2/{name}/tags/list").json()["tags"]:
            layers = talk.ask("GET", f"/v2/{name}/manifests/{tag}").json()["layers"]
            needed |= {layer["digest"] for layer in layers}
    stored = {f"sha256:{path.name}" for path in (registry.root / "blobs" / "sha256").iterdir()}
    assert stored == needed


def test_garbage_goes_and_what_is_needed_stays(registry: RunningRegistry) -> None:
    talk = Talk(registry.host)
    kept = talk.push_image("gc/app", "kept", b"kept layer")
    lost = talk.push_image("gc/app", "lost", b"lost layer")
    subject = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "size": 1}
    signature = talk.image("gc/app", b"signature", subject=subject | {"digest": kept})
    signed = digest_of(json.dumps(signature).encode())
    talk.push_manifest("gc/app", signed, signature)
    stray = talk.push_blob("gc/app", b"of no manifest")
    talk.ask("DELETE", "/v2/gc/app/manifests/lost")
    place = talk.start("gc/app")
    talk.ask("PATCH", place, b"under way")

    registry.command("gc", "--grace", "1h")
    for path in (f"manifests/{lost}", f"blobs/{stray}"):
        assert talk.ask("HEAD", f"/v2/gc/app/{path}").status == 200, "they are not old enough"
    time.sleep(4)
    planned = json.loads(registry.command("gc", "--dry-run", "--format", "json").stdout)
    done = json.loads(registry.command("gc", "--format", "json").stdout)

    assert planned == done
    assert done["Manifests"] == [f"gc/app@{lost}"]
    assert set(done["Blobs"]) == {stray, digest_of(b"lost layer")}
    assert done["Bytes"] == len(b"of no manifest" + b"lost layer")
    assert talk.ask("HEAD", f"/v2/gc/app/manifests/{lost}").status == 404
    assert talk.ask("HEAD", f"/v2/gc/app/blobs/{stray}").status == 404
    for tag in ("kept", signed):
        assert talk.ask("GET", f"/v2/gc/app/manifests/{tag}").status == 200
    assert talk.ask("GET", f"/v2/gc/app/blobs/{digest_of(b'signature')}").body == b"signature"
    assert talk.ask("GET", place).headers["range"] == "0-8"
    assert done["Uploads"] == 0


def test_two_clients_push_the_same_image_at_once(registry: RunningRegistry) -> None:
    layers = [os.urandom(200_000) for _ in range(3)]
    digests: list[str] = []

    def push(number: int) -> None:
        digests.append(Talk(registry.host).push_image("twice/app", f"t{number % 2}", *layers))

    threads = [threading.Thread(target=push, args=(number,)) for number in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert len(digests) == 8
    assert len(set(digests)) == 1
    talk = Talk(registry.host)
    for layer in layers:
        assert talk.ask("GET", f"/v2/twice/app/blobs/{digest_of(layer)}").body == layer


def test_a_client_that_comes_back_takes_its_upload_over(registry: RunningRegistry) -> None:
    """Its old connection is dead, but nobody has noticed yet."""
    talk = Talk(registry.host)
    place = talk.start("over/app")
    connection = http.client.HTTPConnection(registry.host, timeout=10)
    connection.putrequest("PATCH", place)
    connection.putheader("Content-Length", "1000000")
    connection.endheaders()
    connection.send(b"x" * 200_000)
    file = registry.root / "uploads" / place.rpartition("/")[2]
    deadline = time.monotonic() + 10
    while file.stat().st_size == 0 and time.monotonic() < deadline:
        time.sleep(0.05)
        connection.send(b"x" * 50_000)

    began = time.monotonic()
    size = int(talk.ask("GET", place).headers["range"].partition("-")[2]) + 1
    answer = talk.ask("PATCH", place, b"y" * 10)

    assert time.monotonic() - began < 5
    end = int(answer.headers["range"].partition("-")[2]) + 1
    assert answer.status == 202
    assert end >= size + 10
    assert file.read_bytes()[-10:] == b"y" * 10
    connection.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="a small disk takes root to mount")
def test_a_full_disk_refuses_pushes_and_serves_pulls(tmp_path: Path) -> None:
    place = tmp_path / "registry"
    place.mkdir(mode=0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m,mode=0700", "none", place], check=True)
    try:
        with own_registry(tmp_path) as registry:
            talk = Talk(registry.host)
            talk.push_image("a/small", "1", b"layer")
            upload = talk.start("a/large")

            full = talk.ask("PATCH", upload, os.urandom(40 << 20))

            assert (full.status, full.codes) == (507, ["UNKNOWN"]), full
            assert talk.ask("GET", "/v2/a/small/manifests/1").status == 200
            assert talk.ask("GET", f"/v2/a/small/blobs/{digest_of(b'layer')}").body == b"layer"
            assert not any((place / "uploads").iterdir()), "what can't be kept makes room at once"
            assert talk.ask("GET", upload).status == 404
            registry.restart()
            talk.push_image("a/small", "2", os.urandom(100_000))
    finally:
        subprocess.run(["umount", "-l", place], check=True)
