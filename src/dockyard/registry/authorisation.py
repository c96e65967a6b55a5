"""What is said to one server so that it answers: a password, or tokens that another server gives.

A password goes to the server that it is for, and to the token server that this one names; tokens
go to the server they are for. Neither goes where a redirect leads, nor over a plain connection
where the registry itself is asked over an encrypted one.
"""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final
from urllib.parse import urlencode, urlsplit

import msgspec

from dockyard import decoding
from dockyard.decoding import natural
from dockyard.errors import HostileInput, RegistryError
from dockyard.registry import backoff, problems
from dockyard.registry.challenge import Challenge
from dockyard.registry.model import Credential, Trust
from dockyard.registry.problems import Asked, Unauthorized
from dockyard.registry.transport import Answer, Transport, finish

CLIENT: Final = "dockyard"
_DEFAULT_SECONDS: Final = 60.0
"""How long a token holds that doesn't say so (the specification's number)."""
_MAX_SECONDS: Final = 3600.0
_MARGIN_SECONDS: Final = 10.0
_MAX_ANSWER_BYTES: Final = 1 << 20
_MAX_TOKEN: Final = 64 << 10
_MAX_SCOPE: Final = 4096


class Token(msgspec.Struct, frozen=True):
    """What a token server gave. Its text shows none of it."""

    value: str
    until: float
    """Of the monotonic clock."""
    refresh: str = ""
    """An identity token, where one was asked for."""

    def __repr__(self) -> str:
        return "Token(...)"


class _Given(msgspec.Struct, frozen=True):
    token: str | None = ""
    access_token: str | None = ""
    refresh_token: str | None = ""
    expires_in: float | str | None = None
    """Seconds; some write them as text."""


