"""What can go wrong with a connection, from the HTTP library's errors to the user's words."""

from __future__ import annotations

import errno
import http.client
import ssl
from typing import Final

import urllib3.exceptions

from dockyard.errors import DockyardError, RegistryError
from dockyard.registry.problems import Interrupted, Unreachable, Untrusted

_PLAIN_ANSWERS: Final = frozenset({
    "WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE",
    "PACKET_LENGTH_TOO_LONG",
})  # fmt: skip
"""How OpenSSL says that what came is not TLS."""


_BRIEF: Final = {errno.ECONNRESET: "connection reset", errno.EPIPE: "connection closed"}
_KINDS: Final = (
    (http.client.RemoteDisconnected, "closed without an answer"),
    (http.client.IncompleteRead, "it ended before all had come"),
    (urllib3.exceptions.IncompleteRead, "it ended before all had come"),
    (http.client.HTTPException, "what came is not HTTP"),
    (ssl.SSLError, "the encrypted connection ended"),
    (TimeoutError, "no answer in time"),
)


class NotEncrypted(Untrusted):
    """The server doesn't speak TLS."""

    reference = "registry-not-encrypted"


def of_exception(error: Exception, host: str) -> DockyardError:
    """The error for what the library raised when it spoke to a host."""
    if isinstance(error, urllib3.exceptions.ProxyError):
        return _proxy(error)
    if isinstance(error, ValueError) and not isinstance(error, OSError):
        return RegistryError(
            f"nothing can be asked of {host}: an address or a header makes no sense",
            hint="see how it is spelled, and what it is called in registries.toml",
        )
    cause = _deepest(error)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return _untrusted(cause, host)
    if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError):
        return _tls(cause, host)
    if isinstance(error, urllib3.exceptions.NameResolutionError):
        return Unreachable(
            f"there is no host {host}: {getattr(cause, 'strerror', None) or cause}",
            hint="see how it is spelled, and whether this host's name servers answer",
            brief="no such host",
        )
    if isinstance(cause, OSError) and cause.errno == errno.ECONNREFUSED:
        return Unreachable(
            f"{host} refuses connections",
            hint="is the registry running, and at this port?",
            brief="connection refused",
        )
    if isinstance(error, urllib3.exceptions.NewConnectionError):
        return Unreachable(
            f"{host} can't be reached: {_words(cause)}",
            hint="see this host's network, and whether a proxy is needed (HTTPS_PROXY)",
            brief=_words(cause),
        )
    if isinstance(error, urllib3.exceptions.TimeoutError):
        return Unreachable(
            f"{host} does not answer in time",
            hint="is it up, and reachable from here? a firewall may swallow what is sent to it",
            brief="no answer in time",
        )
    return _broken(cause, host)


def _broken(cause: BaseException, host: str) -> Interrupted:
    return Interrupted(
        f"the connection to {host} broke off",
        context=_words(cause),
        hint="try again; a proxy or load balancer between may be cutting connections",
        brief=_words(cause),
    )


def _deepest(error: BaseException) -> BaseException:
    for _ in range(8):
        inner = error.__cause__ or next(
            (arg for arg in reversed(error.args) if isinstance(arg, BaseException)), None
        )
        if inner is None:
            break
        error = inner
    return error


def _words(cause: BaseException) -> str:
    """What ended a connection, without the names that a program has for it."""
    if isinstance(cause, OSError) and cause.strerror and not isinstance(cause, ssl.SSLError):
        return _BRIEF.get(cause.errno or 0, cause.strerror)
    return next(
        (words for kind, words in _KINDS if isinstance(cause, kind)), "the connection ended"
    )


def _untrusted(cause: ssl.SSLCertVerificationError, host: str) -> DockyardError:
    return Untrusted(
        f"{host} does not prove who it is: {cause.verify_message or cause.reason}",
        hint=f"put its authority's certificate into /etc/dockyard/certs.d/{host}/ca.crt, or name"
        " the file as ca in registries.toml",
    )


def _tls(cause: ssl.SSLError, host: str) -> DockyardError:
    if cause.reason in _PLAIN_ANSWERS:
        return NotEncrypted(
            f"{host} does not speak HTTPS",
            hint=f'if plain HTTP will do, have [registry."{host}"] with insecure = true in'
            " registries.toml",
        )
    reason = (cause.reason or "it speaks TLS in another way").lower().replace("_", " ")
    return Untrusted(
        f"no encrypted connection to {host}: {reason}",
        hint="a client's certificate may be wanted (cert and key in registries.toml)",
    )


def _proxy(error: urllib3.exceptions.ProxyError) -> DockyardError:
    cause = _deepest(error)
    words = str(cause)
    if "407" in words:
        return RegistryError(
            "the proxy wants to know who is asking",
            hint="HTTPS_PROXY and HTTP_PROXY take USER:PASSWORD@ before the host",
            reference="proxy",
        )
    reason = getattr(cause, "strerror", None) or words[:200] or _words(cause)
    return Unreachable(
        f"the proxy fails: {reason}",
        hint="see HTTP_PROXY, HTTPS_PROXY and NO_PROXY",
        reference="proxy",
    )
