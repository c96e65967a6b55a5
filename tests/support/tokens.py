"""A token server of a test's own, whose tokens Debian's ``docker-registry`` believes."""

from __future__ import annotations

import base64
import contextlib
import json
import secrets
import time
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from tests.support.registries import encoded
from tests.support.servers import Web, authority, web

SERVICE = "registry.test"
ISSUER = "tokens.test"


class TokenServer:
    """One that runs. What it is asked is in ``asked``: how, for which scopes, as whom."""

    def __init__(self, served: Web, directory: Path, users: Mapping[str, str]) -> None:
        self.url = f"{served.url}/token"
        self.users = users
        self.asked: list[tuple[str, tuple[str, ...], str]] = []
        self.refresh_tokens: dict[str, str] = {}
        self.seconds = 300
        """How long its tokens are good."""
        self.failing: list[tuple[int, dict[str, str]]] = []
        """Statuses and headers of the next answers, before it works."""
        self.public = False
        """Whoever has no name may pull."""
        self.bundle = directory / "ca.pem"
        self._key = (directory / "key.pem").read_text()
        served.answers["/token"] = self._answer

    @property
    def settings(self) -> dict[str, str]:
        """The section ``auth.token`` of a registry that believes it."""
        return {
            "realm": self.url, "service": SERVICE, "issuer": ISSUER,
            "rootcertbundle": str(self.bundle),
        }  # fmt: skip

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        if self.failing:
            _say(request, *self.failing.pop(0), {})
            return
        length = int(request.headers.get("Content-Length") or 0)
        text = request.rfile.read(length).decode() or urlsplit(request.path).query
        fields = parse_qs(text)
        scopes = tuple(
            scope for group in fields.get("scope", []) for scope in group.split() if scope
        )
        name = self._name(request, fields)
        self.asked.append((request.command, scopes, name or "?"))
        if name is None or (not name and not self.public):
            problem = {"errors": [{"code": "UNAUTHORIZED", "message": "no such user"}]}
            _say(request, 401, {}, problem)
            return
        answer = {"token": self._token(name, scopes), "expires_in": self.seconds}
        if fields.get("offline_token") == ["true"]:
            token = secrets.token_hex(8)
            self.refresh_tokens[token] = name
            answer["refresh_token"] = token
        _say(request, 200, {}, answer)

    def _name(self, request: BaseHTTPRequestHandler, fields: dict[str, list[str]]) -> str | None:
        if request.command == "POST":
            return self.refresh_tokens.get(fields["refresh_token"][0])
        header = request.headers.get("Authorization", "")
        if not header:
            return ""
        known = {f"Basic {encoded(name, word)}": name for name, word in self.users.items()}
        return known.get(header)

    def _token(self, name: str, scopes: tuple[str, ...]) -> str:
        access = []
        for scope in scopes:
            kind, _, rest = scope.partition(":")
            path, _, actions = rest.rpartition(":")
            allowed = actions.split(",") if name else ["pull"]
            access.append({"type": kind, "name": path, "actions": allowed})
        now = int(time.time())
        claims = {
            "iss": ISSUER, "sub": name, "aud": SERVICE, "exp": now + self.seconds,
            "nbf": now - 5, "iat": now, "jti": secrets.token_hex(8), "access": access,
        }  # fmt: skip
        lines = self.bundle.read_text().split("-----")[2]
        return jwt.encode(
            claims, self._key, algorithm="ES256", headers={"x5c": ["".join(lines.split())]}
        )


def _say(
    request: BaseHTTPRequestHandler, status: int, headers: Mapping[str, str], document: Any
) -> None:
    body = json.dumps(document).encode()
    request.send_response(status)
    for name, value in headers.items():
        request.send_header(name, value)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)


@contextlib.contextmanager
def token_server(directory: Path, users: Mapping[str, str]) -> Iterator[TokenServer]:
    """Runs one on this host, without encryption."""
    authority(directory)
    with web() as served:
        yield TokenServer(served, directory, users)


def claims_of(token: str) -> dict[str, Any]:
    """What a token says, unchecked."""
    part = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found
