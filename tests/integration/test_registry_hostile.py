"""Registries that lie, break off, or lead elsewhere; and networks that don't hold."""

from __future__ import annotations

import contextlib
import io
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from tests.support import registries
from tests.support.registries import auths, docker_registry, encoded, free_port
from tests.support.servers import Answer, Web, authority, tunnels, web

from dockyard.errors import ContentMismatch, DockyardError, HostileInput, NotFound, NotSupported
from dockyard.oci import digest as digests
from dockyard.oci.image import CONFIG, INDEX, MANIFEST, Descriptor
from dockyard.oci.reference import Reference
from dockyard.registry.client import Client
from dockyard.registry.manifests import document_blob
from dockyard.registry.problems import (
    Canceled,
    Denied,
    Interrupted,
    RangeIgnored,
    Unauthorized,
    Unreachable,
)
from dockyard.registry.remote import Remote

PASSWORD = "not-to-be-seen"
DATA = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST}).encode()
DIGEST = digests.of(DATA)
INDEX_DATA = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": []}).encode()
PATH = "/v2/a/b/manifests/1"
BLOB = f"/v2/a/b/blobs/{DIGEST}"
METADATA = "http://169.254.169.254/latest/meta-data/"


@pytest.fixture
def server() -> Iterator[Web]:
    with web() as running:
        running.answers["/v2/"] = said(401, {"WWW-Authenticate": 'Basic realm="test"'})
        yield running


@pytest.fixture
def elsewhere() -> Iterator[Web]:
    with web() as running:
        yield running


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits between tries."""
    monkeypatch.setattr("dockyard.registry.backoff._FIRST", 0.0)


@pytest.fixture
def client(server: Web, tmp_path: Path, quick: None) -> Iterator[Client]:
    docker = auths(host(server), "ann", PASSWORD)
    with registries.client(tmp_path, docker=docker) as made:
        yield made


@pytest.fixture
def remote(client: Client, server: Web) -> Remote:
    return client.remote(Reference.parse(f"{host(server)}/a/b:1"))


def host(server: Web) -> str:
    return server.url.partition("://")[2]


def said(
    status: int, headers: dict[str, str] | None = None, body: bytes = b"",
    *, announced: int | None = None,
) -> Answer:  # fmt: skip
    """An answer with a length, which may be another one than the body's."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in (headers or {}).items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(body) if announced is None else announced))
        request.end_headers()
        if request.command != "HEAD":
            request.wfile.write(body)

    return answer


def in_turn(*answers: Answer) -> Answer:
    """Each once, the last one for ever."""
    left = list(answers)

    def answer(request: BaseHTTPRequestHandler) -> None:
        (left.pop(0) if len(left) > 1 else left[0])(request)

    return answer


def cut(request: BaseHTTPRequestHandler) -> None:
    """Ends the connection without a word."""
    request.connection.shutdown(socket.SHUT_RDWR)
    request.close_connection = True


def manifest(**headers: str) -> Answer:
    own = {"Content-Type": MANIFEST, "Docker-Content-Digest": DIGEST}
    own |= {name.replace("_", "-"): value for name, value in headers.items()}
    return said(200, own, DATA)


def passwords(server: Web) -> list[str]:
    """Who saw who one is, by path."""
    return [path for path, headers in server.seen if "authorization" in headers]


def test_a_password_goes_to_its_registry_alone(remote: Remote, server: Web, elsewhere: Web) -> None:
    elsewhere.answers["/there"] = said(200, {}, DATA)
    server.redirect(BLOB, f"{elsewhere.url}/there?signature=x")

    with remote.read_blob(DIGEST) as stream:
        assert stream.read(1 << 20) == DATA

    assert passwords(server) == [BLOB]
    assert passwords(elsewhere) == []


def test_whoever_is_led_to_can_t_ask_for_the_password(
    remote: Remote, server: Web, elsewhere: Web
) -> None:
    challenge = f'Bearer realm="{elsewhere.url}/token"'
    elsewhere.answers["/there"] = said(401, {"WWW-Authenticate": challenge})
    elsewhere.answers["/token"] = said(200, {}, b'{"token": "t"}')
    server.redirect(BLOB, f"{elsewhere.url}/there")

    with pytest.raises(Unauthorized), remote.read_blob(DIGEST):
        pass

    assert passwords(elsewhere) == []
    assert elsewhere.paths() == ["/there"]


