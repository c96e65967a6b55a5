"""Points in time as the OCI documents write them (RFC 3339, UTC)."""

from __future__ import annotations

import time

EARLIEST_EPOCH = 315619200
"""1980-01-02, in seconds: earlier times break zip archives and hence Python wheels."""


def rfc3339(seconds: int) -> str:
    """``2024-05-01T12:00:00Z`` for seconds since 1970."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def parse_rfc3339(text: str) -> int:
    """Whole seconds since 1970 of an RFC 3339 time, whatever its offset and fraction.

    Raises:
        ValueError: it isn't one.
    """
    from datetime import datetime  # not on the path of run

    return int(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp())
