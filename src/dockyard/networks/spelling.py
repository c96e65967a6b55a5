"""What may be written into ``hosts``, ``resolv.conf`` and the name servers' files. Pure.

They are lines of words: a space or the end of a line in one word would make entries of its own,
such as another container's name with an address of one's choice.
"""

from __future__ import annotations

HOSTNAME_LENGTH = 64
"""The kernel's limit, of the name and of its domain."""
NAME_LENGTH = 253
"""DNS's limit."""
_LABEL_LENGTH = 63
_LABEL = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


def is_name(text: str, length: int = NAME_LENGTH) -> bool:
    """True for labels of RFC 1123 with dots between, as far as they go; Docker's names have
    underscores too.

    Args:
        length: how many characters it may have.
    """
    return len(text) <= length and all(map(_is_label, text.split(".")))


def is_word(text: str) -> bool:
    """True for what is one word in such a file, and no comment."""
    return bool(text) and text.isascii() and text.isprintable() and not {" ", "#"} & set(text)


def _is_label(text: str) -> bool:
    ends = {text[:1], text[-1:]}
    return 0 < len(text) <= _LABEL_LENGTH and _LABEL.issuperset(text) and "-" not in ends