class Authoriser:
    """Who one is to one server. Safe between threads: of each token one is fetched at a time."""

    def __init__(
        self, asked: Asked, transport: Transport, credential: Callable[[], Credential | None],
        trust: Callable[[str], Trust],
    ) -> None:  # fmt: skip
        """``trust`` says how to believe a token server."""
        self._asked = asked
        self._transport = transport
        self._credential = credential
        self._trust = trust
        self._guard = threading.Lock()
        self._challenge: Challenge | None = None
        self._extra: dict[frozenset[str], frozenset[str]] = {}
        """What the server wanted besides, by what was asked for."""
        self._tokens: dict[frozenset[str], Token] = {}
        self._refusals: dict[frozenset[str], Unauthorized] = {}
        self._locks: dict[frozenset[str], threading.Lock] = {}

    @property
    def is_anonymous(self) -> bool:
        """Whether there is nothing to say who one is."""
        return self._credential() is None

    def header(self, scopes: Sequence[str]) -> str | None:
        """What to put under ``Authorization``; ``None`` as long as nothing is asked for.

        Args:
            scopes: what is to be done, such as ``repository:a/b:pull``.

        Raises:
            Unauthorized: the token server doesn't believe who one is.
            Interrupted: it fails.
        """
        challenge = self._challenge
        if challenge is None:
            return None
        credential = self._credential()
        if challenge.scheme == "basic":
            return _basic(credential) if credential is not None else None
        if credential is not None and credential.registry_token:
            return f"Bearer {_clean(credential.registry_token, self._asked.host)}"
        return f"Bearer {self._token(self._with_extra(scopes)).value}"

    def learn(
        self, challenges: Sequence[Challenge], sent: str | None, scopes: Sequence[str],
        *, plain: bool,
    ) -> bool:  # fmt: skip
        """Takes in that an answer was 401; True where it makes sense to ask again.

        Args:
            sent: the header that wasn't enough.
            scopes: what it was for.
            plain: the server itself is asked without encryption, or that doesn't matter.

        Raises:
            HostileInput: the token server is one to which nothing may be said.
        """
        usable = [one for one in challenges if one.scheme in {"bearer", "basic"}]
        bearer = next((one for one in usable if one.scheme == "bearer"), None)
        chosen = bearer or next(iter(usable), None)
        if chosen is None:
            return False
        if bearer is not None:
            self._check_realm(bearer.parameters.get("realm", ""), plain=plain)
        with self._guard:
            self._challenge = chosen
            scope = chosen.parameters.get("scope", "")
            if len(scope) <= _MAX_SCOPE:
                self._extra[frozenset(scopes)] = frozenset(scope.split())
            if sent is not None:
                self._tokens = {
                    key: one for key, one in self._tokens.items() if f"Bearer {one.value}" != sent
                }
        if sent is None:
            return bearer is not None or self._credential() is not None
        return bearer is not None and sent.startswith("Bearer ")

    def log_in(self) -> str:
        """Asks the token server for an identity token; empty where there is none to be had.

        Raises:
            Unauthorized: it doesn't believe who one is.
        """
        challenge = self._challenge
        credential = self._credential()
        if challenge is None or challenge.scheme != "bearer" or credential is None:
            return ""
        if credential.registry_token:
            return ""
        return self._fetch(challenge, credential, frozenset(), offline=True).refresh

    def _with_extra(self, scopes: Sequence[str]) -> frozenset[str]:
        wanted = frozenset(scopes)
        return wanted | self._extra.get(wanted, frozenset())

    def _token(self, scopes: frozenset[str]) -> Token:
        with self._guard:
            lock = self._locks.setdefault(scopes, threading.Lock())
        with lock:
            found = self._tokens.get(scopes)
            if found is not None and found.until > time.monotonic():
                return found
            challenge = self._challenge
            if challenge is None:  # it can't be forgotten
                raise RegistryError("no token server is known", hint="try again")
            if scopes in self._refusals:  # asking again and again can lock an account
                raise self._refusals[scopes]
            try:
                made = self._fetch(challenge, self._credential(), scopes)
            except Unauthorized as error:
                self._refusals[scopes] = error
                raise
            with self._guard:
                self._tokens[scopes] = made
            return made

    def _fetch(
        self, challenge: Challenge, credential: Credential | None, scopes: frozenset[str],
        *, offline: bool = False,
    ) -> Token:  # fmt: skip
        realm, service = (challenge.parameters.get(name, "") for name in ("realm", "service"))
        if credential is not None and credential.identity_token:
            answer = self._post(realm, service, credential, scopes)
        else:
            answer = self._get(realm, service, credential, scopes, offline=offline)
        try:
            body = self._transport.read(answer, _MAX_ANSWER_BYTES, urlsplit(realm).netloc)
        finally:
            finish(answer)
        if answer.status != 200:
            raise self._refused(answer, body, credential)
        return _token(body, realm)

    def _get(
        self, realm: str, service: str, credential: Credential | None, scopes: frozenset[str],
        *, offline: bool,
    ) -> Answer:  # fmt: skip
        fields = [("service", service)] if service else []
        fields += [("scope", scope) for scope in sorted(scopes)]
        headers = {}
        if credential is not None and credential.username:
            headers["Authorization"] = _basic(credential)
            fields.append(("account", credential.username))
        if offline:
            fields += [("offline_token", "true"), ("client_id", CLIENT)]
        mark = "&" if urlsplit(realm).query else "?"
        url = f"{realm}{mark}{urlencode(fields)}"
        return self._transport.send("GET", url, trust=self._trust_in(realm), headers=headers)

    def _post(
        self, realm: str, service: str, credential: Credential, scopes: frozenset[str]
    ) -> Answer:
        fields = {
            "grant_type": "refresh_token", "service": service, "client_id": CLIENT,
            "scope": " ".join(sorted(scopes)), "refresh_token": credential.identity_token,
        }  # fmt: skip
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._transport.send(
            "POST", realm, trust=self._trust_in(realm), headers=headers,
            body=urlencode(fields).encode(),
        )  # fmt: skip

    def _trust_in(self, realm: str) -> Trust:
        return self._trust(urlsplit(realm).netloc.lower())

    def _check_realm(self, realm: str, *, plain: bool) -> None:
        try:
            parts = urlsplit(realm)
            whole = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        except ValueError:
            whole = False
            parts = urlsplit("")
        if not whole or "@" in parts.netloc or not realm.isascii() or not realm.isprintable():
            raise HostileInput(
                f"{self._asked.host} names a token server that makes no sense",
                hint="nothing was said to it; ask whoever runs that registry",
                reference="bad-realm",
            )
        if parts.scheme == "http" and not plain:
            raise HostileInput(
                f"{self._asked.host} names a token server without encryption:"
                f" {problems.shown(realm)}",
                hint="nothing was said to it; it is allowed where the registry is insecure in"
                " registries.toml",
                reference="realm-not-encrypted",
            )

    def _refused(self, answer: Answer, body: bytes, credential: Credential | None) -> Exception:
        stale = credential is not None and credential.identity_token and answer.status == 400
        if stale or answer.status in {401, 403}:
            code, words = problems.said(body)
            ended = problems.tells_of_end(words)
            why = words if ended else "incorrect username or password"
            return Unauthorized(
                f"{self._asked.registry} does not accept the credentials: {why}"
                if credential is not None
                else f"access to {self._asked.what} is denied to those who are not logged in",
                context=None if ended else problems.joined(code, words),
                hint=f"log in (dockyard login {self._asked.registry})",
            )  # fmt: skip
        wait = backoff.asked_for(answer.headers.get("Retry-After", ""), time.time())
        host = urlsplit(self._challenge.parameters["realm"]).netloc if self._challenge else ""
        asked = Asked(host, self._asked.registry, "a token")
        return problems.of_answer(answer.status, body, asked, wait=wait)


def _basic(credential: Credential | None) -> str:
    if credential is None:
        return ""
    pair = f"{credential.username}:{credential.password}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def _token(body: bytes, realm: str) -> Token:
    host = urlsplit(realm).netloc
    try:
        given = decoding.from_json(body, _Given)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise RegistryError(
            f"the answer of the token server {host} makes no sense",
            hint="a proxy between may have answered instead; ask whoever runs it",
        ) from None
    value = _clean(given.token or given.access_token or "", host)
    told = given.expires_in
    wanted = (natural(told) if isinstance(told, str) else told) or 0
    seconds = min(wanted, _MAX_SECONDS) if wanted > 0 else _DEFAULT_SECONDS
    margin = min(_MARGIN_SECONDS, seconds / 5)
    return Token(value, time.monotonic() + seconds - margin, given.refresh_token or "")


def _clean(token: str, host: str) -> str:
    """A token goes into a header, in which no line may end."""
    if not (token and token.isascii() and token.isprintable() and " " not in token):
        raise RegistryError(f"{host} gives a token that makes no sense", hint="ask whoever runs it")
    if len(token) > _MAX_TOKEN:
        raise RegistryError(f"{host} gives a token that is too large", hint="ask whoever runs it")
    return token
