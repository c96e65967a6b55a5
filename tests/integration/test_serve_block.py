"""A whole ``x-dockyard`` block, as the documentation shows it, through ``up``."""

from __future__ import annotations

import json
import re
import ssl
import subprocess
import time
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.support import grpc
from tests.support.gateway import certificate
from tests.support.roots import Root
from tests.support.serving import Answer, Stand, free_port

KEYS = {"ana": "ana-4f1c2d7e9b8a6053", "bob": "bob-90d2c4b6a8f0e1d3"}
BUDGET = 60
"""Requests that a key has; the hour in which it has them is longer than the test."""
MOST_BODY = 32 << 20
BLOCK: dict[str, Any] = {
    "port": 8000,
    "protocol": "http1",
    "scale": {"min": 0, "max": 8, "target": 4, "metric": "concurrency"},
    "ready": {"path": "/healthz"},
    "concurrency": 4,
    "timeout": "30s",
    "grace": "30s",
    "max_body": "32MiB",
    "idempotent": True,
    "sticky": {"cookie": "variant"},
    "queue": {"max": 200},
    "rate_limit": {"requests": BUDGET, "per": "1h", "key": "header:x-api-key"},
    "auth": {"keys": "secret:api_keys"},
}


class Example(Stand):
    """The block's service with a variant and a shadow, and others beside it."""

    def __init__(self, root: Root, directory: Path) -> None:
        super().__init__(root, directory)
        self.secure = free_port()
        certificate(directory, "secure.test")
        (directory / "keys.txt").write_text("".join(f"{who}: {key}\n" for who, key in KEYS.items()))
        (directory / "grpc.py").write_text(Path(grpc.__file__).read_text())

    def write_all(self) -> None:
        services = {
            "embed": self.replica({**BLOCK, "route": self.route(path="/embed", strip=True)}, "1"),
            "embed-next": self.replica(
                {"variant_of": "embed", "weight": 10, "match": {"header": {"x-variant": "next"}}},
                "2",
            ),
            "embed-dark": self.replica(
                {"variant_of": "embed", "shadow": True, "scale": {"min": 1, "max": 1}},
                "dark", LOG="1",
            ),
            "tenant": self.replica(
                {"route": self.route(host="api.test", header={"X-Tenant": "gold"}),
                 "port": 8000, "scale": {"min": 0}}, "tenant",
            ),
            "secure": self.replica(
                {"route": {"listen": f"127.0.0.1:{self.secure}",
                           "tls": {"cert": "secure.test.crt", "key": "secret:tls_key"}},
                 "port": 8000, "scale": {"min": 0}}, "secure",
            ),
            "rpc": self.replica(
                {"route": self.route(path="/pkg.Service"), "port": 8000, "protocol": "h2c",
                 "scale": {"min": 0}}, "rpc", program="grpc.py",
            ),
        }  # fmt: skip
        secrets = {"api_keys": {"file": "keys.txt"}, "tls_key": {"file": "secure.test.key"}}
        document = {"name": "demo", "services": services, "secrets": secrets}
        (self.directory / "compose.yaml").write_text(json.dumps(document))

    def route(self, **more: Any) -> dict[str, Any]:
        return {"listen": f"127.0.0.1:{self.port}", **more}

    def replica(
        self, block: dict[str, Any], version: str, program: str = "server.py", **environment: str
    ) -> dict[str, Any]:
        return {
            "image": "python:3.11", "command": ["python", f"/srv/{program}"],
            "volumes": [f"{self.directory}/{program}:/srv/{program}:ro"],
            "environment": {"VERSION": version, **environment}, "x-dockyard": block,
        }  # fmt: skip

    def ask(self, who: str, path: str = "/embed/x", body: bytes | None = None,
            **headers: str) -> Answer:  # fmt: skip
        """A request with somebody's key."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.get(path, method="POST" if body else "GET", body=body,
                        headers={"x-api-key": KEYS[who], **named})  # fmt: skip

    def copies(self) -> list[str]:
        """The requests that the shadow's one replica got."""
        told = self.root.cli("services", "logs", "embed-dark", check=True).stdout
        return re.findall(r'"((?:GET|POST) (?!/healthz)\S+) HTTP/1.1" 200', told)


