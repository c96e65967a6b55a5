"""Content digests as the OCI image specification writes them: ``sha256:<64 hex digits>``."""

from __future__ import annotations

from dockyard.errors import InvalidInput

PREFIX = "sha256:"
_HEX = frozenset("0123456789abcdef")


def of(data: bytes) -> str:
    """The digest of ``data``."""
    import hashlib  # it brings OpenSSL: 3 ms, which a start need not pay

    return PREFIX + hashlib.sha256(data).hexdigest()


def is_digest(text: str) -> bool:
    """True for a well-formed sha256 digest."""
    return text.startswith(PREFIX) and len(text) == 71 and _HEX.issuperset(text[7:])


def hex_of(digest: str) -> str:
    """The hexadecimal part.

    Raises:
        InvalidInput: not a well-formed sha256 digest.
    """
    if not is_digest(digest):
        raise InvalidInput(
            f"invalid digest {digest!r}", hint="sha256: and 64 lower-case hex digits"
        )
    return digest[7:]


def short(digest: str) -> str:
    """The twelve digits that Docker shows."""
    return digest.removeprefix(PREFIX)[:12]
