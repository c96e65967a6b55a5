"""Names and versions of distributions as their metadata say them, which is hostile text. Pure."""

from __future__ import annotations

import re

_LONGEST = 100
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+!_-]*")


def normalised(name: str) -> str:
    """The one spelling of a name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def is_name(text: str) -> bool:
    """True for a name (PEP 508) of sane length."""
    return len(text) <= _LONGEST and _NAME.fullmatch(text) is not None


def version_or_nothing(text: str) -> str:
    """The version where it can be one, else an empty text."""
    return text if len(text) <= _LONGEST and _VERSION.fullmatch(text) else ""
