"""What can go wrong with a registry, in the user's words.

Nothing here shows a credential, a token or the query of a URL, in which signatures are.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

import msgspec

from dockyard import decoding
from dockyard.errors import DockyardError, NotFound, RegistryError
from dockyard.registry import backoff

_MAX_WORDS: Final = 1000
_EMPTY_WORDS: Final = frozenset({
    "access denied", "access forbidden", "authentication required", "denied", "forbidden",
    "incorrect username or password", "invalid username or password",
    "invalid username, password or token", "permission denied",
    "requested access to the resource is denied", "unauthorized",
})  # fmt: skip
"""What registries say where they don't say why."""
_FULL: Final = 507
_CONFLICT: Final = 409
_MAY_NOT: Final = re.compile(r"\bmay not\b", re.IGNORECASE)
_OTHER_TAG: Final = "choose another tag, or ask the registry's owner"
_LOGIN: Final = "log in (dockyard login {registry}), or ask its owner for the right to it"


class Interrupted(RegistryError):
    """The connection or the server failed, as it may not next time. All tries are used up.

    Who reads or writes a large blob goes on from where it came to.
    """

    reference = "registry-interrupted"
    http_status = 502

    def __init__(
        self, message: str, *, wait: float | None = None, context: str | None = None,
        hint: str | None = None, reference: str | None = None, brief: str = "",
    ) -> None:  # fmt: skip
        """``wait`` is how many seconds the server asked for; ``brief`` the message in a few words,
        for a line that is about other things."""
        super().__init__(message, context=context, hint=hint, reference=reference)
        self.wait = wait
        self.brief = brief or message


class Unreachable(Interrupted):
    """Nobody answers there, or not in a way that makes sense."""

    reference = "registry-unreachable"


class Untrusted(RegistryError):
    """The server can't prove who it is."""

    reference = "registry-untrusted"


class Unauthorized(RegistryError):
    """Who is asking is not known there, or gave the wrong password."""

    reference = "unauthorized"
    http_status = 401


class Denied(RegistryError):
    """Who is asking is known, and may not."""

    reference = "denied"
    http_status = 403


class Full(RegistryError):
    """There is no room: the next try would be in vain as well."""

    reference = "registry-full"
    http_status = 507


class RangeIgnored(RegistryError):
    """The server gives whole blobs only."""

    reference = "range-ignored"


class Canceled(RegistryError):
    """This side ended it."""

    reference = "canceled"


class Asked(msgspec.Struct, frozen=True):
    """What was asked of whom, as messages have it."""

    host: str
    registry: str
    """As the user names it, which is not the host at Docker Hub."""
    what: str
    """Such as ``manifest for example.com/a:1``."""


class _Entry(msgspec.Struct, frozen=True):
    code: str = ""
    message: str | None = ""


class _Body(msgspec.Struct, frozen=True):
    errors: tuple[_Entry, ...] | None = ()
    details: str | None = ""
    """What token servers say instead."""


