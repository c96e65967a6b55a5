"""Hostile clients of our registry: security.md's list, against a server that runs."""

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
from tests.support.protocol import Answer, Talk, digest_of
from tests.support.registries import RunningRegistry, own_registry

from dockyard.oci.image import MANIFEST

CANARY = b"a file that no client may ever see"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    directory = tmp_path_factory.mktemp("attacked")
    (directory / "registry").mkdir(mode=0o700)
    (directory / "registry" / "registry.toml").write_text('stall = "2s"\nmax-blob = "1MB"\n')
    (directory / "canary").write_bytes(CANARY)
    with own_registry(directory) as running:
        yield running


@pytest.fixture
def talk(registry: RunningRegistry) -> Talk:
    return Talk(registry.host)


def raw(registry: RunningRegistry, data: bytes, *, wait: float = 10) -> bytes:
    """What is answered to bytes as they are."""
    with socket.create_connection(("127.0.0.1", registry.port), wait) as connection:
        connection.sendall(data)
        found = b""
        while block := connection.recv(65536):
            found += block
        return found


UP = ("..", "%2e%2e", "..%2f", "%2e%2e%2f", "..%5c", "%252e%252e", "....//", "\\..\\", "..;")


@pytest.mark.parametrize("up", UP)
def test_no_path_leads_out_of_the_registry(registry: RunningRegistry, up: str) -> None:
    paths = [
        f"/v2/{up}/{up}/canary", f"/v2/a/blobs/{up}/{up}/canary", f"/v2/{up}/blobs/sha256:00",
        f"/v2/a/{up}/manifests/x", f"/v2/a/manifests/{up}", f"/v2/a/blobs/sha256:{up}/canary",
        f"/v2/a/blobs/uploads/{up}", f"/v2/a/referrers/{up}", f"/{up}/canary", f"/v2{up}canary",
        f"/v2/a/blobs/uploads/{up}/{up}/registry.db",
    ]  # fmt: skip
    for path in paths:
        for method in ("GET", "DELETE", "PUT", "PATCH"):
            line = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n"
            answer = raw(registry, line.encode() + b"Connection: close\r\n\r\nx")
            status = int(answer.split(b" ", 2)[1])
            assert 400 <= status < 500, (method, path, answer)
            assert CANARY not in answer
    assert (registry.root.parent / "canary").read_bytes() == CANARY


@pytest.mark.parametrize(
    "name",
    ["A", "a//b", "/a", "a/", "a/.", "a/../b", "a.", ".a", "a__.b", "a___b", "a b", "a%00b", "ä",
     "a" * 256, "a\\b", "a;b", "a%2Fb", "a%0d%0aX:y"],
)  # fmt: skip
def test_what_is_no_name_of_a_repository_is_refused(registry: RunningRegistry, name: str) -> None:
    line = f"POST /v2/{name}/blobs/uploads/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n"

    answer = raw(registry, line.encode("utf-8") + b"Connection: close\r\n\r\n")

    assert answer.split(b" ", 2)[1] in {b"400", b"404"}, answer


@pytest.mark.parametrize(
    "digest",
    ["sha256:", "sha256:abc", "sha256:" + "A" * 64, "md5:" + "0" * 32, "sha256:" + "0" * 63 + "g",
     "sha512:" + "0" * 64, ":", "sha256:" + "0" * 65, "sha256:../../../canary", "sha1:" + "0" * 40],
)  # fmt: skip
def test_what_is_no_digest_is_refused(talk: Talk, digest: str) -> None:
    place = talk.start("a/b")

    finished = talk.ask("PUT", f"{place}?digest={digest}")
    mounted = talk.ask("POST", f"/v2/a/b/blobs/uploads/?mount={digest}&from=a/c")

    assert (finished.status, finished.codes) == (400, ["DIGEST_INVALID"])
    assert (mounted.status, mounted.codes) == (400, ["DIGEST_INVALID"])
    assert talk.ask("GET", f"/v2/a/b/blobs/{digest}").status in {400, 404}


def test_a_header_that_comes_back_holds_no_other_header(
    talk: Talk, registry: RunningRegistry
) -> None:
    talk.push_image("a/h", "x", b"1")
    talk.push_image("a/h", "y", b"1")

    page = talk.ask("GET", "/v2/a/h/tags/list?n=1&last=%0d%0aX-Evil:%201")
    document = json.dumps(talk.image("a/h", b"2")).encode()
    line = (f"PUT /v2/a/h/manifests/z HTTP/1.1\r\nContent-Length: {len(document)}\r\n"
            "Host: localhost\r\nConnection: close\r\n"
            "Content-Type: text/html;\x0bX-Evil: 1\r\n\r\n")  # fmt: skip
    answer = raw(registry, line.encode() + document)
    realm = raw(
        registry, b'GET /v2/ HTTP/1.1\r\nHost: x"\x0bX-Evil: 1\r\nConnection: close\r\n\r\n'
    )

    assert "x-evil" not in page.headers
    assert answer.split(b" ", 2)[1] == b"400"
    assert b"\nx-evil" not in (answer + realm).lower()


