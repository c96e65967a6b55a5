"""``/token``: what a client shows instead of a password, for what it is about to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import parse_qsl

from aiohttp import web

from dockyard.oci.times import rfc3339
from dockyard.registry.access import header, refusal
from dockyard.registry.access.model import Principal
from dockyard.registry.access.service import Issued
from dockyard.registry.access.throttle import site_of
from dockyard.registry.server import problems
from dockyard.registry.server.service import Service
from dockyard.registry.server.web.bodies import whole

_LONGEST: Final = 64 << 10
_MOST_FIELDS: Final = 100
_FORM: Final = "application/x-www-form-urlencoded"


class Wanted(NamedTuple):
    """Who wants a token for what."""

    principal: Principal
    scopes: tuple[str, ...]
    offline: bool


class Tokens:
    """Gives tokens by both of Docker's ways: a query with Basic, and OAuth2's form."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._gate = service.gate
        self._access = service.gate.access

    async def answer(self, request: web.Request) -> web.Response:
        """The token.

        Raises:
            Refusal: nobody is known by what was shown.
            problems.Refused: nobody needs one. The key to sign it with would be the first of what
                closes a registry that is open.
        """
        if self._gate.is_open:
            raise problems.no_such_page()
        wanted = await (self._by_form(request) if request.method == "POST"
                        else self._by_query(request))  # fmt: skip
        issued = await self._service.records(
            self._access.issue, wanted.principal, wanted.scopes, offline=wanted.offline
        )
        return web.json_response(_document(issued), headers={"Cache-Control": "no-store"})

    async def _by_query(self, request: web.Request) -> Wanted:
        principal = await self._gate.principal(
            request.headers.get("Authorization"), request.remote or ""
        )
        return Wanted(
            principal, tuple(request.query.getall("scope", [])),
            request.query.get("offline_token") == "true",
        )  # fmt: skip

    async def _by_form(self, request: web.Request) -> Wanted:
        """RFC 6749, 4.3 and 6.

        Raises:
            problems.Refused: it is no form, or comes too slowly.
        """
        if request.content_type != _FORM:
            raise problems.bad_form(f"it is not {_FORM}")
        with self._service.forms.share(site_of(request.remote or "")) as share:
            form = read_form(await whole(request, self._service.rules, _LONGEST, share))
        return Wanted(
            await self._of_form(form, request.remote or ""),
            tuple(form.get("scope", "").split()), form.get("access_type") == "offline",
        )  # fmt: skip

    async def _of_form(self, form: Mapping[str, str], address: str) -> Principal:
        kind = form.get("grant_type")
        if kind == "refresh_token":
            return await self._gate.log_in(self._access.resume, form.get("refresh_token", ""))
        if kind == "password" and form.get("username") and form.get("password"):
            login = header.Login(form["username"], form["password"])
            return await self._gate.log_in(self._access.log_in, login, address)
        raise refusal.unknown()


def read_form(data: bytes) -> dict[str, str]:
    """The fields of a form. Pure; in UTF-8, whatever charset a client names.

    Raises:
        problems.Refused: it is none.
    """
    try:
        pairs = parse_qsl(data.decode("ascii"), keep_blank_values=True, errors="strict",
                          max_num_fields=_MOST_FIELDS)  # fmt: skip
    except ValueError:
        raise problems.bad_form("it can't be read") from None
    return dict(pairs)


def _document(issued: Issued) -> dict[str, object]:
    found: dict[str, object] = {
        "token": issued.token, "access_token": issued.token, "expires_in": issued.expires_in,
        "issued_at": rfc3339(issued.issued_at),
    }  # fmt: skip
    return found | ({"refresh_token": issued.refresh_token} if issued.refresh_token else {})
