"""Requests to the servers of registries: connections that are kept, encrypted, and end at once.

One :class:`Transport` serves all threads of a command. It knows certificates, proxies and how to
wait; nothing of authentication, and nothing of what registries say.
"""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import threading
import time
import weakref
from collections.abc import Iterable, Mapping
from typing import Any, Final, NoReturn
from urllib.parse import unquote, urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from dockyard._version import __version__
from dockyard.errors import InvalidInput
from dockyard.registry import proxies
from dockyard.registry.connection_problems import of_exception
from dockyard.registry.model import Trust
from dockyard.registry.problems import Canceled, Interrupted
from dockyard.system import metadata
from dockyard.system.authorities import bundle_of

_AGENT: Final = f"dockyard/{__version__}"
_CONNECT_SECONDS: Final = 20.0
READ_SECONDS: Final = 60.0
"""Without a byte, after which a server counts as gone."""

DOCUMENT_SECONDS: Final = 180.0
"""For all of an answer that is no blob: one byte a minute would keep it from ending."""

_MAX_POOLS: Final = 32
_MAX_CONNECTIONS: Final = 32
"""To one server, that are kept for the next request."""

_BLOCK_BYTES: Final = 1 << 17
_SMALL_BYTES: Final = 1 << 16

Answer = urllib3.BaseHTTPResponse
Body = bytes | Iterable[bytes] | None


class Transport:
    """Connections to servers. Safe between threads."""

    def __init__(self, env: Mapping[str, str]) -> None:
        """``env`` names proxies and, by ``SSL_CERT_FILE``, a bundle of authorities."""
        self._env = env
        self._sockets = _Sockets()
        self._guard = threading.Lock()
        self._pools: dict[tuple[Trust, str | None], urllib3.PoolManager] = {}
        self._stopped = threading.Event()

    def send(
        self, method: str, url: str, *, trust: Trust, headers: Mapping[str, str],
        body: Body = None, seconds: float = READ_SECONDS,
    ) -> Answer:  # fmt: skip
        """Asks, and returns the answer with its body unread. Redirects are not followed.

        Args:
            body: bytes, or blocks of which ``headers`` has the ``Content-Length``.
            seconds: how long the server may say nothing.

        Raises:
            Interrupted: the connection failed, as it may not next time.
            Untrusted: the server can't prove who it is.
            HostileInput: it is a cloud's metadata service.
            Canceled: :meth:`stop` was called.
        """
        parts = urlsplit(url)
        if metadata.is_metadata(parts.hostname or ""):
            raise metadata.refused(parts.hostname or "")
        pool = self._pool(trust, proxies.proxy_for(url, self._env))
        own = {"User-Agent": _AGENT, "Accept-Encoding": "identity", **headers}
        try:
            self.check()
            return pool.urlopen(
                method, url, body=body, headers=own, redirect=False, retries=False,
                preload_content=False, decode_content=False,
                timeout=urllib3.Timeout(connect=_CONNECT_SECONDS, read=seconds),
            )  # fmt: skip
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            self.failed(error, parts.netloc.rpartition("@")[2])

    def read(self, answer: Answer, most: int, host: str) -> bytes:
        """At most so many bytes of an answer's body.

        Raises:
            Interrupted: it broke off, or comes too slowly.
        """
        data, end = bytearray(), time.monotonic() + DOCUMENT_SECONDS
        try:
            while block := answer.read1(most - len(data)):  # the empty one shows what is missing
                data += block
                if len(data) >= most:
                    break
                if time.monotonic() > end:
                    raise Interrupted(
                        f"{host} answers too slowly", hint="see the network between, and try again"
                    )
            return bytes(data)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            self.failed(error, host)

    def failed(self, error: Exception, host: str) -> NoReturn:
        """Raises what an error of the library means.

        Raises:
            RegistryError: always; :class:`Canceled` where it was this side that ended it.
        """
        self.check()
        raise of_exception(error, host) from error

    def pause(self, seconds: float) -> None:
        """Waits, unless :meth:`stop` is called.

        Raises:
            Canceled: it was.
        """
        self._stopped.wait(seconds)
        self.check()

    def check(self) -> None:
        """Raises :class:`Canceled` after :meth:`stop`."""
        if self._stopped.is_set():
            raise Canceled("canceled", hint="what came through is kept: try again")

    def stop(self) -> None:
        """Ends all that is under way, in whichever thread; nothing can be asked any more."""
        self._stopped.set()
        self._sockets.shut()
        with self._guard:
            for pool in self._pools.values():
                pool.clear()

    def _pool(self, trust: Trust, proxy: str | None) -> urllib3.PoolManager:
        with self._guard:
            found = self._pools.get((trust, proxy))
            if found is None:
                bundle = bundle_of(self._env)
                found = self._pools[trust, proxy] = _pool(trust, bundle, proxy, self._sockets)
            return found