def test_a_password_in_a_location_is_not_used(remote: Remote, server: Web, elsewhere: Web) -> None:
    elsewhere.answers["/there"] = said(200, {}, DATA)
    server.redirect(BLOB, f"http://eve:word@{host(elsewhere)}/there")

    with remote.read_blob(DIGEST):
        pass

    assert passwords(elsewhere) == []


def test_redirects_that_never_end(remote: Remote, server: Web) -> None:
    server.redirect(BLOB, BLOB)

    with pytest.raises(HostileInput, match="again and again"), remote.read_blob(DIGEST):
        pass

    assert len(server.paths()) < 15


@pytest.mark.parametrize(
    "target",
    [METADATA, "http://[::ffff:169.254.169.254]/", "http://2852039166/", "http://metadata/"],
)
def test_nobody_is_led_to_a_metadata_service(remote: Remote, server: Web, target: str) -> None:
    server.redirect(BLOB, target)

    with pytest.raises(HostileInput, match="metadata service"), remote.read_blob(DIGEST):
        pass


@pytest.mark.parametrize("target", ["file:///etc/passwd", "", "ftp://a/b", "http://a:99999/"])
def test_nobody_is_led_out_of_the_web(remote: Remote, server: Web, target: str) -> None:
    server.redirect(BLOB, target)

    with pytest.raises(HostileInput, match="makes no sense"), remote.read_blob(DIGEST):
        pass


@pytest.mark.parametrize(
    ("realm", "words"),
    [
        (METADATA, "metadata service"),
        ("file:///etc/passwd", "makes no sense"),
        ("", "makes no sense"),
        ("http://ann:word@localhost/token", "makes no sense"),
    ],
)
def test_token_servers_that_make_no_sense(
    remote: Remote, server: Web, realm: str, words: str
) -> None:
    server.answers["/v2/"] = said(401, {"WWW-Authenticate": f'Bearer realm="{realm}"'})

    with pytest.raises(HostileInput, match=words):
        remote.manifest()


@pytest.fixture
def encrypted(tmp_path: Path) -> Iterator[Web]:
    context, _ = authority(tmp_path)
    with web(context) as running:
        yield running


@pytest.fixture
def trusting(encrypted: Web, tmp_path: Path, quick: None) -> Iterator[Remote]:
    settings = f'[registry."{host(encrypted)}"]\nca = "ca.pem"\n'
    docker = auths(host(encrypted), "ann", PASSWORD)
    with registries.client(tmp_path, settings=settings, docker=docker) as made:
        yield made.remote(Reference.parse(f"{host(encrypted)}/a/b:1"))


def test_encryption_is_not_given_up_for_a_token(
    trusting: Remote, encrypted: Web, elsewhere: Web
) -> None:
    challenge = f'Bearer realm="{elsewhere.url}/token"'
    encrypted.answers["/v2/"] = said(401, {"WWW-Authenticate": challenge})

    with pytest.raises(HostileInput, match="token server without encryption"):
        trusting.manifest()

    assert elsewhere.seen == []


def test_encryption_is_not_given_up_for_a_redirect(
    trusting: Remote, encrypted: Web, elsewhere: Web
) -> None:
    encrypted.answers["/v2/"] = said(200)
    encrypted.redirect(BLOB, f"{elsewhere.url}/there?signature=secret")

    with (
        pytest.raises(HostileInput, match="which is not encrypted") as caught,
        trusting.read_blob(DIGEST),
    ):
        pass

    assert "secret" not in str(caught.value)
    assert elsewhere.seen == []


def test_uploads_that_lead_elsewhere_get_no_password(
    client: Client, server: Web, elsewhere: Web
) -> None:
    server.answers["/v2/a/b/blobs/uploads/"] = said(202, {"Location": f"{elsewhere.url}/up?x=1"})
    elsewhere.answers["/up"] = said(202, {"Location": "/up?x=2", "Range": "0-4"})
    remote = client.remote(Reference.parse(f"{host(server)}/a/b:1"), push=True)

    location = remote.patch(remote.start_upload(), io.BytesIO(b"12345"), 0, 5)

    assert location == f"{elsewhere.url}/up?x=2"
    assert passwords(elsewhere) == []


