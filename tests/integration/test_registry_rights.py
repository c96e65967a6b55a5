"""Who may what in our registry: asked of a running one, by who may and by who would like to."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import http.client
import io
import json
import os
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlencode

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from tests.support import registries
from tests.support.access import CHEAP, basic
from tests.support.protocol import Answer, Talk, digest_of
from tests.support.registries import RunningRegistry, environment, own_registry
from tests.support.sending import send_blob

from dockyard.oci.image import LAYER_TAR, Descriptor
from dockyard.oci.reference import Reference
from dockyard.registry import challenge
from dockyard.registry.access import jwts
from dockyard.registry.access.manage import Manager
from dockyard.registry.access.model import Grant
from dockyard.registry.access.opening import open_manager
from dockyard.registry.access.passwords import Passwords
from dockyard.registry.problems import Denied, Unauthorized

PASSWORDS = {"anna": "annas: secret word", "bob": "bobs secret word", "root": "roots secret word"}
TEAM_A, TEAM_B = os.urandom(2000), os.urandom(2000)


class Guarded:
    """A registry with users: anna has team-a, bob has team-b, both have shared."""

    def __init__(self, running: RunningRegistry, manager: Manager) -> None:
        self.running = running
        self.manager = manager
        self.secrets = list(PASSWORDS.values())

    def by_password(self, name: str, password: str | None = None) -> Talk:
        """Who shows name and password with every request."""
        shown = PASSWORDS[name] if password is None else password
        return Talk(self.running.host, {"Authorization": basic(name, shown)})

    def by_token(self, name: str, *scopes: str) -> Talk:
        """Who got a token for these scopes."""
        return self.bearer(self.token(name, *scopes))

    def bearer(self, token: str) -> Talk:
        return Talk(self.running.host, {"Authorization": f"Bearer {token}"})

    def token(self, name: str, *scopes: str) -> str:
        """As Docker gets it; an empty name logs in as nobody."""
        talk = self.by_password(name) if name else Talk(self.running.host)
        answer = talk.ask("GET", f"/token?{urlencode([('scope', one) for one in scopes])}")
        assert answer.status == 200, answer
        self.secrets.append(answer.json()["token"])
        return str(answer.json()["token"])

    def form(self, **fields: str) -> Answer:
        """As OAuth2 has it."""
        kind = "application/x-www-form-urlencoded"
        return Talk(self.running.host).ask(
            "POST", "/token", urlencode(fields).encode(), Content_Type=kind
        )


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    directory = tmp_path_factory.mktemp("guarded")
    manager = open_manager(str(directory / "registry"))
    manager._passwords = Passwords(CHEAP)
    for name, password in PASSWORDS.items():
        manager.add_user(name, password, groups=[f"of-{name}"], admin=name == "root")
    for subject, pattern in (
        ("group:of-anna", "team-a/**"), ("user:bob", "team-b/**"), ("*", "shared/**"),
    ):  # fmt: skip
        manager.set_rule(subject, pattern, ("pull", "push", "delete"))
    with own_registry(directory) as running:
        guarded = Guarded(running, manager)
        guarded.by_password("anna").push_image("team-a/app", "v1", TEAM_A)
        guarded.by_password("bob").push_image("team-b/app", "v1", TEAM_B)
        yield guarded
    manager.close()


def log_in(registry: Guarded, name: str, password: str, source: str) -> tuple[int, str | None]:
    """What who comes from another address of the loopback is told: status and ``Retry-After``."""
    connection = http.client.HTTPConnection(
        "127.0.0.1", registry.running.port, source_address=(source, 0), timeout=60
    )
    try:
        connection.request("GET", "/v2/", headers={"Authorization": basic(name, password)})
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.getheader("Retry-After")
    finally:
        connection.close()


def said(answer: Answer) -> tuple[int, bytes, Mapping[str, str]]:
    """All of an answer but for when it was given."""
    headers = {name: value for name, value in answer.headers.items() if name != "date"}
    return answer.status, answer.body, headers


def test_who_shows_nothing_is_told_where_to_get_a_token(registry: Guarded) -> None:
    answer = Talk(registry.running.host).ask("GET", "/v2/team-a/app/manifests/v1")

    assert (answer.status, answer.codes) == (401, ["UNAUTHORIZED"])
    (found,) = challenge.parse([answer.headers["www-authenticate"]])
    assert found.parameters["realm"] == f"http://{registry.running.host}/token"
    assert found.parameters["scope"] == "repository:team-a/app:pull"
    assert found.parameters["service"].startswith("dockyard-")
    assert Talk(registry.running.host).ask("GET", "/v2/").status == 401


def test_a_password_is_enough_and_so_is_a_token(registry: Guarded) -> None:
    for talk in (
        registry.by_password("anna"), registry.by_token("anna", "repository:team-a/app:pull"),
    ):  # fmt: skip
        assert talk.ask("GET", "/v2/").status == 200
        assert talk.ask("GET", f"/v2/team-a/app/blobs/{digest_of(TEAM_A)}").body == TEAM_A


def test_what_was_wrong_is_not_said(registry: Guarded) -> None:
    headers = [
        basic("anna", "wrong password"), basic("nobody", PASSWORDS["anna"]), basic("robot$x", "x"),
        "Bearer x.y.z", "Basic !!!", "Digest x", "Bearer",
    ]  # fmt: skip
    for path in ("/v2/", "/token", "/v2/team-a/app/manifests/v1"):
        answers = [Talk(registry.running.host, {"Authorization": one}).ask("GET", path)
                   for one in headers]  # fmt: skip
        assert {(one.status, one.body) for one in answers} == {(401, answers[0].body)}, path


def test_a_token_has_what_was_asked_for_and_is_allowed(registry: Guarded) -> None:
    token = registry.token(
        "anna", "repository:team-a/app:pull,push repository:team-b/app:pull",
        "repository:shared/x:*", "repository:../../etc:pull", "registry:catalog:*",
    )  # fmt: skip
    claims = jwt.decode(token, options={"verify_signature": False})

    assert claims["access"] == [
        {"type": "registry", "name": "catalog", "actions": ["*"]},
        {"type": "repository", "name": "team-a/app", "actions": ["pull", "push"]},
        {"type": "repository", "name": "shared/x", "actions": ["pull", "push", "delete"]},
    ]
    assert claims["exp"] - claims["iat"] == 300
    assert jwt.get_unverified_header(token)["alg"] == "ES256"


def test_a_token_for_pulling_does_not_push_nor_delete_nor_open_another_door(
    registry: Guarded,
) -> None:
    talk = registry.by_token("anna", "repository:team-a/app:pull")
    denied = {
        "POST /v2/team-a/app/blobs/uploads/": 401,
        "PUT /v2/team-a/app/manifests/v2": 401,
        "DELETE /v2/team-a/app/manifests/v1": 401,
        f"DELETE /v2/team-a/app/blobs/{digest_of(TEAM_A)}": 401,
        "GET /v2/shared/other/tags/list": 401,
        "GET /v2/_catalog": 401,
        "GET /v2/team-b/app/manifests/v1": 403,
        "POST /v2/team-b/app/blobs/uploads/": 403,
    }
    for request, status in denied.items():
        method, path = request.split()
        answer = talk.ask(method, path, b"{}" if method == "PUT" else None)
        assert answer.status == status, request
        if status == 401:
            (found,) = challenge.parse([answer.headers["www-authenticate"]])
            assert found.parameters["error"] == "insufficient_scope"


def test_a_private_repository_answers_as_one_that_is_not_there(registry: Guarded) -> None:
    digest = digest_of(TEAM_A)
    requests = [
        ("GET", "tags/list"), ("GET", "manifests/v1"), ("HEAD", "manifests/v1"),
        ("PUT", "manifests/v1"), ("DELETE", "manifests/v1"), ("GET", f"blobs/{digest}"),
        ("HEAD", f"blobs/{digest}"), ("DELETE", f"blobs/{digest}"), ("GET", f"referrers/{digest}"),
        ("POST", "blobs/uploads/"), ("GET", "blobs/uploads/" + "0" * 32),
    ]  # fmt: skip
    strangers = {
        "nobody": (Talk(registry.running.host), 401),
        "bob by password": (registry.by_password("bob"), 403),
        "bob by token": (registry.by_token("bob", "repository:team-a/app:pull,push"), 403),
        "nobody by token": (registry.by_token("", "repository:team-a/app:pull"), 401),
    }
    for who, (talk, status) in strangers.items():
        for method, tail in requests:
            there = talk.ask(method, f"/v2/team-a/app/{tail}")
            missing = talk.ask(method, f"/v2/team-a/axx/{tail}")
            assert there.status == status, (who, method, tail)
            same = str(said(missing)).replace("team-a/axx", "team-a/app")
            assert str(said(there)) == same, (who, method, tail)


def test_lists_have_what_one_may_pull(registry: Guarded) -> None:
    def names(talk: Talk) -> list[str]:
        answer = talk.ask("GET", "/v2/_catalog")
        assert answer.status == 200, answer
        return [one for one in answer.json()["repositories"] if one.startswith("team-")]

    assert names(registry.by_password("anna")) == ["team-a/app"]
    assert names(registry.by_token("bob", "registry:catalog:*")) == ["team-b/app"]
    assert names(registry.by_password("root")) == ["team-a/app", "team-b/app"]


def test_pages_of_the_list_are_whole_whatever_is_left_out(registry: Guarded) -> None:
    for number in range(6):
        registry.by_password("root").push_image(f"pages/{number}", "v1")
    registry.manager.set_rule("user:bob", "pages/5", ("pull",))
    talk, path, found = registry.by_password("bob"), "/v2/_catalog?n=1", []
    for _ in range(20):
        answer = talk.ask("GET", path)
        found += answer.json()["repositories"]
        if "link" not in answer.headers:
            break
        path = answer.headers["link"].partition("<")[2].partition(">")[0]
        assert not re.search("pages/[0-4]|team-a", path), "what is left out is not named"
    assert "pages/5" in found
    assert "pages/4" not in found


def test_a_blob_is_mounted_only_by_who_may_pull_it(registry: Guarded) -> None:
    digest = digest_of(TEAM_A)
    mount = f"/v2/team-b/stolen/blobs/uploads/?mount={digest}"
    ways = (f"{mount}&from=team-a/app", mount, f"{mount}&from=no/such")
    for talk in (
        registry.by_password("bob"),
        registry.by_token("bob", "repository:team-b/stolen:pull,push",
                          "repository:team-a/app:pull"),
    ):  # fmt: skip
        for way in ways:
            answer = talk.ask("POST", way)
            assert answer.status == 202, way
            assert talk.ask("HEAD", f"/v2/team-b/stolen/blobs/{digest}").status == 404
    own = f"/v2/team-a/copy/blobs/uploads/?mount={digest}&from=team-a/app"
    narrow = registry.by_token("anna", "repository:team-a/copy:pull,push")
    assert narrow.ask("POST", own).status == 202, "her token is not for the source"
    wide = registry.by_token("anna", "repository:team-a/copy:push", "repository:team-a/app:pull")
    assert wide.ask("POST", own).status == 201


def test_an_upload_is_its_beginners_alone(registry: Guarded) -> None:
    anna, bob = registry.by_password("anna"), registry.by_password("bob")
    location = anna.start("shared/x")
    content = b"of anna"
    assert anna.ask("PATCH", location, content[:3]).status == 202

    taken = [
        bob.ask("GET", location), bob.ask("PATCH", location, b"x"), bob.ask("DELETE", location),
        bob.ask("PUT", f"{location}?digest={digest_of(content[:3])}"),
        anna.ask("GET", location.replace("shared/x", "shared/y")),
        registry.by_password("root").ask("GET", location),
    ]  # fmt: skip
    assert {one.status for one in taken} == {404}
    assert registry.by_token("anna", "repository:shared/x:pull").ask(
        "PATCH", location, b"x"
    ).status == 401  # fmt: skip
    rest = registry.by_token("anna", "repository:shared/x:push")
    done = rest.ask("PUT", f"{location}?digest={digest_of(content)}", content[3:])
    assert done.status == 201, "a token that was renewed goes on"


def forged(registry: Guarded, **changes: object) -> str:
    """A token by the registry's own key that would be good, but for the changes."""
    snapshot = registry.manager.read()
    key = snapshot.keys[-1]
    now = int(time.time())
    access = [{"type": "repository", "name": "team-a/app", "actions": ["pull"]}]
    claims = {
        "iss": "dockyard-registry", "aud": snapshot.service, "sub": "user:anna", "iat": now,
        "nbf": now, "exp": now + 300, "gen": snapshot.users["anna"].generation, "access": access,
    }  # fmt: skip
    return jwt.encode(
        claims | changes, jwts._private(key.private), "ES256", headers={"kid": key.id}
    )


