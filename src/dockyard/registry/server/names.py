"""What may stand in a path: names, tags, digests. Pure.

Everything that becomes part of a path on disk has passed one of these; none lets through a dot
alone, a slash where there is no name, or anything but ASCII.
"""

from __future__ import annotations

import re
from typing import Final

from dockyard.oci import reference

_UPLOAD: Final = re.compile(r"[0-9a-f]{32}")
_HEX: Final = frozenset("0123456789abcdef")
LENGTHS: Final = {"sha256": 64, "sha512": 128}
"""The algorithms, and how many digits each has."""


def is_name(text: str) -> bool:
    """True for the name of a repository."""
    return reference.is_path(text)


def is_tag(text: str) -> bool:
    """True for a tag."""
    return reference.is_tag(text)


def is_digest(text: str) -> bool:
    """True for a digest of an algorithm that is known."""
    algorithm, _, digits = text.partition(":")
    return LENGTHS.get(algorithm) == len(digits) and _HEX.issuperset(digits)


def is_upload(text: str) -> bool:
    """True for what an upload is called."""
    return _UPLOAD.fullmatch(text) is not None
