"""Files of the web: fetched by the rules of this host's network, and checked while they come.

Proxies and certificate authorities are this host's. A password goes to the server that the
address names and to no other; addresses of cloud metadata services are refused, however they are
reached.
"""

from __future__ import annotations

import base64
import contextlib
import email.utils
import hashlib
import http.client
import os
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from dockyard._version import __version__
from dockyard.build.cache import Origin
from dockyard.build.dockerfile.source import redacted
from dockyard.build.remote.address import Web
from dockyard.build.solver import Cancellation
from dockyard.decoding import natural
from dockyard.errors import BuildError, ContentMismatch, HostileInput
from dockyard.oci import digest
from dockyard.state.paths import unusable
from dockyard.state.room import Room
from dockyard.system import metadata
from dockyard.system.authorities import bundle_of

_CHUNK_BYTES: Final = 1 << 20
_TIMEOUT: Final = 60.0
"""Seconds without a byte, after which a server counts as gone."""

_MAX_REDIRECTS: Final = 10
_MAX_BYTES: Final = 1 << 38
"""What one file may have, as an archive's files have together: an answer need not end."""
_MODE: Final = 0o600
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


_Response = http.client.HTTPResponse | urllib.error.HTTPError
"""The second for what wasn't modified, which urllib takes for an error."""


def download(web: Web, directory: str, cancellation: Cancellation) -> Origin:
    """Fetches a file into a directory, with the time that its server gives.

    Raises:
        BuildError: it can't be had, or the build was canceled.
        ContentMismatch: it breaks off, or doesn't have its checksum.
        HostileInput: it leads to a metadata service, or doesn't come to an end.
        DiskFull: no room is left but what is to stay free.
        StateError: the disk.
    """
    path = f"{directory}/{web.name}"
    with _request(web, {}, cancellation) as response:
        try:
            descriptor = os.open(path, _NEW, _MODE)
        except OSError as error:
            raise unusable(path, error) from error
        try:
            content = _store(web, response, descriptor, Room(directory))
            modified = response.headers.get("Last-Modified", "")
            seconds = seconds_of(modified)
            os.fchmod(descriptor, _MODE)
            os.utime(descriptor, (seconds, seconds))
        finally:
            os.close(descriptor)
    identity = digest.of("\n".join((content, web.name, str(seconds))).encode())
    return Origin(identity, response.headers.get("ETag", ""), modified)


def unchanged(web: Web, origin: Origin, cancellation: Cancellation) -> bool:
    """Asks the server whether it still has what it had.

    Raises:
        BuildError: it can't be asked.
    """
    headers = {}
    if origin.etag:
        headers["If-None-Match"] = origin.etag
    elif origin.last_modified:
        headers["If-Modified-Since"] = origin.last_modified
    else:
        return False
    with _request(web, headers, cancellation) as response:
        return bool(response.status == http.HTTPStatus.NOT_MODIFIED)


@contextlib.contextmanager
def _request(web: Web, headers: dict[str, str], cancellation: Cancellation) -> Iterator[_Response]:
    """The answer, to be read in the block; errors in it are told as the user's."""
    sockets = _Sockets()
    undo = cancellation.register(sockets.shut)
    try:
        with contextlib.closing(_answer(web, headers, sockets)) as response:
            yield response
    except http.client.IncompleteRead as error:
        raise _truncated(web, "the transfer broke off") from error
    except (OSError, http.client.HTTPException, ValueError, BuildError) as error:
        if cancellation.requested:
            raise BuildError("canceled", reference="canceled") from error
        if isinstance(error, BuildError):
            raise
        raise _failed(web, _reason(error)) from error
    finally:
        undo()


