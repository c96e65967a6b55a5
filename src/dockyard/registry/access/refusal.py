"""What the registry answers to whom it doesn't know, and to who may not.

None of it says which part of a credential was wrong, or whether a repository exists.
"""

from __future__ import annotations

from typing import Final

from dockyard.oci.times import rfc3339
from dockyard.registry.access.model import Action

_VERBS: Final[dict[Action, str]] = {
    "pull": "pull from", "push": "push to", "delete": "delete from",
}  # fmt: skip
WAIT: Final = 429
"""The status of who is to try again later."""


class Refusal(Exception):
    """A request that is turned away; the server makes it an answer of the specification."""

    def __init__(
        self, status: int, code: str, message: str, *, retry_after: int | None = None,
        error: str = "",
    ) -> None:  # fmt: skip
        """``error`` is what the challenge says (RFC 6750); ``retry_after`` is in seconds."""
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.retry_after = retry_after
        self.error = error


def unknown() -> Refusal:
    """Name, password or token is wrong, expired or no longer good: which one isn't said."""
    return Refusal(401, "UNAUTHORIZED", "invalid username, password or token",
                   error="invalid_token")  # fmt: skip


def login_needed() -> Refusal:
    """Who shows nothing may not do this, if it exists at all."""
    return Refusal(401, "UNAUTHORIZED", "authentication required")


def other_token_needed() -> Refusal:
    """He may, but not with the token that he shows."""
    return Refusal(401, "UNAUTHORIZED", "the token is not for this", error="insufficient_scope")


def expired(name: str, moment: int) -> Refusal:
    """Only who has a robot's token is told that it has ended.

    Args:
        moment: seconds since 1970.
    """
    return Refusal(
        401, "UNAUTHORIZED", f"the token of {name} expired on {rfc3339(moment)}: ask for another"
        " (dockyard registry token create)", error="invalid_token",
    )  # fmt: skip


def forbidden(name: str, action: Action, repository: str) -> Refusal:
    """Who is known may not do this, if it exists at all."""
    return Refusal(403, "DENIED", f"{name} may not {_VERBS[action]} {repository}")


def metrics_forbidden(name: str) -> Refusal:
    """Who is known is no administrator, or shows a token, which is for repositories."""
    return Refusal(403, "DENIED", f"{name} may not see metrics")


def too_fast(wait: float) -> Refusal:
    """There were too many wrong passwords."""
    return Refusal(
        WAIT, "TOOMANYREQUESTS", "too many failed logins: try again later",
        retry_after=max(1, int(wait + 0.999)),
    )  # fmt: skip


def busy() -> Refusal:
    """Too many passwords are being looked at."""
    return Refusal(WAIT, "TOOMANYREQUESTS", "too many logins at once: try again", retry_after=2)