def test_what_is_too_large_is_refused_before_it_is_kept(
    talk: Talk, registry: RunningRegistry
) -> None:
    before = stored(registry)
    mega = b"x" * (1 << 20)

    place = talk.start("a/large")
    announced = talk.ask("PATCH", place, mega + b"x")
    streamed = talk.ask("PATCH", place, (b"x" * 10_000 for _ in range(200)))
    whole = talk.ask("POST", f"/v2/a/large/blobs/uploads/?digest={digest_of(mega)}", mega + b"x")
    manifest = talk.ask("PUT", "/v2/a/large/manifests/1", (mega for _ in range(5)),
                        Content_Type=MANIFEST)  # fmt: skip
    header = talk.ask("GET", "/v2/", X_Large="y" * 100_000)

    for answer in (announced, streamed, whole, manifest):
        assert answer.status == 413, answer
    assert header.status in {400, 431}
    assert stored(registry) - before <= 2 << 20
    talk.ask("DELETE", place)


def stored(registry: RunningRegistry) -> int:
    return sum(path.stat().st_size for path in (registry.root / "uploads").iterdir())


def test_a_client_that_sends_next_to_nothing_is_let_go(talk: Talk) -> None:
    def drip() -> Iterator[bytes]:
        for _ in range(100):
            yield b"x"
            time.sleep(0.1)

    began = time.monotonic()
    answer: Answer | Exception
    try:
        answer = talk.ask("PATCH", talk.start("a/slow"), drip())
    except (BrokenPipeError, ConnectionResetError, http.client.HTTPException) as error:
        answer = error

    assert time.monotonic() - began < 9
    assert not isinstance(answer, Answer) or answer.status == 408


