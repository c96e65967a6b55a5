"""What the owner lays down: who may what, quotas, tags that don't move, what is kept, and TLS."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import sqlite3
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.support.protocol import Answer, Talk, digest_of
from tests.support.registries import RunningRegistry, environment, own_registry
from tests.support.waiting import until

from dockyard.oci.image import INDEX, MANIFEST

PASSWORD = "a password of no use elsewhere"
RULES = """
immutable = ["prod/**:v*"]
metrics = "admin"

[[quota]]
repositories = "small/**"
size = "100KB"

[[quota]]
repositories = "crowd/**"
size = "1MB"

[[retention]]
repositories = "nightly/*"
tags = "build-*"
keep-last = 2

[gc]
every = "never"
"""


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    directory = tmp_path_factory.mktemp("ruled")
    (directory / "registry").mkdir(mode=0o700)
    (directory / "registry" / "registry.toml").write_text(RULES)
    with own_registry(directory) as running:
        for name, options in (("root", ["--admin"]), ("anna", []), ("ben", [])):
            add_user(running, name, *options)
        running.command("policy", "set", "user:anna", "team/**", "pull,push,delete")
        running.command("policy", "set", "user:ben", "team/shared", "pull")
        running.command("policy", "set", "anonymous", "public/**", "pull")
        yield running


def add_user(registry: RunningRegistry, name: str, *options: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "dockyard.cli.main", "registry", "user", "add", "--root",
         str(registry.root), "--password-stdin", *options, name],
        input=f"{PASSWORD}\n", text=True, check=True, env=environment(), capture_output=True,
    )  # fmt: skip


def talk(registry: RunningRegistry, name: str = "root", password: str = PASSWORD) -> Talk:
    pair = base64.b64encode(f"{name}:{password}".encode()).decode()
    return Talk(registry.host, {"Authorization": f"Basic {pair}"})


def token(registry: RunningRegistry, name: str, *scopes: str) -> Talk:
    query = "&".join(f"scope={quote(one)}" for one in scopes)
    answer = talk(registry, name).ask("GET", f"/token?service=x&{query}")
    assert answer.status == 200, answer
    return Talk(registry.host, {"Authorization": f"Bearer {answer.json()['token']}"})


@pytest.fixture
def admin(registry: RunningRegistry) -> Talk:
    return talk(registry)


def refused(answer: Answer, status: int, code: str) -> bool:
    return (answer.status, answer.codes) == (status, [code])


# Who may what


def test_who_says_nothing_is_told_where_to_get_a_token(registry: RunningRegistry) -> None:
    answer = Talk(registry.host).ask("GET", "/v2/team/app/manifests/1")

    assert refused(answer, 401, "UNAUTHORIZED")
    challenge = answer.headers["www-authenticate"]
    assert challenge.startswith(f'Bearer realm="http://{registry.host}/token",service="dockyard-')
    assert 'scope="repository:team/app:pull"' in challenge
    base = Talk(registry.host).ask("GET", "/v2/")
    assert base.status == 401


def test_a_token_is_for_what_was_asked_and_may_be_done(registry: RunningRegistry) -> None:
    anna = token(registry, "anna", "repository:team/app:pull,push")

    assert anna.push_image("team/app", "1", b"layer")
    assert refused(anna.ask("GET", "/v2/team/other/tags/list"), 401, "UNAUTHORIZED")
    assert refused(anna.ask("DELETE", "/v2/team/app/manifests/1"), 401, "UNAUTHORIZED")
    outside = token(registry, "anna", "repository:prod/app:pull,push")
    assert refused(outside.ask("POST", "/v2/prod/app/blobs/uploads/"), 403, "DENIED")


def test_a_password_is_enough_and_a_wrong_one_is_not(registry: RunningRegistry) -> None:
    assert talk(registry, "anna").ask("GET", "/v2/").status == 200
    for name, password in (("anna", "wrong"), ("nobody", PASSWORD)):
        answer = talk(registry, name, password).ask("GET", "/v2/")
        assert refused(answer, 401, "UNAUTHORIZED")
        assert json.loads(answer.body)["errors"][0]["message"] == (
            "invalid username, password or token"
        )


def test_the_same_is_said_of_what_one_may_not_see_and_what_is_not_there(
    registry: RunningRegistry, admin: Talk
) -> None:
    admin.push_image("hidden/app", "1", b"layer")

    there = talk(registry, "ben").ask("GET", "/v2/hidden/app/manifests/1")
    nowhere = talk(registry, "ben").ask("GET", "/v2/hidden/nothing/manifests/1")

    assert there.status == nowhere.status == 403
    assert there.body == nowhere.body.replace(b"hidden/nothing", b"hidden/app")


def test_everybody_pulls_what_is_public_and_nobody_pushes_it(
    registry: RunningRegistry, admin: Talk
) -> None:
    admin.push_image("public/app", "1", b"layer")
    anybody = Talk(registry.host)

    assert anybody.ask("GET", "/v2/public/app/manifests/1").status == 200
    assert anybody.ask("POST", "/v2/public/app/blobs/uploads/").status == 401
    given = anybody.ask("GET", "/token?scope=repository:public/app:pull,push").json()["token"]
    bearer = Talk(registry.host, {"Authorization": f"Bearer {given}"})
    assert bearer.ask("GET", "/v2/").status == 200
    assert bearer.ask("GET", "/v2/public/app/tags/list").status == 200
    assert bearer.ask("POST", "/v2/public/app/blobs/uploads/").status in {401, 403}


def test_tokens_are_also_had_by_a_form(registry: RunningRegistry) -> None:
    form = f"grant_type=password&username=anna&password={quote(PASSWORD)}&service=x"
    form += "&scope=repository:team/app:pull&access_type=offline"
    kind = "application/x-www-form-urlencoded"
    first = Talk(registry.host).ask("POST", "/token", form.encode(), Content_Type=kind).json()

    again = f"grant_type=refresh_token&refresh_token={first['refresh_token']}"
    second = Talk(registry.host).ask("POST", "/token", again.encode(), Content_Type=kind)

    assert second.status == 200
    bad = Talk(registry.host).ask("POST", "/token", b"grant_type=x", Content_Type=kind)
    assert refused(bad, 401, "UNAUTHORIZED")


def test_a_blob_is_mounted_only_from_where_one_may_pull(
    registry: RunningRegistry, admin: Talk
) -> None:
    content = os.urandom(50)
    digest = admin.push_blob("hidden/blobs", content)
    anna = talk(registry, "anna")

    for source in ("&from=hidden/blobs", ""):
        answer = anna.ask("POST", f"/v2/team/app/blobs/uploads/?mount={digest}{source}")
        assert answer.status == 202
    assert anna.ask("HEAD", f"/v2/team/app/blobs/{digest}").status == 404
    assert (
        admin.ask("POST", f"/v2/x/y/blobs/uploads/?mount={digest}&from=hidden/blobs").status == 201
    )


def test_an_upload_is_its_owners_alone(registry: RunningRegistry, admin: Talk) -> None:
    place = talk(registry, "anna").start("team/app")
    elsewhere = place.replace("team/app", "team/other")

    for who, where in ((admin, place), (talk(registry, "anna"), elsewhere)):
        for method in ("GET", "PATCH", "PUT", "DELETE"):
            query = f"?digest={digest_of(b'x')}" if method == "PUT" else ""
            answer = who.ask(method, where + query, b"x" if method != "GET" else None)
            assert refused(answer, 404, "BLOB_UPLOAD_UNKNOWN"), method
    assert talk(registry, "anna").ask("PATCH", place, b"x").status == 202


def test_each_sees_the_repositories_that_he_may_pull(
    registry: RunningRegistry, admin: Talk
) -> None:
    admin.push_image("hidden/app", "1", b"layer")
    admin.push_image("team/shared", "1", b"layer")

    assert "hidden/app" in admin.ask("GET", "/v2/_catalog").json()["repositories"]
    assert talk(registry, "ben").ask("GET", "/v2/_catalog").json()["repositories"] in (
        ["team/shared"], ["public/app", "team/shared"],
    )  # fmt: skip
    assert Talk(registry.host).ask("GET", "/v2/_catalog").status == 401


def test_what_was_done_and_refused_is_written_down(registry: RunningRegistry) -> None:
    talk(registry, "anna").push_image("team/audited", "1", b"layer")
    talk(registry, "ben").ask("PUT", "/v2/team/audited/manifests/1", b"{}")

    events = [json.loads(line) for line in (registry.root / "audit.log").read_text().splitlines()]
    mine = [one for one in events if one.get("repository") == "team/audited"]
    assert [(one["who"], one["action"], one["result"]) for one in mine] == [
        ("user:anna", "push", "allowed"), ("user:ben", "push", "denied"),
    ]  # fmt: skip
    assert mine[0]["reference"] == "1"
    assert mine[0]["address"] == "127.0.0.1"


def test_no_credential_is_in_the_logs(registry: RunningRegistry) -> None:
    token(registry, "anna", "repository:team/app:pull").ask("GET", "/v2/team/app/tags/list")
    Talk(registry.host).ask("GET", f"/v2/?password={quote(PASSWORD)}")

    lines = [line for line in registry.said().splitlines() if line.startswith("{")]
    assert json.loads(lines[-1]).keys() >= {"who", "method", "path", "status", "address", "time"}
    assert {one[0] for one in registry.said().splitlines()} == {"{", "l"}, "listening at, and JSON"
    words = base64.b64encode(f"anna:{PASSWORD}".encode()).decode()
    for text in (registry.said(), (registry.root / "audit.log").read_text()):
        assert not any(secret in text for secret in (PASSWORD, quote(PASSWORD), words, "Bearer ey"))


# Quotas, tags, retention


def test_a_quota_holds_for_all_repositories_it_means(admin: Talk) -> None:
    half = os.urandom(45_000)
    admin.push_blob("small/a", half)
    assert admin.push_blob("small/b", half), "what both have counts once"
    admin.push_blob("small/b", os.urandom(45_000))

    large = os.urandom(20_000)
    whole = admin.ask("POST", f"/v2/small/c/blobs/uploads/?digest={digest_of(large)}", large)
    place = admin.start("small/c")
    streamed = admin.ask("PATCH", place, (large[:100] for _ in range(200)))

    assert refused(whole, 403, "DENIED")
    assert b"quota" in whole.body
    assert refused(streamed, 403, "DENIED")
    assert admin.push_blob("large/c", large)
    mounted = admin.ask("POST", f"/v2/small/c/blobs/uploads/?mount={digest_of(large)}&from=large/c")
    assert refused(mounted, 403, "DENIED")


@pytest.mark.parametrize("announced", [True, False])
def test_many_uploads_at_once_keep_the_quota_together(
    registry: RunningRegistry, admin: Talk, announced: bool
) -> None:
    most, size, clients = 1 << 20, 900_000, 10
    places = [admin.start(f"crowd/{announced}/{number}".lower()) for number in range(clients)]
    together = threading.Barrier(clients)
    length = {"Content-Length": str(size)} if announced else {}

    def send(place: str) -> int:
        def body() -> Iterator[bytes]:
            yield b"x"
            together.wait(30)  # the first byte of each is there
            yield from (b"x" * 99_999, *(b"x" * 100_000 for _ in range(size // 100_000 - 1)))

        client = Talk(registry.host, admin.headers | length)
        try:
            return client.ask("PATCH", place, body()).status
        except OSError:  # it was refused before all was sent
            return 403

    with ThreadPoolExecutor(clients) as crowd:
        answers = list(crowd.map(send, places))

    files = [registry.root / "uploads" / Path(one).name for one in places]
    on_disk = sum(one.stat().st_size for one in files if one.exists())
    assert on_disk <= most, f"{on_disk} bytes: {answers}"
    assert answers.count(202) <= 1
    if announced:
        assert answers.count(202) == 1, "there is room for one"
    for place, answer in zip(places, answers, strict=True):
        left = 204 if answer == 202 else 404  # what was refused is gone already
        assert admin.ask("DELETE", place).status == left


def test_what_found_no_room_takes_none(registry: RunningRegistry, admin: Talk) -> None:
    content = os.urandom(900_000)
    place = admin.start("crowd/first")
    assert admin.ask("PATCH", place, content[:500_000]).status == 202

    too_much = admin.ask("PATCH", place, os.urandom(800_000))

    assert refused(too_much, 403, "DENIED")
    assert refused(admin.ask("GET", place), 404, "BLOB_UPLOAD_UNKNOWN")
    assert not (registry.root / "uploads" / Path(place).name).exists()
    digest = admin.push_blob("crowd/second", content)
    assert admin.ask("DELETE", f"/v2/crowd/second/blobs/{digest}").status == 202
    events = (registry.root / "audit.log").read_text().splitlines()
    last = json.loads(events[-1])
    assert (last["who"], last["action"], last["digest"]) == ("user:root", "delete", digest)
    registry.command("gc", "--grace", "0s")


def test_who_may_only_pull_keeps_no_blob_from_being_collected(
    registry: RunningRegistry, admin: Talk
) -> None:
    digest = admin.push_blob("team/shared", os.urandom(50))
    path = f"/v2/team/shared/blobs/{digest}"
    database = sqlite3.connect(registry.root / "registry.db", isolation_level=None)

    def noted(client: Talk) -> bool:
        """Whether it counts that he asks."""
        database.execute("UPDATE links SET touched = 1 WHERE digest = ?", (digest,))
        assert client.ask("HEAD", path).status == 200
        rows = database.execute("SELECT touched FROM links WHERE digest = ?", (digest,)).fetchall()
        return rows != [(1,)]

    with contextlib.closing(database):
        assert not noted(talk(registry, "ben"))
        assert noted(talk(registry, "anna"))
        assert noted(admin)


def test_an_immutable_tag_moves_no_more(admin: Talk) -> None:
    digest = admin.push_image("prod/app", "v1", b"1")
    other = json.dumps(admin.image("prod/app", b"2")).encode()

    again = admin.ask("PUT", "/v2/prod/app/manifests/v1", other, Content_Type=MANIFEST)

    assert refused(again, 409, "DENIED")
    assert admin.push_image("prod/app", "v1", b"1") == digest, "the same once more"
    assert refused(admin.ask("DELETE", "/v2/prod/app/manifests/v1"), 409, "DENIED")
    assert refused(admin.ask("DELETE", f"/v2/prod/app/manifests/{digest}"), 409, "DENIED")
    admin.push_manifest("prod/app", "latest", other)
    assert admin.push_image("prod/app", "latest", b"3")


def test_of_two_pushes_at_once_one_gets_an_immutable_tag(admin: Talk) -> None:
    images = [json.dumps(admin.image("prod/app", name)).encode() for name in (b"one", b"two")]

    def push(number: int, data: bytes) -> int:
        path = f"/v2/prod/app/manifests/v2.{number}"
        return Talk(admin.host, admin.headers).ask("PUT", path, data, Content_Type=MANIFEST).status

    with ThreadPoolExecutor(2) as crowd:
        for number in range(20):
            pushes = [crowd.submit(push, number, data) for data in images]
            assert sorted(one.result() for one in pushes) == [201, 409]


def test_what_an_immutable_index_has_is_not_removed(admin: Talk) -> None:
    data = json.dumps(admin.image("prod/app", b"child")).encode()
    child = admin.push_manifest("prod/app", "child", data)
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [
        {"mediaType": MANIFEST, "digest": child, "size": len(data)}]}  # fmt: skip
    admin.push_manifest("prod/app", "v3", index, INDEX)

    assert refused(admin.ask("DELETE", f"/v2/prod/app/manifests/{child}"), 409, "DENIED")
    assert admin.ask("DELETE", "/v2/prod/app/manifests/child").status == 202, "its tag may go"
    assert admin.ask("GET", f"/v2/prod/app/manifests/{child}").status == 200


def test_retention_keeps_the_newest_tags(registry: RunningRegistry, admin: Talk) -> None:
    for number in range(5):
        admin.push_image("nightly/app", f"build-{number}", str(number).encode())
    admin.push_image("nightly/app", "stable", b"s")

    planned = json.loads(registry.command("gc", "--dry-run", "--format", "json").stdout)
    assert planned["Tags"] == [f"nightly/app:build-{number}" for number in range(3)]
    assert len(admin.ask("GET", "/v2/nightly/app/tags/list").json()["tags"]) == 6
    registry.command("gc")

    tags = admin.ask("GET", "/v2/nightly/app/tags/list").json()["tags"]
    assert tags == ["build-3", "build-4", "stable"]
    form = "{{.Repository}}:{{.Reference}} {{.Action}} {{.Detail}}"
    log = registry.command("audit", "--filter", "who=retention", "--format", form).stdout
    lines = log.splitlines()
    assert [line.split()[:3] for line in lines] == [
        [f"nightly/app:build-{number}", "delete", "by"] for number in range(3)
    ]  # fmt: skip


def test_settings_are_read_again_when_they_change(registry: RunningRegistry, admin: Talk) -> None:
    admin.push_image("frozen/app", "1", b"1")
    file = registry.root / "registry.toml"
    file.write_text(RULES.replace('["prod/**:v*"]', '["prod/**:v*", "frozen/**:*"]'))
    os.kill(registry.pid, 1)  # SIGHUP
    other = json.dumps(admin.image("frozen/app", b"2")).encode()

    def frozen() -> bool:
        answer = admin.ask("PUT", "/v2/frozen/app/manifests/1", other, Content_Type=MANIFEST)
        return answer.status == 409

    try:
        until(frozen)
        file.write_text("nonsense = true\n")
        os.kill(registry.pid, 1)
        until(lambda: "what was there before stays in use" in registry.said())
        assert frozen()
    finally:
        file.write_text(RULES)


# Operation


def test_health_is_for_all_and_metrics_are_for_administrators(
    registry: RunningRegistry, admin: Talk
) -> None:
    anybody = Talk(registry.host)
    assert anybody.ask("GET", "/healthz").json() == {"status": "ok"}
    assert anybody.ask("GET", "/readyz").json() == {"status": "ok"}
    assert anybody.ask("GET", "/metrics").status == 401
    assert talk(registry, "anna").ask("GET", "/metrics").status == 403

    page = admin.ask("GET", "/metrics")

    assert page.status == 200
    for name in ("requests_total{", "received_bytes_total", "blobs", "uploads"):
        assert f"\ndockyard_registry_{name}".encode() in page.body


def test_what_it_holds_is_shown(registry: RunningRegistry, admin: Talk) -> None:
    admin.push_image("team/counted", "1", b"layer")

    lines = registry.command("stats", "--format", "json").stdout.splitlines()
    (mine,) = [one for one in map(json.loads, lines) if one["Repository"] == "team/counted"]

    assert (mine["Tags"], mine["Manifests"], mine["Blobs"]) == ("1", "1", "2")
    assert mine["Quota"] == ""
    admin.push_blob("small/stats", b"x" * 1024)
    table = registry.command("stats").stdout
    assert "blobs" in table
    assert "QUOTA" in table
    (line,) = [one for one in table.splitlines() if one.startswith("small/stats ")]
    assert line.endswith("KiB / 100KiB (small/**)")


def test_one_directory_has_one_server(registry: RunningRegistry) -> None:
    done = registry.command("serve", "--addr", "127.0.0.1:0", check=False)

    assert done.returncode == 1
    assert "another server has" in done.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--addr", ":0"], "in the clear"),
        (["--addr", ":0", "--insecure-http"], "it has no users"),
        (["--tlscert", "x"], "comes with its key"),
        (["--addr", "127.0.0.1:x"], "invalid address"),
        (["--tlscert", "/nowhere", "--tlskey", "/nowhere"], "can't be used"),
    ],
)
def test_what_would_be_unsafe_is_refused(tmp_path: Path, options: list[str], words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dockyard.cli.main", "registry", "serve", "--root",
         str(tmp_path / "r"), *options],
        capture_output=True, text=True, env=environment(), timeout=60,
    )  # fmt: skip

    assert done.returncode == 1
    assert words in done.stderr


def test_a_registry_is_open_until_it_has_users(tmp_path: Path) -> None:
    with own_registry(tmp_path) as registry:
        Talk(registry.host).push_image("a/b", "1", b"layer")

        add_user(registry, "anna")

        assert Talk(registry.host).ask("GET", "/v2/a/b/manifests/1").status == 401


def test_tls_and_a_renewed_certificate(tmp_path: Path) -> None:
    certificate(tmp_path, "first")
    options = ("--tlscert", str(tmp_path / "cert.pem"), "--tlskey", str(tmp_path / "key.pem"))
    with own_registry(tmp_path, *options) as registry:
        assert subject(registry, tmp_path) == "first"

        certificate(tmp_path, "second")
        os.kill(registry.pid, 1)

        until(lambda: subject(registry, tmp_path) == "second")


def certificate(directory: Path, name: str) -> None:
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost",
         "-keyout", directory / "key.new", "-out", directory / "cert.new"],
        check=True, capture_output=True,
    )  # fmt: skip
    (directory / "key.new").rename(directory / "key.pem")
    (directory / "cert.new").rename(directory / "cert.pem")


def subject(registry: RunningRegistry, directory: Path) -> str:
    context = ssl.create_default_context(cafile=str(directory / "cert.pem"))
    try:
        with urllib.request.urlopen(f"https://{registry.host}/v2/", context=context) as answer:
            assert answer.status == 200
    except urllib.error.URLError:
        return ""
    text = ssl.get_server_certificate(("localhost", registry.port))
    done = subprocess.run(["openssl", "x509", "-noout", "-subject"], input=text, text=True,
                          capture_output=True, check=True)  # fmt: skip
    return done.stdout.rpartition("=")[2].strip()


def test_requests_are_finished_before_the_end(tmp_path: Path) -> None:
    with own_registry(tmp_path) as registry:
        client = Talk(registry.host)
        place = client.start("a/b")

        def body() -> Iterator[bytes]:
            yield b"x" * 1000
            until(lambda: any((registry.root / "uploads").iterdir()))
            time.sleep(0.5)  # it has begun to be answered
            os.kill(registry.pid, 15)  # SIGTERM
            time.sleep(1)
            yield b"y" * 1000

        answer = client.ask("PATCH", place, body())

        assert (answer.status, answer.headers["range"]) == (202, "0-1999")
        assert registry.stop() == 0
        registry.start()
        assert client.ask("GET", place).headers["range"] == "0-1999"