def _context(trust: Trust, bundle: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=bundle)
    try:
        for path in trust.authorities:
            context.load_verify_locations(path)
        if trust.certificate:
            context.load_cert_chain(trust.certificate, trust.key, _no_password)
    except (OSError, ssl.SSLError) as error:
        names = ", ".join(filter(None, (*trust.authorities, trust.certificate, trust.key)))
        raise InvalidInput(
            f"certificates of a registry can't be used: {error.strerror or error}",
            context=names, hint="they have to be in PEM format, and keys without a password",
        ) from error  # fmt: skip
    if trust.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _no_password() -> str:
    """Else OpenSSL asks on the terminal."""
    return ""


class _Sockets:
    """The connections that are open, which another thread may end."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._open: weakref.WeakSet[socket.socket] = weakref.WeakSet()

    def add(self, opened: socket.socket) -> None:
        with self._guard:
            self._open.add(opened)

    def shut(self) -> None:
        """Ends them all: whoever reads from them gets an error."""
        with self._guard:
            for each in list(self._open):
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(each, socket.SHUT_RDWR)


def _pool(
    trust: Trust, bundle: str | None, proxy: str | None, sockets: _Sockets
) -> urllib3.PoolManager:
    options: dict[str, Any] = {
        "maxsize": _MAX_CONNECTIONS,
        "ssl_context": _context(trust, bundle),
        "blocksize": _BLOCK_BYTES,
    }
    made: urllib3.PoolManager
    if proxy is None:
        made = urllib3.PoolManager(_MAX_POOLS, **options)
    else:
        parts = urlsplit(proxy)
        bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        made = urllib3.ProxyManager(
            bare, _MAX_POOLS, proxy_headers=_proxy_headers(proxy),
            proxy_ssl_context=_context(Trust(), bundle), **options,
        )  # fmt: skip
    made.pool_classes_by_scheme = _pool_classes(sockets)
    return made


def _proxy_headers(proxy: str) -> dict[str, str]:
    parts = urlsplit(proxy)
    if parts.username is None:
        return {}
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return dict(urllib3.make_headers(proxy_basic_auth=pair))


def _pool_classes(sockets: _Sockets) -> dict[str, type[urllib3.HTTPConnectionPool]]:
    """Pools whose connections look at who answers, before anything is sent."""

    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return _checked(super()._new_conn(), self, sockets)

    class Encrypted(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return _checked(super()._new_conn(), self, sockets)

        def connect(self) -> None:
            super().connect()
            if isinstance(self.sock, socket.socket):
                sockets.add(self.sock)

    class PlainPool(urllib3.HTTPConnectionPool):
        ConnectionCls = Plain

    class EncryptedPool(urllib3.HTTPSConnectionPool):
        ConnectionCls = Encrypted

        def _validate_conn(self, conn: Any) -> None:
            """The library's own warns of what the user has allowed, by a warning of Python's."""
            if conn.is_closed:
                conn.connect()

    return {"http": PlainPool, "https": EncryptedPool}


def _checked(opened: socket.socket, connection: HTTPConnection, sockets: _Sockets) -> socket.socket:
    """Refuses a metadata service behind an innocent name; a proxy was the user's own choice."""
    sockets.add(opened)
    if connection.proxy is None:
        address = str(opened.getpeername()[0]).partition("%")[0]
        if metadata.is_metadata(address):
            opened.close()
            raise metadata.refused(f"{connection.host} ({address})")
    return opened


def finish(answer: Answer) -> None:
    """Gives a connection back for the next request, if little is left to be read of the answer."""
    left = answer.length_remaining
    with contextlib.suppress(urllib3.exceptions.HTTPError, OSError):
        if not answer.closed and left is not None and left <= _SMALL_BYTES:
            answer.drain_conn()
            answer.release_conn()
            return
    answer.close()


def environment() -> Mapping[str, str]:
    """This process's, as it is now."""
    return dict(os.environ)