def shown(url: str) -> str:
    """A URL without what may be secret: no user, no query."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def said(body: bytes) -> tuple[str, str]:
    """The code and the words of the specification's error body; empty where it is none."""
    try:
        document = decoding.from_json(body, _Body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "", ""
    first = next(iter(document.errors or ()), _Entry())
    words = first.message or document.details or ""
    return first.code[:_MAX_WORDS].upper(), " ".join(words[:_MAX_WORDS].split())


def joined(code: str, words: str) -> str | None:
    """Code and words as one line, in which nothing is said twice; ``None`` where both are empty."""
    name = code.lower().replace("_", " ")
    if words.lower().startswith(name):
        return words or None
    return ": ".join(filter(None, (name, words)))


def reason(words: str) -> str:
    """What a registry says of why it refuses; empty where that is only that it does."""
    bare = words.strip(" .!")
    return "" if bare.lower() in _EMPTY_WORDS else words


def tells_of_end(words: str) -> bool:
    """Whether a registry says that a token was good, and is no more."""
    return "expired" in words.lower()


def of_answer(
    status: int, body: bytes, asked: Asked, *, wait: float | None = None
) -> DockyardError:
    """The error for an answer that isn't what was asked for.

    Args:
        body: the answer's first bytes.
        wait: seconds after which the server wants to be asked again.
    """
    code, words = said(body)
    context = joined(code, words)
    if status == 401 or code == "UNAUTHORIZED":
        return _unauthorized(asked, context, words)
    if code == "TOOMANYREQUESTS" or status == 429:
        return _too_many(asked, context, wait)
    if status == _FULL:
        return _full(asked, context)
    if status == 403 or code == "DENIED":
        return _denied(status, asked, context, words)
    if status == 404:
        return _unknown(code, asked, context)
    if backoff.is_retryable(status):
        return _failing(status, asked, context, wait)
    return _refused(status, asked, context)


def _unauthorized(asked: Asked, context: str | None, words: str) -> DockyardError:
    if tells_of_end(words):
        return Unauthorized(words, context=f"{asked.registry} refuses {asked.what}",
                            hint=_LOGIN.format(registry=asked.registry))  # fmt: skip
    return Unauthorized(
        f"access to {asked.what} is denied: {asked.registry} wants to know who is asking",
        context=context,
        hint=_LOGIN.format(registry=asked.registry),
    )


def _full(asked: Asked, context: str | None) -> DockyardError:
    return Full(
        f"{asked.registry} has no room for {asked.what}: its disk is full", context=context,
        hint="nothing helps but room there: remove images, or ask whoever runs it",
    )  # fmt: skip


def _denied(status: int, asked: Asked, context: str | None, words: str) -> DockyardError:
    if "quota" in words.lower() and not _MAY_NOT.search(words):
        return Denied(
            f"{asked.registry} has no room for {asked.what}", context=context,
            hint="its quota is used up: remove images there, or ask its owner for more",
            reference="quota",
        )  # fmt: skip
    if reason(words):
        return Denied(words, context=f"{asked.registry} refuses {asked.what}",
                      hint=_OTHER_TAG if status == _CONFLICT
                      else _LOGIN.format(registry=asked.registry))  # fmt: skip
    return Denied(
        f"access to {asked.what} is denied: it does not exist, or you may not",
        context=context,
        hint=_LOGIN.format(registry=asked.registry),
    )


def _unknown(code: str, asked: Asked, context: str | None) -> DockyardError:
    what = {
        "NAME_UNKNOWN": "there is no such repository",
        "MANIFEST_UNKNOWN": "there is no such tag or digest",
        "BLOB_UNKNOWN": "the registry lacks this content",
    }.get(code, "it does not exist there")
    return NotFound(
        f"{asked.what} not found: {what}", context=context,
        hint=f"see which names {asked.registry} has; some registries hide what one may not see",
    )  # fmt: skip


def _too_many(asked: Asked, context: str | None, wait: float | None) -> DockyardError:
    when = f"in {_duration(wait)}" if wait else "later"
    return Interrupted(
        f"{asked.registry} refuses {asked.what} for now: too many requests", wait=wait,
        context=context, reference="too-many-requests", brief="too many requests",
        hint=f"try again {when}; who logs in (dockyard login {asked.registry}) often has more",
    )  # fmt: skip


def _failing(status: int, asked: Asked, context: str | None, wait: float | None) -> DockyardError:
    return Interrupted(
        f"{asked.host} fails at {asked.what}: status {status}", wait=wait, context=context,
        hint="the trouble is on its side: try again, and ask whoever runs it",
        reference="registry-failing", brief=f"status {status}",
    )  # fmt: skip


def _refused(status: int, asked: Asked, context: str | None) -> DockyardError:
    return RegistryError(
        f"{asked.host} refuses {asked.what}: status {status}",
        context=context,
        hint="if the context says nothing, the registry's own log may know why",
    )


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 7200 else f"{seconds / 3600:.0f} hours"