def test_tokens_that_are_not_good_are_refused(registry: Guarded) -> None:
    registry.token("anna")
    now = int(time.time())

    def status(token: str) -> int:
        return registry.bearer(token).ask("GET", "/v2/team-a/app/manifests/v1").status

    assert status(forged(registry)) == 200, "the rest differs from this one"
    assert status(forged(registry, exp=now - 11, iat=now - 400, nbf=now - 400)) == 401
    assert status(forged(registry, nbf=now + 60)) == 401
    assert status(forged(registry, aud="dockyard-of-somebody-else")) == 401
    assert status(forged(registry, iss="somebody")) == 401
    assert status(forged(registry, gen=0)) == 401
    assert status(forged(registry, sub="user:root")) == 401, "a user's generation is his own"
    assert status(forged(registry, sub="robot:anna")) == 401


def test_a_token_does_not_choose_how_it_is_verified(registry: Guarded) -> None:
    registry.token("anna")
    key = registry.manager.read().keys[-1]
    public = jwts._public(key.private).public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    body = forged(registry).split(".")[1]

    def encoded(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    def status(algorithm: str, secret: bytes | None) -> int:
        head = encoded(json.dumps({"alg": algorithm, "typ": "JWT", "kid": key.id}).encode())
        text = f"{head}.{body}"
        sign = b"" if secret is None else hmac.digest(secret, text.encode(), hashlib.sha256)
        token = f"{text}.{encoded(sign)}"
        return registry.bearer(token).ask("GET", "/v2/team-a/app/manifests/v1").status

    assert {status(one, None) for one in ("none", "None", "", "ES256", "HS256")} == {401}
    assert {status("HS256", one) for one in (public, public.strip(), key.id.encode())} == {401}


def test_a_robot_does_what_it_was_granted_until_it_expires(registry: Guarded) -> None:
    lifetime = 8
    secret = registry.manager.create_robot("brief", [Grant("team-a/*", ("pull",))], lifetime)
    registry.secrets.append(secret)
    created = registry.manager.read().robots["brief"].created
    talk = registry.by_password("robot$brief", secret)
    token = talk.ask("GET", "/token?scope=repository:team-a/app:pull,push").json()["token"]
    bearer = registry.bearer(token)

    assert bearer.ask("GET", "/v2/team-a/app/manifests/v1").status == 200
    assert talk.ask("GET", "/v2/team-a/app/manifests/v1").status == 200
    assert talk.ask("POST", "/v2/team-a/app/blobs/uploads/").status == 403
    assert registry.manager.read().robots["brief"].last_used is not None
    time.sleep(max(0.0, created + lifetime + 0.1 - time.time()))
    for one in (talk, bearer):
        assert one.ask("GET", "/v2/team-a/app/manifests/v1").status == 401


def test_who_is_disabled_is_out_at_once_with_all_that_he_has(registry: Guarded) -> None:
    registry.manager.add_user("carl", "carls secret word")
    talk = registry.by_password("carl", "carls secret word")
    given = talk.ask("GET", "/token?offline_token=true&scope=repository:shared/x:pull").json()
    bearer = registry.bearer(given["token"])
    renew = {"grant_type": "refresh_token", "refresh_token": given["refresh_token"]}
    assert registry.form(**renew).status == 200
    assert bearer.ask("GET", "/v2/shared/none/tags/list").status in {401, 404}

    registry.manager.update_user("carl", disabled=True)
    assert talk.ask("GET", "/v2/").status == 401
    assert bearer.ask("GET", "/v2/").status == 401
    assert registry.form(**renew).status == 401
    registry.manager.update_user("carl", disabled=False)
    assert talk.ask("GET", "/v2/").status == 200
    assert bearer.ask("GET", "/v2/").status == 401
    registry.manager.remove_user("carl")
    assert talk.ask("GET", "/v2/").status == 401


def test_everybody_pulls_what_a_rule_opens_and_nothing_else(registry: Guarded) -> None:
    registry.by_password("root").push_image("public/app", "v1", TEAM_B)
    nobody = Talk(registry.running.host)
    assert nobody.ask("GET", "/v2/public/app/manifests/v1").status == 401
    registry.manager.set_rule("anonymous", "public/**", ("pull",))

    by_token = registry.by_token("", "repository:public/app:pull,push")
    for talk in (nobody, by_token):
        assert talk.ask("GET", "/v2/public/app/manifests/v1").status == 200
        assert talk.ask("POST", "/v2/public/app/blobs/uploads/").status == 401
        assert talk.ask("DELETE", "/v2/public/app/manifests/v1").status == 401
        assert talk.ask("GET", "/v2/team-b/app/manifests/v1").status == 401


def test_tokens_are_had_by_a_form_too(registry: Guarded) -> None:
    more = {"service": "x", "client_id": "docker", "scope": "repository:team-a/app:pull"}
    answer = registry.form(grant_type="password", username="anna", password=PASSWORDS["anna"],
                           access_type="offline", **more)  # fmt: skip
    given = answer.json()
    assert answer.status == 200
    assert answer.headers["cache-control"] == "no-store"
    assert set(given) == {"token", "access_token", "expires_in", "issued_at", "refresh_token"}
    again = registry.form(grant_type="refresh_token", refresh_token=given["refresh_token"], **more)
    token = again.json()["access_token"]
    assert registry.bearer(token).ask("GET", "/v2/team-a/app/manifests/v1").status == 200
    for wrong in (
        {"grant_type": "password", "username": "anna", "password": "wrong password"},
        {"grant_type": "refresh_token", "refresh_token": given["token"]},
        {"grant_type": "client_credentials"}, {},
    ):  # fmt: skip
        assert registry.form(**wrong, **more).status == 401


def test_who_guesses_waits_and_nobody_else(registry: Guarded) -> None:
    registry.manager.add_user("dora", "doras secret word")

    def guess(password: str, source: str) -> tuple[int, str | None]:
        return log_in(registry, "dora", password, source)

    with ThreadPoolExecutor(10) as threads:
        found = list(threads.map(lambda n: guess(f"guess {n}", "127.0.0.2"), range(30)))
    statuses = [status for status, _ in found]
    assert set(statuses) == {401, 429}
    assert statuses.count(401) <= 7, "one at a time, and each costs more"
    assert {wait for status, wait in found if status == 429} <= {"1", "2", "3", "4"}
    assert guess("doras secret word", "127.0.0.2")[0] == 429
    assert guess("doras secret word", "127.0.0.3")[0] == 200


def test_many_logins_at_once_cost_time_and_not_memory(registry: Guarded) -> None:
    """Nobody's password costs all of 32 MiB."""

    def attempt(number: int) -> int:
        return log_in(registry, f"nobody{number}", "x" * 20, f"127.0.1.{number + 1}")[0]

    with ThreadPoolExecutor(24) as threads:
        assert set(threads.map(attempt, range(24))) <= {401, 429}
    status = Path(f"/proc/{registry.running.pid}/status").read_text()
    peak = int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
    assert peak < 200 << 10


def test_other_requests_go_on_while_passwords_are_worked_out(registry: Guarded) -> None:
    bearer = registry.by_token("anna", "repository:team-a/app:pull")

    def attempt(number: int) -> int:
        return log_in(registry, f"none{number}", "x" * 20, f"127.0.2.{number + 1}")[0]

    with ThreadPoolExecutor(30) as threads:
        waiting = [threads.submit(attempt, number) for number in range(30)]
        time.sleep(0.1)
        begun = time.monotonic()
        assert bearer.ask("GET", "/v2/team-a/app/manifests/v1").status == 200
        took = time.monotonic() - begun
        left = sum(1 for one in waiting if not one.done())
    assert took < 5 or not left, f"{took} s behind {left} logins"


def test_what_was_done_and_refused_is_in_the_audit_log(registry: Guarded) -> None:
    digest = registry.by_password("anna").push_image("team-a/noted", "v7", b"layer")
    secret = registry.manager.create_robot("curious", [Grant("team-b/*", ("pull",))], None)
    curious = registry.by_password("robot$curious", secret)
    for tail in ("", *range(20)):
        curious.ask("GET", f"/v2/team-a/noted{tail}/manifests/v7")
    registry.by_password("anna").ask("GET", "/v2/team-a/noted/manifests/v7")
    registry.by_password("anna").ask("DELETE", f"/v2/team-a/noted/manifests/{digest}")

    events = [one for one in registry.manager.events() if one.repository == "team-a/noted"]
    seen = {(one.who, one.action, one.result) for one in events}
    assert {
        ("user:anna", "push", "allowed"), ("user:anna", "pull", "allowed"),
        ("user:anna", "delete", "allowed"), ("robot:robot$curious", "pull", "denied"),
    } <= seen  # fmt: skip
    his = [one for one in registry.manager.events() if one.who == "robot:robot$curious"]
    assert len([one for one in his if one.result == "denied"]) < 20, "nobody fills it"
    pushed = next(one for one in events if (one.action, one.reference) == ("push", "v7"))
    assert pushed.digest == digest
    assert pushed.address == "127.0.0.1"


def test_no_credential_is_written_anywhere(registry: Guarded) -> None:
    """Neither in records, nor in the audit log, nor in what the server says."""
    registry.by_password("anna").ask("GET", "/v2/")
    files = [one for one in registry.running.root.rglob("*") if one.is_file()]
    kept = b"".join(one.read_bytes() for one in (*files, registry.running.log))
    sent = [*registry.secrets, *(basic(*pair).split()[1] for pair in PASSWORDS.items())]
    assert [one for one in sent if one.encode() in kept] == []
    assert all(one.stat().st_mode & 0o077 == 0 for one in files)


def test_users_are_added_from_the_command_line_while_it_runs(registry: Guarded) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dockyard.cli.main", "registry", "user", "add", "erik",
         "--password-stdin", "--root", str(registry.running.root)],
        input="eriks secret word\n", capture_output=True, text=True, env=environment(), check=True,
    )  # fmt: skip
    assert done.stdout == "erik\n"
    erik = registry.by_password("erik", "eriks secret word")
    assert erik.ask("GET", "/v2/").status == 200
    assert erik.ask("GET", "/v2/team-a/app/manifests/v1").status == 403
    registry.running.command("policy", "set", "user:erik", "team-a/**", "pull")
    assert erik.ask("GET", "/v2/team-a/app/manifests/v1").status == 200
    registry.running.command("policy", "rm", "user:erik")
    assert erik.ask("GET", "/v2/team-a/app/manifests/v1").status == 403


