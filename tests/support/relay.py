"""A server before a registry, which gives on what that says, and may meddle with it."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler
from typing import NamedTuple

from tests.support.servers import Answer

_ASKED = ("Accept", "Range")
_TOLD = ("Content-Type", "Content-Range", "Docker-Content-Digest")


class Reply(NamedTuple):
    """What is given on."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Meddle = Callable[[BaseHTTPRequestHandler, Reply], Reply]


def relayed(host: str, meddle: Meddle = lambda _, reply: reply) -> Answer:
    """What a :class:`~tests.support.servers.Web` answers to all below ``/v2``.

    Args:
        host: the registry's.
    """

    def answer(request: BaseHTTPRequestHandler) -> None:
        reply = meddle(request, _asked(host, request))
        request.send_response(reply.status)
        for name, value in reply.headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(reply.body)))
        request.end_headers()
        if request.command != "HEAD":
            request.wfile.write(reply.body)

    return answer


def _asked(host: str, request: BaseHTTPRequestHandler) -> Reply:
    headers = {name: request.headers[name] for name in _ASKED if name in request.headers}
    asked = urllib.request.Request(
        f"http://{host}{request.path}", headers=headers, method=request.command
    )
    try:
        answer = urllib.request.urlopen(asked, timeout=30)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        told = {name: answer.headers[name] for name in _TOLD if name in answer.headers}
        return Reply(answer.status, told, answer.read())