@pytest.fixture
def stand(root: Root, tmp_path: Path) -> Example:
    return Example(root, tmp_path)


def version(answer: Answer) -> str:
    assert answer.status == 200, answer.body
    return answer.body.split()[0]


def test_the_whole_block_does_what_it_says(stand: Example) -> None:
    stand.write_all()
    stand.up()
    assert stand.get("/embed/x").status == 401
    assert stand.get("/embed/x", headers={"x-api-key": "of nobody at all"}).status == 401
    passed = sticks_and_matches(stand)
    passed += refuses_beyond_the_rate(stand)
    whole = stand.ask("ana", "/embed/whole", bytes(MOST_BODY + 1), cookie="variant=embed")
    assert whole.body == f"1 {MOST_BODY + 1}", "it isn't kept for another try, but it passes"
    stand.until(lambda: len(stand.copies()) > passed)
    expected = {"GET /y?z=1": 1, "GET /x": passed - 1, "POST /whole": 1}
    assert Counter(stand.copies()) == expected, "each request that passed, exactly once"
    others_are_at_their_routes(stand)
    speaks_h2c_from_zero(stand)


def sticks_and_matches(stand: Example) -> int:
    """Ana gets the service at zero, the variant for her header, and then what her cookie says;
    how many requests that were."""
    first = stand.ask("ana", "/embed/y?z=1")
    assert (version(first), first.body.split()[2]) == ("1", "/y?z=1")
    terms = "; Path=/embed; HttpOnly; SameSite=Lax"
    assert first.headers["set-cookie"] == f"variant=embed{terms}"
    assert version(stand.ask("ana", x_variant="next")) == "2"
    stand.until(lambda: stand.row("embed-next")["Share"] == "10%")
    asked = 0

    def follows() -> bool:
        nonlocal asked
        asked += 1
        time.sleep(0.2)  # she has a budget as well
        return version(stand.ask("ana", cookie="variant=embed-next")) == "2"

    stand.until(follows)  # once the gateway knows that it has been ready
    stays = [stand.ask("ana", cookie="variant=embed") for _ in range(3)]
    assert [version(one) for one in stays] == ["1"] * 3
    return 2 + asked + len(stays)


def refuses_beyond_the_rate(stand: Example) -> int:
    """Bob uses up what a key has, which costs nobody else; how many of his requests passed."""
    answers = [stand.ask("bob") for _ in range(BUDGET + 2)]
    assert [one.status for one in answers] == [200] * BUDGET + [429] * 2
    assert int(answers[-1].headers["retry-after"]) == -(-3600 // BUDGET)
    assert {version(one) for one in answers[:BUDGET]} <= {"1", "2"}, "the shadow never answers"
    return BUDGET


def others_are_at_their_routes(stand: Example) -> None:
    gold = {"host": "api.test", "x-tenant": "gold"}
    assert version(stand.get("/x", headers=gold)) == "tenant"
    assert stand.get("/x", headers={"host": "api.test", "x-tenant": "tin"}).status == 404
    assert stand.get("/x", headers={"x-tenant": "gold"}).status == 404
    trusted = ssl.create_default_context(cafile=str(stand.directory / "secure.test.crt"))
    trusted.check_hostname = False  # it is asked for by its address
    with urllib.request.urlopen(f"https://127.0.0.1:{stand.secure}/", context=trusted) as answer:
        assert answer.read().decode().split()[0] == "secure"


def speaks_h2c_from_zero(stand: Example) -> None:
    done = subprocess.run(
        ["curl", "-sS", "--http2-prior-knowledge", "--max-time", "30", "-H", "te: trailers",
         "-D", stand.directory / "head", "--data-binary", "x",
         f"http://127.0.0.1:{stand.port}/pkg.Service/Watch"],
        capture_output=True, check=True,
    )  # fmt: skip
    assert done.stdout == grpc.message(b"one") + grpc.message(b"two")
    assert "grpc-status: 0" in (stand.directory / "head").read_text()
