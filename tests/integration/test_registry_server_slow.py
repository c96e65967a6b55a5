"""Clients of our registry that send or take next to nothing, and what they cost it."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.support.protocol import Talk, digest_of, manifest
from tests.support.registries import RunningRegistry, own_registry

from dockyard.oci.image import MANIFEST, MAX_DOCUMENT_BYTES

PATIENCE = 1.0


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[RunningRegistry]:
    (tmp_path / "registry").mkdir(mode=0o700)
    (tmp_path / "registry" / "registry.toml").write_text(f'stall = "{PATIENCE:.0f}s"\n')
    with own_registry(tmp_path) as running:
        yield running


@pytest.fixture
def patient(tmp_path: Path) -> Iterator[RunningRegistry]:
    """One as it is without settings: it waits for a minute."""
    with own_registry(tmp_path) as running:
        yield running


@pytest.fixture
def talk(registry: RunningRegistry) -> Talk:
    return Talk(registry.host)


def connected(registry: RunningRegistry, request: bytes) -> socket.socket:
    """A client that has sent this, and takes a few kilobytes until it reads."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.settimeout(20)
    made.connect(("127.0.0.1", registry.port))
    made.sendall(request)
    return made


def rest(connection: socket.socket) -> bytes:
    """All that comes until the other side ends it."""
    found = bytearray()
    with contextlib.suppress(ConnectionResetError):
        while block := connection.recv(1 << 20):
            found += block
    return bytes(found)


def close(registry: RunningRegistry) -> None:
    """From now on there are rules: clients need tokens."""
    registry.command("policy", "set", "anonymous", "public/**", "pull")


def large(talk: Talk, name: str) -> int:
    """Pushes a manifest that is about as large as they may be; its size."""
    filling = "x" * (MAX_DOCUMENT_BYTES - 100_000)
    talk.push_blob(name, b"{}")
    talk.push_manifest(name, "large", manifest(annotations={"filling": filling}))
    return len(filling)


def test_a_form_that_does_not_come_is_not_waited_for(registry: RunningRegistry) -> None:
    close(registry)
    head = (b"POST /token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\n\r\ngrant_type=")  # fmt: skip
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connected(registry, head)) for _ in range(20)]
        began = time.monotonic()
        answers = [rest(client) for client in clients]

    assert time.monotonic() - began < 10
    assert {answer.split(b" ", 2)[1] for answer in answers} == {b"408"}


def test_a_form_that_drips_is_not_waited_for(registry: RunningRegistry) -> None:
    close(registry)
    head = (b"POST /token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\n\r\n")  # fmt: skip
    with connected(registry, head) as client:
        began = time.monotonic()
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            while time.monotonic() - began < 8:
                client.sendall(b"x" * 400)
                time.sleep(0.1)

        assert time.monotonic() - began < 8


def test_a_document_that_nobody_takes_is_given_up(registry: RunningRegistry, talk: Talk) -> None:
    size = large(talk, "a/b")
    request = b"GET /v2/a/b/manifests/large HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with connected(registry, request) as slow:
        time.sleep(6 * PATIENCE)  # and takes nothing

        assert len(rest(slow)) < size
    assert "Traceback" not in registry.said()
    assert talk.ask("GET", "/v2/a/b/manifests/large").status == 200


def test_a_page_of_referrers_is_short_whatever_their_annotations(talk: Talk) -> None:
    subject = {"mediaType": MANIFEST, "digest": digest_of(b"subject"), "size": 7}
    talk.push_blob("a/referring", b"{}")
    texts = ["x" * 60_000 for _ in range(80)] + ["y" * (3 << 20)]
    pushed = [
        talk.push_manifest("a/referring", f"t{number}", manifest(
            subject=subject, annotations={"first": str(number), "text": text, "last": "z"}))
        for number, text in enumerate(texts)
    ]  # fmt: skip

    found: dict[str, object] = {}
    path, sizes = f"/v2/a/referring/referrers/{subject['digest']}", []
    while path:
        answer = talk.ask("GET", path)
        sizes.append(len(answer.body))
        found |= {one["digest"]: one["annotations"] for one in answer.json()["manifests"]}
        link = answer.headers.get("link", "")
        path = link[1 : link.index(">")] if link else ""

    assert sorted(found) == sorted(pushed)
    assert (len(sizes) > 1, max(sizes) < 5 << 20) == (True, True)
    assert found[pushed[0]] == {"first": "0", "text": texts[0], "last": "z"}
    assert found[pushed[-1]] == {"first": "80"}, "what has no room is in the manifest alone"


def test_the_type_of_a_referrer_is_a_short_word(talk: Talk) -> None:
    subject = {"mediaType": MANIFEST, "digest": digest_of(b"typed"), "size": 7}
    talk.push_blob("a/typed", b"{}")
    document = json.dumps(manifest(subject=subject, artifactType="a/" + "x" * 1000)).encode()

    answer = talk.ask("PUT", "/v2/a/typed/manifests/1", document, Content_Type=MANIFEST)

    assert (answer.status, answer.codes) == (400, ["MANIFEST_INVALID"])


def peak(registry: RunningRegistry) -> int:
    """The most memory that it had, in bytes."""
    status = Path(f"/proc/{registry.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) << 10


def test_documents_that_many_send_at_once_take_a_bounded_part_of_memory(
    patient: RunningRegistry,
) -> None:
    head = (f"PUT /v2/a/b/manifests/x HTTP/1.1\r\nHost: localhost\r\nContent-Type: {MANIFEST}\r\n"
            f"Content-Length: {MAX_DOCUMENT_BYTES}\r\n\r\n").encode()  # fmt: skip
    with contextlib.ExitStack() as clients:
        for _ in range(100):
            with contextlib.suppress(ConnectionResetError, BrokenPipeError):  # it was refused
                client = clients.enter_context(contextlib.closing(connected(patient, head)))
                client.sendall(b" " * (MAX_DOCUMENT_BYTES - 100_000))
        time.sleep(1)

        assert peak(patient) < 200_000_000
        assert Talk(patient.host).ask("GET", "/v2/_catalog", timeout=5).status == 200


def test_documents_that_nobody_takes_take_a_bounded_part_of_memory(
    patient: RunningRegistry,
) -> None:
    large(Talk(patient.host), "a/b")
    request = b"GET /v2/a/b/manifests/large HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with contextlib.ExitStack() as clients:
        for _ in range(100):
            clients.enter_context(contextlib.closing(connected(patient, request)))
        time.sleep(2)

        assert peak(patient) < 200_000_000
        assert Talk(patient.host).ask("GET", "/v2/_catalog", timeout=5).status == 200


def test_many_that_want_a_large_document_all_get_it(patient: RunningRegistry) -> None:
    talk = Talk(patient.host)
    large(talk, "a/b")

    with ThreadPoolExecutor(20) as crowd:
        answers = list(crowd.map(
            lambda _: talk.ask("GET", "/v2/a/b/manifests/large").status, range(60)))  # fmt: skip

    assert answers == [200] * 60