def test_a_manifest_that_is_another_one(remote: Remote, server: Web) -> None:
    wanted = digests.of(b"another")
    server.answers[f"/v2/a/b/manifests/{wanted}"] = manifest()

    with pytest.raises(ContentMismatch, match="another digest"):
        remote.manifest(wanted)


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (manifest(Docker_Content_Digest=digests.of(b"x")), ContentMismatch, "another digest"),
        (manifest(Content_Type=INDEX), ContentMismatch, "and the registry that it is"),
        (said(200, {}, b"<html>login please</html>"), ContentMismatch, "no manifest"),
        (said(200, {}, b"[" * 100_000), ContentMismatch, "no manifest"),
        (said(200, {}, b" " * (5 << 20)), ContentMismatch, "too large"),
        (said(200, {"Content-Type": MANIFEST}, DATA, announced=1000), Interrupted, "broke off"),
        (
            said(
                200,
                {"Content-Type": "application/vnd.docker.distribution.manifest.v1+prettyjws"},
                b"{}",
            ),
            NotSupported,
            "first format",
        ),
        (said(404, {}, b'{"errors":[{"code":"NAME_UNKNOWN"}]}'), NotFound, "no such repository"),
        (said(403, {}, b'{"errors":[{"code":"DENIED"}]}'), Denied, "does not exist, or you may"),
        (said(418, {}, b"\xff" * 100_000), DockyardError, "status 418"),
        (said(400, {}, b'{"errors": 5}'), DockyardError, "status 400"),
        (said(501), DockyardError, "status 501"),
    ],
)
def test_manifests_that_make_no_sense(
    remote: Remote, server: Web, answer: Answer, error: type[DockyardError], words: str
) -> None:
    server.answers[PATH] = answer

    with pytest.raises(error, match=words):
        remote.manifest()


def test_a_manifest_without_end_is_not_read_to_its_end(remote: Remote, server: Web) -> None:
    sent = 0

    def answer(request: BaseHTTPRequestHandler) -> None:
        nonlocal sent
        request.send_response(200)
        request.end_headers()
        with contextlib.suppress(OSError):
            while sent < 1 << 30:
                request.wfile.write(b" " * (1 << 16))
                sent += 1 << 16

    server.answers[PATH] = answer

    with pytest.raises(ContentMismatch, match="too large"):
        remote.manifest()

    assert sent < 64 << 20


def test_types_that_say_nothing_are_read_from_the_document(remote: Remote, server: Web) -> None:
    server.answers[PATH] = manifest(Content_Type="text/plain; charset=utf-8")

    assert remote.manifest().media_type == MANIFEST


def test_what_may_work_next_time_is_tried_again(remote: Remote, server: Web) -> None:
    server.answers["/v2/"] = in_turn(cut, said(200))
    server.answers[PATH] = in_turn(
        cut, said(429, {"Retry-After": "0"}), said(200, {}, DATA[:5], announced=100),
        manifest(),
    )  # fmt: skip

    assert remote.manifest().digest == DIGEST


def test_five_times_are_enough(remote: Remote, server: Web) -> None:
    server.answers[PATH] = said(503, {}, b'{"errors":[{"code":"UNAVAILABLE","message":"moving"}]}')

    with pytest.raises(Interrupted, match="status 503") as caught:
        remote.manifest()

    assert server.paths().count(PATH) == 5
    assert caught.value.context == "unavailable: moving"


def test_nobody_is_asked_twice_for_what_is_not_there(remote: Remote, server: Web) -> None:
    with pytest.raises(NotFound):
        remote.manifest()

    assert server.paths().count(PATH) == 1
    server.answers[PATH] = said(501)
    with pytest.raises(DockyardError, match="status 501"):
        remote.manifest()
    assert server.paths().count(PATH) == 2


def test_nobody_waits_for_an_hour(remote: Remote, server: Web) -> None:
    server.answers[PATH] = said(429, {"Retry-After": "3600"})
    start = time.monotonic()

    with pytest.raises(Interrupted, match="too many requests") as caught:
        remote.manifest()

    assert time.monotonic() - start < 5
    assert "60 minutes" in (caught.value.hint or "")


def test_a_blob_that_breaks_off_says_so(remote: Remote, server: Web) -> None:
    server.truncated(BLOB, b"x" * 1000, 5000)

    with remote.read_blob(DIGEST) as stream:
        assert stream.read(1000) == b"x" * 1000
        with pytest.raises(Interrupted, match="broke off"):
            stream.read(1000)


