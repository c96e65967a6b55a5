"""What a tag of an official image asks for: a version, and on what it stands. Pure."""

from __future__ import annotations

import re

import msgspec

from dockyard.oci.reference import DEFAULT_TAG

_VERSION = re.compile(r"v?(\d+(?:\.\d+)*)", re.ASCII)
_ANY_VERSION = frozenset({DEFAULT_TAG, "stable", "mainline", "lts", "main"})
_VARIANT = re.compile(r"alpine[\d.]*|slim|debian|bookworm|bullseye|trixie|jammy|noble", re.ASCII)


class Wanted(msgspec.Struct, frozen=True):
    """``version`` is empty where any will do; ``variants`` are such as ``alpine``."""

    version: str = ""
    variants: tuple[str, ...] = ()


def parse(tag: str, flavour: str = "") -> Wanted | None:
    """What a tag asks for; ``None`` where it has a word that means something else.

    Args:
        flavour: a word that belongs to the image, which only ``latest`` may leave out.
    """
    words = tag.split("-")
    if flavour and flavour not in words and tag != DEFAULT_TAG:
        return None
    words = [word for word in words if word != flavour]
    version = _VERSION.fullmatch(words[0]) if words else None
    if version or (words and words[0] in _ANY_VERSION):
        words = words[1:]
    if not all(map(_VARIANT.fullmatch, words)):
        return None
    return Wanted(version[1] if version else "", tuple(words))


def within(version: str, series: str) -> bool:
    """Whether a version is of a series: ``7.0.15`` of ``7.0`` and of ``7``; all of an empty one."""
    parts = series.split(".") if series else []
    return version.split(".")[: len(parts)] == parts
