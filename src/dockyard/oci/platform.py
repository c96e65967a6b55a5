"""Platforms: ``os/architecture[/variant]``, in the spelling of Go and OCI."""

from __future__ import annotations

from typing import Self

import msgspec

from dockyard.errors import InvalidInput

_ARCHITECTURES = {
    "x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "armhf": "arm", "armel": "arm",
    "i386": "386",
}  # fmt: skip
_IMPLIED_VARIANTS = {"armhf": "v7", "armel": "v6", "arm": "v7"}
_BASELINES = {("arm64", "v8"), ("amd64", "v1")}
_KNOWN = frozenset(
    ("386", "amd64", "arm", "arm64", "loong64", "mips", "mips64", "mips64le", "mipsle", "ppc64",
     "ppc64le", "riscv64", "s390x", "wasm")
)  # fmt: skip


class Platform(msgspec.Struct, frozen=True):
    """What an image's programs run on."""

    architecture: str
    os: str = "linux"
    variant: str = ""

    @classmethod
    def parse(cls, text: str, host: Self) -> Self:
        """A platform as people write it: ``linux/arm64``, ``arm64``, ``linux``, ``linux/arm/v7``.

        Args:
            host: gives what is left out; ``local`` is it.

        Raises:
            InvalidInput: there is no such platform.
        """
        words = text.strip().lower().split("/")
        if words == ["local"]:
            return host
        if len(words) == 1 and words[0] == host.os:
            return host
        if len(words) == 1:
            words = [host.os, *words]
        if not 2 <= len(words) <= 3 or not all(words):
            raise _unknown(text)
        written = words[1]
        architecture = _ARCHITECTURES.get(written, written)
        if architecture not in _KNOWN:
            raise _unknown(text)
        variant = words[2] if len(words) == 3 else _IMPLIED_VARIANTS.get(written, "")
        variant = f"v{variant}" if variant.isdecimal() else variant
        if (architecture, variant) in _BASELINES:
            variant = ""
        return cls(architecture, words[0], variant)

    def __str__(self) -> str:
        return "/".join(filter(None, (self.os, self.architecture, self.variant)))


def _unknown(text: str) -> InvalidInput:
    return InvalidInput(
        f'"{text}" is an invalid platform', hint="such as linux/amd64, linux/arm64 or linux/arm/v7"
    )