def test_a_server_without_ranges_is_told_from_one_with(remote: Remote, server: Web) -> None:
    server.file(BLOB, DATA)

    with pytest.raises(RangeIgnored), remote.read_blob(DIGEST, offset=5):
        pass


@pytest.mark.parametrize("given", ["bytes 0-4/9", "bytes 5-90/99", "5-9", "bytes 5-4/9", ""])
def test_another_part_than_was_asked_for(remote: Remote, server: Web, given: str) -> None:
    server.answers[BLOB] = said(206, {"Content-Range": given}, b"12345")

    with (
        pytest.raises(DockyardError, match="another part"),
        remote.read_blob(DIGEST, offset=5, length=5),
    ):
        pass


def test_more_bytes_than_were_asked_for(remote: Remote, server: Web) -> None:
    server.answers[BLOB] = said(206, {"Content-Range": "bytes 5-9/99"}, b"123456789")

    with (
        pytest.raises(ContentMismatch, match="another number of bytes"),
        remote.read_blob(DIGEST, offset=5, length=5) as stream,
    ):
        stream.read(100)


def test_a_digest_of_a_hostile_manifest_makes_no_url(remote: Remote) -> None:
    for digest in ("sha256:../../c", "", "sha256:" + "0" * 63 + "?"):
        with pytest.raises(ContentMismatch, match="not a digest"):
            remote.has_blob(digest)


def test_lists_of_tags_that_never_end(remote: Remote, server: Web) -> None:
    server.answers["/v2/a/b/tags/list"] = said(
        200, {"Link": '</v2/a/b/tags/list?n=1000>; rel="next"'}, b'{"tags":["1"]}'
    )

    with pytest.raises(DockyardError, match="too long"):
        remote.tags()


def test_tags_come_page_by_page(remote: Remote, server: Web) -> None:
    server.answers["/v2/a/b/tags/list"] = in_turn(
        said(200, {"Link": '</v2/a/b/tags/list?n=1&last=1>; rel="next"'}, b'{"tags":["1"]}'),
        said(200, {}, b'{"tags":["2"]}'),
    )

    assert remote.tags() == ["1", "2"]


def test_nothing_secret_is_in_an_error(remote: Remote, server: Web) -> None:
    server.answers[PATH] = said(500, {}, b"oops")

    with pytest.raises(DockyardError) as caught:
        remote.manifest()

    seen = "".join(map(str, (caught.value, caught.value.context, caught.value.hint)))
    assert passwords(server)
    assert PASSWORD not in seen
    assert encoded("ann", PASSWORD) not in seen


def test_a_client_that_is_closed_ends_what_is_under_way(
    client: Client, remote: Remote, server: Web
) -> None:
    asked = threading.Event()
    caught: list[Exception] = []

    def answer(request: BaseHTTPRequestHandler) -> None:
        asked.set()
        request.rfile.read(1)  # until the other side goes

    def work() -> None:
        try:
            remote.manifest()
        except DockyardError as error:
            caught.append(error)

    server.answers[PATH] = answer
    thread = threading.Thread(target=work)
    thread.start()
    assert asked.wait(10)
    client.close()
    thread.join(10)

    assert not thread.is_alive()
    assert isinstance(caught[0], Canceled)


def test_nobody_is_there(tmp_path: Path, quick: None) -> None:
    with (
        registries.client(tmp_path) as client,
        pytest.raises(Unreachable, match="refuses connections"),
    ):
        client.remote(Reference.parse(f"localhost:{free_port()}/a")).manifest()


def test_a_host_that_does_not_exist(tmp_path: Path, quick: None) -> None:
    with (
        registries.client(tmp_path) as client,
        pytest.raises(Unreachable, match="there is no host"),
    ):
        client.remote(Reference.parse("nowhere.invalid/a")).manifest()


@pytest.fixture
def other_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """All names that end with ``.example.com`` are this host's."""
    real = socket.getaddrinfo

    def getaddrinfo(name: str, *arguments: object, **named: object) -> object:
        local = name.endswith(".example.com")
        find: Callable[..., object] = real
        return find("127.0.0.1" if local else name, *arguments, **named)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def test_plain_http_has_to_be_allowed(
    server: Web, tmp_path: Path, quick: None, other_names: None
) -> None:
    name = f"registry.example.com:{server.url.rpartition(':')[2]}"
    server.answers["/v2/"] = said(200)
    server.answers[PATH] = manifest()
    with registries.client(tmp_path) as client, pytest.raises(DockyardError) as caught:
        client.remote(Reference.parse(f"{name}/a/b:1")).manifest()
    assert "does not speak HTTPS" in str(caught.value)
    assert f'[registry."{name}"] with insecure = true' in (caught.value.hint or "")

    settings = f'[registry."{name}"]\ninsecure = true\n'
    with registries.client(tmp_path, settings=settings) as client:
        found = client.remote(Reference.parse(f"{name}/a/b:1")).manifest()

    assert found.digest == DIGEST


