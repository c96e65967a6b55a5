"""What a server says while it runs: one JSON object a line, whoever says it."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from typing import Final

from dockyard.registry.access.audit import moment

_LONGEST: Final = 512
"""Characters of what a client sent."""

Value = str | int | float


def fields(values: Mapping[str, Value]) -> dict[str, object]:
    """What a line has instead of a message, as ``extra``; what is too long is cut."""
    return {"fields": {name: value[:_LONGEST] if isinstance(value, str) else value
                       for name, value in values.items()}}  # fmt: skip


class Lines(logging.Formatter):
    """A record as a line of ASCII: nothing in it moves a terminal or ends a line."""

    def format(self, record: logging.LogRecord) -> str:
        """``{"time": "2026-01-31T12:00:00.000Z", "level": "info", ...}``."""
        said = getattr(record, "fields", None) or {"message": record.getMessage()}
        line = {"time": moment(record.created), "level": record.levelname.lower(), **said}
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line).replace("\x7f", "\\u007f")


def log_to(descriptor: int) -> None:
    """Has everything written there: what happens, and every request."""
    stream = os.fdopen(os.dup(descriptor), "w", encoding="utf-8", errors="backslashreplace")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Lines())
    for name, level in (("dockyard.registry", logging.INFO), ("asyncio", logging.WARNING)):
        log = logging.getLogger(name)
        log.addHandler(handler)
        log.setLevel(level)
        log.propagate = False


def silent() -> logging.Logger:
    """For what aiohttp has to say: of clients that break off, and what is no HTTP.

    What goes wrong in a request is noted where it is answered.
    """
    log = logging.getLogger("dockyard.registry.http")
    log.setLevel(logging.CRITICAL)
    return log