def _answer(web: Web, headers: dict[str, str], sockets: _Sockets) -> _Response:
    parts = urlsplit(web.url)
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2])
    request = urllib.request.Request(bare.geturl(), headers=headers)  # noqa: S310  # http(s) only
    request.add_header("User-Agent", f"dockyard/{__version__}")
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        token = base64.b64encode(pair.encode()).decode()
        request.add_unredirected_header("Authorization", f"Basic {token}")
    try:
        found: http.client.HTTPResponse = _opener(web, sockets).open(request, timeout=_TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code == http.HTTPStatus.NOT_MODIFIED:
            return error
        error.close()
        raise _failed(web, f"server response: {error.code} {error.reason}") from error
    return found


class _Sockets:
    """The connections of a request, which another thread may end."""

    def __init__(self) -> None:
        self._open: list[socket.socket] = []

    def add(self, opened: socket.socket) -> None:
        """Keeps one."""
        self._open.append(opened)

    def shut(self) -> None:
        """Ends them all: whoever reads from them gets an error."""
        for each in self._open:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


def _opener(web: Web, sockets: _Sockets) -> urllib.request.OpenerDirector:
    context = ssl.create_default_context(cafile=bundle_of(os.environ))
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(), _Plain(sockets), _Encrypted(sockets, context),
        _Redirects(checked=bool(web.checksum)), urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
    ):  # fmt: skip
        opener.add_handler(handler)
    return opener


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to other web servers, but not from an encrypted one to a plain one."""

    max_redirections = _MAX_REDIRECTS

    def __init__(self, *, checked: bool) -> None:
        self._checked = checked

    def http_error_302(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any
    ) -> Any:
        """As urllib does, but what leads out of the web is said to be so."""
        target = urlsplit(headers.get("Location", ""))
        with contextlib.ExitStack() as stack:
            stack.callback(fp.close)
            if target.scheme not in {"", "http", "https"}:
                raise HostileInput(
                    f"{req.host} redirects to {redacted(target.geturl())}, which is not of the web",
                    hint="don't fetch from there; ask whoever runs that server",
                )
            return super().http_error_302(req, fp, code, msg, headers)

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        """Leaves passwords out, and refuses what gives encryption up."""
        new = urlsplit(newurl)
        if req.type == "https" and new.scheme == "http" and not self._checked:
            raise HostileInput(
                f"{req.host} redirects to {redacted(newurl)}, which is not encrypted",
                hint="with --checksum it is followed, since the content is checked then",
            )
        bare = new._replace(netloc=new.netloc.rpartition("@")[2])
        return super().redirect_request(req, fp, code, msg, headers, bare.geturl())


class _Plain(urllib.request.HTTPHandler):
    def __init__(self, sockets: _Sockets) -> None:
        super().__init__()
        self._sockets = sockets

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        _check_name(req)
        proxied, sockets = _is_proxied(req), self._sockets

        class Connection(http.client.HTTPConnection):
            def connect(self) -> None:
                super().connect()
                _connected(self, sockets, proxied=proxied)

        return self.do_open(Connection, req)


class _Encrypted(urllib.request.HTTPSHandler):
    def __init__(self, sockets: _Sockets, context: ssl.SSLContext) -> None:
        super().__init__(context=context)
        self._sockets = sockets
        self._trust = context

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        _check_name(req)
        proxied, sockets = _is_proxied(req), self._sockets

        class Connection(http.client.HTTPSConnection):
            def connect(self) -> None:
                super().connect()
                _connected(self, sockets, proxied=proxied)

        return self.do_open(Connection, req, context=self._trust)


def _connected(connection: http.client.HTTPConnection, sockets: _Sockets, *, proxied: bool) -> None:
    """Before anything is sent: who is it really?"""
    sockets.add(connection.sock)
    address = str(connection.sock.getpeername()[0]).partition("%")[0]
    if not proxied and metadata.is_metadata(address):
        connection.close()
        raise metadata.refused(f"{connection.host} ({address})")


def _is_proxied(request: urllib.request.Request) -> bool:
    """True where the peer is a proxy, which the user chose."""
    return request.has_proxy() or bool(getattr(request, "_tunnel_host", None))


def _check_name(request: urllib.request.Request) -> None:
    """Refuses a metadata service by its name or number, also where a proxy would reach it."""
    host = urlsplit(request.full_url).hostname or ""
    if metadata.is_metadata(host):
        raise metadata.refused(host)


def _store(web: Web, response: _Response, descriptor: int, room: Room) -> str:
    """Writes the content; its digest.

    Raises:
        ContentMismatch: it is shorter than announced, or has another checksum.
        HostileInput: it is larger than any file that is meant so.
        StateError: the disk.
    """
    announced = natural(response.headers.get("Content-Length", ""))
    _check_size(web, announced or 0)
    algorithm, _, wanted = (web.checksum or "sha256:").partition(":")
    own, content, length = hashlib.new(algorithm), hashlib.sha256(), 0
    while chunk := response.read(_CHUNK_BYTES):
        own.update(chunk)
        content.update(chunk)
        length += len(chunk)
        _check_size(web, length)
        room.check(web.name)
        _write(descriptor, chunk, web.name)
    if announced is not None and announced != length:
        raise _truncated(web, f"{length} of {announced} bytes came")
    if wanted and own.hexdigest() != wanted:
        raise ContentMismatch(
            f"digest mismatch {algorithm}:{own.hexdigest()}: {web.checksum}",
            context=redacted(web.url),
            hint="the file is another one than --checksum says: find out which is right",
            reference="checksum-mismatch",
        )
    return f"sha256:{content.hexdigest()}"


def _check_size(web: Web, length: int) -> None:
    if length > _MAX_BYTES:
        raise HostileInput(
            f"{redacted(web.url)} has more than {_MAX_BYTES:,} bytes",
            hint="if it is meant so, fetch it yourself and put it into the build context",
            reference="download-too-large",
        )


def _write(descriptor: int, data: bytes, name: str) -> None:
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(descriptor, view) :]
    except OSError as error:
        raise unusable(name, error) from error


def _truncated(web: Web, what: str) -> ContentMismatch:
    return ContentMismatch(
        f"{redacted(web.url)} came incompletely: {what}",
        hint="try again",
        reference="incomplete-download",
    )


def _failed(web: Web, reason: str) -> BuildError:
    return BuildError(
        f"failed to load {redacted(web.url)}: {redacted(reason)}",
        hint="see if the address is right and this host can reach it (curl -I)",
        reference="download-failed",
    )


def _reason(error: Exception) -> str:
    inner = getattr(error, "reason", error)
    return str(inner) or type(inner).__name__


def seconds_of(last_modified: str) -> int:
    """Seconds since 1970 of an HTTP date; 0 where there is none, as BuildKit has it."""
    try:
        return max(0, int(email.utils.parsedate_to_datetime(last_modified).timestamp()))
    except (ValueError, TypeError, OverflowError):
        return 0