def test_a_metadata_service_behind_an_innocent_name(
    tmp_path: Path, server: Web, monkeypatch: pytest.MonkeyPatch, other_names: None
) -> None:
    monkeypatch.setattr("dockyard.system.metadata.is_metadata", lambda name: name == "127.0.0.1")
    name = f"registry.example.com:{server.url.rpartition(':')[2]}"
    settings = f'[registry."{name}"]\ninsecure = true\n'
    with (
        registries.client(tmp_path, settings=settings) as client,
        pytest.raises(HostileInput, match="metadata service"),
    ):
        client.remote(Reference.parse(f"{name}/a/b:1")).manifest()

    assert server.seen == []


def test_a_proxy_leads_to_what_is_not_here(server: Web, tmp_path: Path, quick: None) -> None:
    """The proxy is a web server, which gets plain requests with the whole address."""
    server.answers["/v2/"] = said(200)
    server.answers[PATH] = manifest()
    settings = '[registry."far.example.com"]\ninsecure = true\n'
    proxy = server.url.replace("://", "://joe:word@")
    with registries.client(
        tmp_path, settings=settings, HTTP_PROXY=proxy, HTTPS_PROXY=proxy
    ) as client:
        found = client.remote(Reference.parse("far.example.com/a/b:1")).manifest()

    assert found.digest == DIGEST
    path, headers = server.seen[-1]
    assert path == "http://far.example.com/v2/a/b/manifests/1"
    assert headers["proxy-authorization"] == f"Basic {encoded('joe', 'word')}"
    assert "authorization" not in headers


def test_a_proxy_leads_encrypted_connections_through(tmp_path: Path, quick: None) -> None:
    context, _ = authority(tmp_path, "far.example.com")
    settings = '[registry."far.example.com"]\nca = "ca.pem"\n'
    login = f"Basic {encoded('joe', 'word')}"
    with web(context) as far, tunnels(int(far.url.rpartition(":")[2]), login=login) as (url, asked):
        far.answers["/v2/"] = said(200)
        far.answers[PATH] = manifest()
        proxy = url.replace("://", "://joe:word@")
        with registries.client(tmp_path, settings=settings, HTTPS_PROXY=proxy) as client:
            found = client.remote(Reference.parse("far.example.com/a/b:1")).manifest()
        with (
            registries.client(tmp_path, settings=settings, HTTPS_PROXY=url) as client,
            pytest.raises(DockyardError, match="the proxy wants to know who is asking"),
        ):
            client.remote(Reference.parse("far.example.com/a/b:1")).manifest()

    assert found.digest == DIGEST
    assert set(asked) == {"far.example.com:443"}
    assert not any("proxy-authorization" in headers for _, headers in far.seen)


def test_a_proxy_that_is_not_there(tmp_path: Path, quick: None) -> None:
    proxy = f"http://joe:word@localhost:{free_port()}"
    with (
        registries.client(tmp_path, HTTPS_PROXY=proxy) as client,
        pytest.raises(Unreachable, match="the proxy fails") as caught,
    ):
        client.remote(Reference.parse("far.example.com/a/b:1")).manifest()

    assert "word" not in f"{caught.value} {caught.value.context}"


@pytest.fixture
def origin(tmp_path: Path) -> Iterator[registries.DockerRegistry]:
    directory = tmp_path / "origin"
    directory.mkdir()
    with docker_registry(directory) as running:
        yield running


def test_a_mirror_is_asked_first(
    server: Web, origin: registries.DockerRegistry, tmp_path: Path, quick: None
) -> None:
    settings = f'[registry."{origin.host}"]\nmirrors = ["{host(server)}/cache"]\n'
    docker = auths(origin.host, "ann", PASSWORD)
    server.answers["/v2/cache/a/b/manifests/1"] = manifest()
    with registries.client(tmp_path, settings=settings, docker=docker) as client:
        reference = Reference.parse(f"{origin.host}/a/b:1")
        assert client.remote(reference).manifest().data == DATA
        assert client.remote(reference, push=True).head() is None

    assert passwords(server) == []
    assert not origin.requests("GET /v2/a/b/manifests")


