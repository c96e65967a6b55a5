"""The server's process: whom it may serve, its signals, its beginning and its end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import resource
import signal
import socket
import sys
from collections.abc import Callable
from typing import Final

import msgspec
from aiohttp import web

from dockyard.config import Config
from dockyard.errors import Conflict, InvalidInput
from dockyard.registry.access.opening import open_access
from dockyard.registry.access.service import Access
from dockyard.registry.server import listening, logs
from dockyard.registry.server.accepting import Places, Site
from dockyard.registry.server.announcing import who_may
from dockyard.registry.server.mirror import Mirror
from dockyard.registry.server.service import Service
from dockyard.registry.server.sharing import Shared
from dockyard.registry.server.tending import Tending
from dockyard.registry.server.tls import Certificate
from dockyard.registry.server.web.app import application
from dockyard.state.locks import Lock

_IDLE_SECONDS: Final = 75
_LINGER_SECONDS: Final = 5.0
_READ_BYTES: Final = 128 << 10
_CLOSE_SECONDS: Final = 3.0
_FILES: Final = 65_536


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How a registry is served."""

    root: str
    listen: tuple[tuple[str, int], ...] = (("127.0.0.1", 5000),)
    """Hosts and ports; port 0 is one that is free."""
    certificate: str = ""
    key: str = ""
    """Files in PEM; both or none."""
    insecure_http: bool = False
    """Passwords and content may travel in the clear to other hosts."""
    open: bool = False
    """As long as there are no users, everybody who reaches it may do everything."""
    share: str = ""
    """The directory of an engine; what both have is on disk once."""
    mirror: str = ""
    """Another registry, whose content this one has too, and nothing else."""
    url: str = ""
    """Where clients reach it, such as the address of a proxy in front."""
    shutdown_seconds: float = 30.0
    """So long requests may go on when the server is to end."""

    @property
    def is_local(self) -> bool:
        """True where only this host can reach it."""
        return all(listening.is_loopback(host) for host, _ in self.listen)


def serve(settings: Settings, config: Config, *, started: Callable[[list[str]], None]) -> None:
    """Serves until SIGTERM or SIGINT.

    Args:
        config: how other registries are reached, where this one mirrors one.
        started: is told the addresses when requests are answered.

    Raises:
        InvalidInput: what is asked for would be unsafe, or makes no sense.
        Conflict: the directory or an address is in use.
    """
    certificate = _certificate(settings)
    _raise_file_limit()
    logs.log_to(sys.stderr.fileno())
    log = logging.getLogger("dockyard.registry")
    access = open_access(settings.root, warn=log.warning)
    _require_users(settings, access)
    lock = Lock.try_acquire(f"{settings.root}/serve.lock")
    if lock is None:
        raise Conflict(
            f"another server has {settings.root}",
            hint="a directory has one server: end it, or name another directory with --root",
        )
    sockets = [listening.bind(host, port) for host, port in settings.listen]
    service = Service(
        settings.root, access, may_be_open=settings.open or settings.is_local,
        is_local=settings.is_local, url=settings.url.rstrip("/"),
    )  # fmt: skip
    if settings.share:
        service.shared = Shared(service.content, settings.share)
    if settings.mirror:
        service.mirror = Mirror(service, settings.mirror, config)
    asyncio.run(_serve(service, settings, certificate, sockets, started))


async def _serve(
    service: Service, settings: Settings, certificate: Certificate | None,
    sockets: list[socket.socket], started: Callable[[list[str]], None],
) -> None:  # fmt: skip
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    tending = Tending(service, certificate)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.set)
    loop.add_signal_handler(signal.SIGHUP, tending.look_now)
    runner = web.AppRunner(
        application(service), handle_signals=False, access_log=None,
        keepalive_timeout=_IDLE_SECONDS, lingering_time=_LINGER_SECONDS, auto_decompress=False,
        read_bufsize=_READ_BYTES, shutdown_timeout=_CLOSE_SECONDS, logger=logs.silent(),
    )  # fmt: skip
    try:
        for digest in await service.records(service.blobs.recover):
            service.log.warning("blob %s did not survive the end of the host: it is taken out",
                                digest)  # fmt: skip
        await runner.setup()
        context = certificate.context if certificate is not None else None
        places = Places(service, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
        for each in sockets:
            await Site(runner, each, places, service, context).start()
        background = asyncio.create_task(tending.run())
        _announce(service, settings)
        started([listening.shown(each) for each in sockets])
        await ending.wait()
        background.cancel()
        for site in tuple(runner.sites):
            await site.stop()
        # The runner would stop reading what clients are sending, so they are waited for first.
        await service.drained(settings.shutdown_seconds)
    finally:
        await runner.cleanup()
        await service.close()


def _announce(service: Service, settings: Settings) -> None:
    """Says who may do what, so that nobody leaves a registry open without knowing."""
    service.log.info("%s", who_may(
        service.gate.access.snapshot, is_open=service.gate.is_open, is_local=settings.is_local,
        mirror=settings.mirror, tls=bool(settings.certificate),
    ))  # fmt: skip


def _certificate(settings: Settings) -> Certificate | None:
    """The certificate, or leave to go without.

    Raises:
        InvalidInput: it can't be read, or there is none where one is needed.
    """
    if bool(settings.certificate) != bool(settings.key):
        raise InvalidInput(
            "a certificate comes with its key", hint="give both --tlscert and --tlskey"
        )
    if settings.certificate:
        return Certificate(settings.certificate, settings.key)
    if not settings.is_local and not settings.insecure_http:
        raise InvalidInput(
            "other hosts would send their passwords in the clear",
            hint="give --tlscert and --tlskey, or --insecure-http where a proxy before it has TLS",
            reference="no-tls",
        )
    return None


def _require_users(settings: Settings, access: Access) -> None:
    """A registry that others reach has users, unless its owner says otherwise.

    Raises:
        InvalidInput: it has none.
    """
    if access.untouched and not settings.is_local and not settings.open:
        raise InvalidInput(
            "everybody who reaches this registry could change all that is in it: it has no users",
            hint="make one first (dockyard registry user add --admin NAME), or say --open",
            reference="no-users",
        )


def _raise_file_limit() -> None:
    """Each client takes a descriptor, and one more where it reads or sends content."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        most = _FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))
