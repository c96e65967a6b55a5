"""Texts as YAML, in the style that Docker Compose's library chooses."""

from __future__ import annotations

import re
from typing import Final

from dockyard.compose.load.scalars import value_of

_OLD_TRUTHS: Final = frozenset(
    form
    for word in ("y", "yes", "on", "n", "no", "off")
    for form in (word, word.title(), word.upper())
)
_SIXTIES: Final = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_FIRST: Final = "#,[]{}&*!|>'\"%@`"
_BREAKS: Final = "\r\n\x85\u2028\u2029"
_ESCAPED: Final = {
    "\0": "0", "\a": "a", "\b": "b", "\t": "t", "\n": "n", "\v": "v", "\f": "f", "\r": "r",
    "\x1b": "e", '"': '"', "\\": "\\", "\x85": "N", "\xa0": "_", "\u2028": "L", "\u2029": "P",
}  # fmt: skip
_UNPRINTED: Final = re.compile(
    r"[^\n\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd]"  # the library takes no others for text
)


def scalar(text: str, *, margin: str, is_key: bool = False) -> str:
    """A text, on several lines where it has some and isn't a key.

    Args:
        margin: what its further lines begin with.
    """
    if "\n" in text and not is_key and _can_be_block(text):
        return _block(text, margin)
    merges = is_key and text == "<<"
    if "\n" in text or merges or not _stays_text(text):
        return _double(text)
    if _can_be_plain(text):
        return text
    return _single(text) if _can_be_single(text) else _double(text)


def _stays_text(text: str) -> bool:
    """Whether it is still a text when it is read without quotes."""
    if not text or text in _OLD_TRUTHS or _SIXTIES.fullmatch(text):
        return False
    return isinstance(value_of(text, None, plain=True), str)


def _can_be_plain(text: str) -> bool:
    if text.startswith(("---", "...")) or text[0] in _FIRST or text[0] == " " or text[-1] == " ":
        return False
    if re.match(r"[?:-](?:[ \t]|$)", text) or re.search(r":(?:[ \t]|$)| #|\t", text):
        return False
    return _can_be_single(text)


def _can_be_single(text: str) -> bool:
    special = _UNPRINTED.search(text) is not None
    return not special and "\t" not in text and not any(mark in text for mark in _BREAKS)


def _can_be_block(text: str) -> bool:
    special = _UNPRINTED.search(text.replace("\t", " ")) is not None
    others = any(mark in text for mark in _BREAKS if mark != "\n")
    return not special and not others and " \n" not in text and not text.endswith(" ")


def _single(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _double(text: str) -> str:
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    if character in _ESCAPED and character != "\xa0":
        return "\\" + _ESCAPED[character]
    if not _UNPRINTED.match(character):
        return character
    number = ord(character)
    if number <= 0xFF:
        return f"\\x{number:02X}"
    return f"\\u{number:04X}" if number <= 0xFFFF else f"\\U{number:08X}"


def _block(text: str, margin: str) -> str:
    indented = "2" if text[0] in " \n" else ""
    lines = text.removesuffix("\n").split("\n")
    return "\n".join(
        [f"|{indented}{_chomping(text)}", *(margin + line if line else "" for line in lines)]
    )


def _chomping(text: str) -> str:
    """What says how many of the breaks at the end belong to the text."""
    if not text.endswith("\n"):
        return "-"
    return "+" if text == "\n" or text.endswith("\n\n") else ""