def test_the_registry_has_what_its_mirrors_have_not(
    server: Web, origin: registries.DockerRegistry, tmp_path: Path, quick: None
) -> None:
    settings = (
        f'[registry."{origin.host}"]\n'
        f'mirrors = ["localhost:{free_port()}", "http://{host(server)}"]\n'
    )
    said: list[str] = []
    with registries.client(tmp_path, settings=settings, warn=said.append) as client:
        reference = Reference.parse(f"{origin.host}/a/b:1")
        remote = client.remote(reference, push=True)
        location = remote.patch(remote.start_upload(), io.BytesIO(DATA), 0, len(DATA))
        remote.finish_upload(location, DIGEST)
        for _ in range(2):
            with client.remote(reference).read_blob(DIGEST) as stream:
                assert stream.read(1 << 20) == DATA

    assert server.paths().count(BLOB) == 2
    assert len(said) == 1
    assert "a mirror is left out" in said[0]


def test_a_mirror_that_lies_is_left_out(
    server: Web, origin: registries.DockerRegistry, tmp_path: Path, quick: None
) -> None:
    settings = f'[registry."{origin.host}"]\nmirrors = ["{host(server)}"]\n'
    warned: list[str] = []
    with registries.client(tmp_path, settings=settings, warn=warned.append) as client:
        digest = client.remote(Reference.parse(f"{origin.host}/a/b:1"), push=True).put_manifest(
            "1", INDEX, INDEX_DATA
        )
        server.answers[f"/v2/a/b/manifests/{digest}"] = manifest()
        remote = client.remote(Reference.parse(f"{origin.host}/a/b:1"))
        assert remote.manifest(digest).data == INDEX_DATA
        assert remote.manifest(digest).data == INDEX_DATA

    assert server.paths() == ["/v2/", f"/v2/a/b/manifests/{digest}"]
    assert len(warned) == 1
    assert "another digest" in warned[0]


def test_a_server_that_answers_byte_by_byte(
    remote: Remote, server: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dockyard.registry.transport.DOCUMENT_SECONDS", 0.2)
    count = 0

    def answer(request: BaseHTTPRequestHandler) -> None:
        nonlocal count
        count += 1
        request.send_response(200)
        request.send_header("Content-Length", "1000000")
        request.end_headers()
        with contextlib.suppress(OSError):
            for _ in range(100):
                request.wfile.write(b" ")
                time.sleep(0.05)

    server.answers[PATH] = answer

    with pytest.raises(Interrupted, match="too slowly"):
        remote.manifest()

    assert count == 5


def test_docker_hub_has_mirrors_too(server: Web, tmp_path: Path, quick: None) -> None:
    settings = f'[registry."docker.io"]\nmirrors = ["{host(server)}"]\n'
    server.answers["/v2/library/debian/manifests/12"] = manifest()
    with registries.client(tmp_path, settings=settings) as client:
        assert client.remote(Reference.parse("debian:12")).manifest().data == DATA


def test_what_cut_a_connection_is_said_in_plain_words(remote: Remote, server: Web) -> None:
    server.answers[PATH] = cut

    with pytest.raises(Interrupted) as caught:
        remote.manifest()

    assert caught.value.context == caught.value.brief == "closed without an answer"


def test_a_mirror_that_has_another_configuration_is_left_out(
    server: Web, origin: registries.DockerRegistry, tmp_path: Path, quick: None
) -> None:
    settings = f'[registry."{origin.host}"]\nmirrors = ["{host(server)}"]\n'
    reference = Reference.parse(f"{origin.host}/a/b:1")
    config = Descriptor(media_type=CONFIG, digest=DIGEST, size=len(DATA))
    server.file(BLOB, b"x" * len(DATA))
    warned: list[str] = []
    with registries.client(tmp_path, settings=settings, warn=warned.append) as client:
        target = client.remote(reference, push=True)
        location = target.patch(target.start_upload(), io.BytesIO(DATA), 0, len(DATA))
        target.finish_upload(location, DIGEST)
        remote = client.remote(reference)
        assert document_blob(remote, config) == document_blob(remote, config) == DATA

    assert server.paths().count(BLOB) == 1
    assert len(warned) == 1
    assert DIGEST in warned[0]