def test_a_client_that_takes_next_to_nothing_is_let_go(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    directory = tmp_path_factory.mktemp("slow")
    (directory / "registry").mkdir(mode=0o700)
    (directory / "registry" / "registry.toml").write_text('stall = "2s"\n')
    with own_registry(directory) as registry:
        digest = Talk(registry.host).push_blob("a/b", bytes(40_000_000))
        with socket.create_connection(("127.0.0.1", registry.port), 20) as slow:
            slow.sendall(f"GET /v2/a/b/blobs/{digest} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            time.sleep(5)  # and takes nothing
            taken = 0
            with contextlib.suppress(ConnectionResetError):
                while block := slow.recv(1 << 20):
                    taken += len(block)

        assert taken < 40_000_000
        assert "Traceback" not in registry.said()


def test_many_stalled_clients_keep_nobody_out(registry: RunningRegistry, talk: Talk) -> None:
    stalled = []
    for number in range(300):
        connection = socket.create_connection(("127.0.0.1", registry.port), 10)
        line = b"GET /v2/ HTTP/1.1\r\nHost: localhost\r\n" if number % 2 else b""
        connection.sendall(line)
        stalled.append(connection)
    try:
        began = time.monotonic()
        assert talk.push_image("a/prompt", "1", b"layer")
        assert time.monotonic() - began < 10
    finally:
        for connection in stalled:
            connection.close()


@pytest.mark.parametrize(
    "head",
    [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 99999999999999999999\r\n",
    ],
)
def test_no_request_is_hidden_in_another(registry: RunningRegistry, talk: Talk, head: str) -> None:
    place = talk.start("a/smuggled")
    hidden = f"0\r\n\r\nDELETE {place} HTTP/1.1\r\nHost: localhost\r\n\r\n"
    line = f"PATCH {place} HTTP/1.1\r\nHost: localhost\r\n{head}\r\n{hidden}"

    with socket.create_connection(("127.0.0.1", registry.port), 5) as connection:
        connection.sendall(line.encode())
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass

    assert talk.ask("GET", place).status == 204


def test_a_compressed_body_is_content_as_it_is(talk: Talk) -> None:
    """A body that says it is gzip is not unpacked: the digest is of what was sent."""
    import gzip

    packed = gzip.compress(b"x" * 10_000_000)
    place = talk.start("a/packed")

    talk.ask("PATCH", place, packed, Content_Encoding="gzip")

    assert talk.ask("PUT", f"{place}?digest={digest_of(packed)}").status == 201


def test_a_damaged_blob_is_never_served_and_can_be_pushed_again(
    talk: Talk, registry: RunningRegistry
) -> None:
    content = os.urandom(100_000)
    digest = talk.push_blob("a/broken", content)
    path = registry.root / "blobs" / "sha256" / digest.removeprefix("sha256:")

    path.write_bytes(content[:-1])
    assert talk.ask("GET", f"/v2/a/broken/blobs/{digest}").status == 404
    assert talk.ask("HEAD", f"/v2/a/broken/blobs/{digest}").status == 404
    talk.push_blob("a/broken", content)
    assert talk.ask("GET", f"/v2/a/broken/blobs/{digest}").body == content

    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    done = registry.command("gc", "--verify", check=False)
    assert (done.returncode, f"damaged: {digest}" in done.stdout) == (1, True)
    assert talk.ask("GET", f"/v2/a/broken/blobs/{digest}").status == 404
    talk.push_blob("a/broken", content)
    assert registry.command("gc", "--verify").returncode == 0


def test_two_hundred_clients_at_once(talk: Talk, registry: RunningRegistry) -> None:
    layers = [os.urandom(200_000) for _ in range(20)]

    def work(number: int) -> bool:
        name = f"crowd/app-{number % 40}"
        layer = layers[number % 20]
        client = Talk(registry.host)
        digest = client.push_image(name, f"t{number}", layer)
        pulled = client.ask("GET", f"/v2/{name}/manifests/t{number}", timeout=120)
        blob = client.ask("GET", f"/v2/{name}/blobs/{digest_of(layer)}", timeout=120)
        return pulled.headers["docker-content-digest"] == digest and blob.body == layer

    with ThreadPoolExecutor(200) as crowd:
        assert all(crowd.map(work, range(400)))

    status = Path(f"/proc/{registry.pid}/status").read_text()
    peak = int(status.partition("VmHWM:")[2].split()[0])
    assert peak < 200_000, "kilobytes"


def test_the_directory_is_its_owners_alone(registry: RunningRegistry) -> None:
    given = {registry.root / "registry.toml"}
    for path in {registry.root, *registry.root.rglob("*")} - given:
        assert path.stat().st_mode & 0o077 == 0, path


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    """One with rules, that gives tokens."""
    with own_registry(tmp_path_factory.mktemp("closed")) as running:
        running.command("policy", "set", "anonymous", "public/**", "pull")
        yield running


FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (f"{FORM}; charset=punycode", b"-" + b"a" * 900_000),
        (f"{FORM}; charset=punycode", b"-" + b"a" * 60_000),
        (f"{FORM}; charset=nosuch", b"grant_type=x"),
        (f"{FORM}; charset=unicode_escape", b"grant_type=password&username=\\ud800&password=x"),
        (f"{FORM}; charset=utf-7", b"grant_type=+2AA-"),
        (FORM, b"grant_type=password&username=%ED%A0%80&password=x"),
        (FORM, b"grant_type=\xff"),
        (FORM, b"&".join(b"a=b" for _ in range(10_000))),
        ("multipart/form-data; boundary=x", b"--x\r\nnonsense"),
        ("multipart/form-data", b"--x--\r\n"),
        ("application/json", b"{}"),
    ],
)
def test_no_form_keeps_the_registry_from_others(
    closed: RunningRegistry, kind: str, body: bytes
) -> None:
    talk = Talk(closed.host)
    blocks = (body[start : start + 50_000] for start in range(0, len(body), 50_000))
    began = time.monotonic()
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it was refused meanwhile
        answer = talk.ask("POST", "/token", blocks, timeout=20, Content_Type=kind)
        assert answer.status in {400, 401, 413}, answer

    assert talk.ask("GET", "/healthz", timeout=5).status == 200
    assert time.monotonic() - began < 5
    assert "Traceback" not in closed.said()


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v2/"), ("GET", "/v2/_catalog"), ("POST", "/v2/a/b/blobs/uploads/"),
     ("DELETE", "/v2/a/b/manifests/1"), ("GET", "/token"), ("GET", "/metrics")],
)  # fmt: skip
def test_no_web_page_speaks_to_a_registry_that_is_open_to_this_host(
    talk: Talk, method: str, path: str
) -> None:
    rebound = talk.ask(method, path, Host="evil.example:5000")
    posted = talk.ask(method, path, Origin="http://evil.example")

    assert (rebound.status, rebound.codes) == (403, ["DENIED"])
    assert (posted.status, posted.codes) == (403, ["DENIED"])
    for host in ("localhost", "127.0.0.1:5000", "[::1]:5000"):
        assert talk.ask(method, path, Host=host).status not in {401, 403}
    assert talk.ask("GET", "/v2/").status == 200


def test_a_registry_has_the_name_that_it_is_given_and_with_rules_any(tmp_path: Path) -> None:
    with own_registry(tmp_path, "--url", "https://registry.example") as named:
        talk = Talk(named.host)
        assert talk.ask("GET", "/v2/", Host="registry.example").status == 200
        assert talk.ask("GET", "/v2/", Host="evil.example").status == 403

        named.command("policy", "set", "anonymous", "public/**", "pull")

        assert talk.ask("GET", "/v2/", Host="other.example").status == 401
        assert talk.ask("GET", "/v2/", Origin="https://page.example").status == 401