def test_nothing_set_up_lets_everybody_in_on_the_loopback_and_no_longer(tmp_path: Path) -> None:
    with own_registry(tmp_path) as running:
        nobody = Talk(running.host)
        nobody.push_image("a/b", "v1", b"layer")
        assert nobody.ask("GET", "/v2/_catalog").json() == {"repositories": ["a/b"]}
        running.command("policy", "set", "*", "**", "pull")
        assert nobody.ask("GET", "/v2/a/b/manifests/v1").status == 401
        running.command("policy", "rm", "*")
        assert nobody.ask("GET", "/v2/a/b/manifests/v1").status == 401


def test_more_than_this_host_is_served_only_with_users(tmp_path: Path) -> None:
    root = tmp_path / "registry"
    done = subprocess.run(
        [sys.executable, "-m", "dockyard.cli.main", "registry", "serve", "--insecure-http",
         "--addr", "0.0.0.0:0", "--root", str(root)],
        capture_output=True, text=True, env=environment(), check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert "it has no users" in done.stderr


def test_our_own_client_keeps_a_token_and_not_the_password(
    registry: Guarded, tmp_path: Path
) -> None:
    password = "freds secret word"
    registry.manager.add_user("fred", password, groups=["of-anna"])
    host, env = registry.running.host, environment() | {"HOME": str(tmp_path)}
    env.pop("DOCKER_CONFIG", None)
    program = [sys.executable, "-m", "dockyard.cli.main", "login", "-u", "fred", "--password-stdin"]
    for typed, code in (("wrong password", 1), (password, 0)):
        done = subprocess.run([*program, host], input=typed, capture_output=True, text=True,
                              env=env, check=False)  # fmt: skip
        assert done.returncode == code, done.stderr
    kept = (tmp_path / ".docker" / "config.json").read_text()
    assert "identitytoken" in kept
    assert password not in kept
    with registries.client(tmp_path) as client:
        app = client.remote(Reference.parse(f"{host}/team-a/app:v1"), push=True)
        assert app.start_upload().startswith("http")
        found = app.head()
        assert found is not None
        other = client.remote(Reference.parse(f"{host}/team-b/app:v1"), push=True)
        with pytest.raises(Denied):
            other.start_upload()
    registry.manager.set_password("fred", password)  # ends what was kept
    with registries.client(tmp_path) as client, pytest.raises(Unauthorized):
        client.remote(Reference.parse(f"{host}/team-a/app:v1")).head()


def test_our_own_client_says_who_may_not_do_what(registry: Guarded, tmp_path: Path) -> None:
    host, manager = registry.running.host, registry.manager
    content = os.urandom(100)
    layer = Descriptor(media_type=LAYER_TAR, digest=digest_of(content), size=len(content))
    sender = manager.create_robot("sender", [Grant("team-b/**", ("push",))], None)
    ended = manager.create_robot("ended", [Grant("team-b/**", ("push",))], -10)

    def send(name: str, password: str) -> None:
        docker = registries.auths(host, name, password)
        with registries.client(tmp_path, docker=docker) as client:
            remote = client.remote(Reference.parse(f"{host}/team-b/app:v1"), push=True)
            send_blob(remote, layer, lambda at: io.BytesIO(content[at:]))

    with pytest.raises(Denied) as denied:
        send("anna", PASSWORDS["anna"])
    with pytest.raises(Unauthorized) as unauthorized:
        send("robot$ended", ended)
    send("robot$sender", sender)  # who may send needn't be told what is there

    assert denied.value.message == "anna may not push to team-b/app"
    assert "the token of robot$ended expired on 20" in unauthorized.value.message
    assert ended not in str(unauthorized.value.context)
    path = f"/v2/team-b/app/blobs/{layer.digest}"
    assert registry.by_password("bob").ask("GET", path).body == content


def test_metrics_are_for_administrators_by_password(registry: Guarded) -> None:
    def status(talk: Talk) -> int:
        return talk.ask("GET", "/metrics").status

    assert status(registry.by_password("root")) == 200
    assert status(registry.by_token("root", "repository:a:pull")) == 403
    assert status(registry.by_password("anna")) == 403
    assert status(Talk(registry.running.host)) == 401


def test_a_long_list_of_repositories_keeps_nobody_waiting(tmp_path: Path) -> None:
    manager = open_manager(str(tmp_path / "registry"))
    manager._passwords = Passwords(CHEAP)
    manager.add_user("anna", PASSWORDS["anna"])
    for number in range(60):
        manager.set_rule("user:anna", f"*/*/x-{number}-*", ("pull",))
    manager.close()
    with own_registry(tmp_path) as running:
        anna = Talk(running.host, {"Authorization": basic("anna", PASSWORDS["anna"])})
        with contextlib.closing(sqlite3.connect(running.root / "registry.db")) as records, records:
            records.execute(f"INSERT INTO blobs VALUES ('{digest_of(b'x')}', 1, 'ready', '', 0)")
            for number in range(20_000):
                records.execute("INSERT INTO repositories VALUES (?, ?, 0)",
                                (number + 1000, f"a{number}/b/c"))  # fmt: skip
                records.execute("INSERT INTO links VALUES (?, ?, 0)",
                                (number + 1000, digest_of(b"x")))  # fmt: skip

        assert anna.ask("GET", "/v2/").status == 200
        with ThreadPoolExecutor(1) as beside:
            listed = beside.submit(anna.ask, "GET", "/v2/_catalog")
            answered = 0
            while not listed.done():
                assert Talk(running.host).ask("GET", "/healthz").status == 200
                answered += 1

        assert listed.result().json() == {"repositories": []}
        assert answered > 3
