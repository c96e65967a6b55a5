"""Where ``copy`` copies from and to, as people write it: skopeo's words. Pure."""

from __future__ import annotations

from typing import Final, Literal, Self, cast

import msgspec

from dockyard.errors import InvalidInput, NotSupported
from dockyard.oci.reference import Reference, require_text

Kind = Literal["registry", "oci", "oci-archive", "docker-archive"]
ARCHIVES: Final = frozenset({"oci-archive", "docker-archive"})
"""One file, written from its beginning to its end."""
_FILES: Final = frozenset({"oci", *ARCHIVES})
_OTHERS: Final = frozenset({
    "containers-storage", "dir", "docker-daemon", "ostree", "sif", "tarball",
})  # fmt: skip


class Place(msgspec.Struct, frozen=True):
    """A repository's tag or digest, or a path, with the name of an image in it."""

    kind: Kind
    reference: Reference | None = None
    path: str = ""
    name: str = ""
    """The tag in a layout, the full name in an archive of Docker's; empty where there is none."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """``HOST/REPOSITORY[:TAG]``, ``oci:DIR[:TAG]``, ``oci-archive:FILE[:TAG]`` or
        ``docker-archive:FILE[:NAME[:TAG]]``.

        Raises:
            InvalidInput: it makes no sense.
            NotSupported: it is a place of skopeo's that there is no way to.
        """
        if require_text(text, "a place").startswith("docker://"):
            return cls("registry", Reference.parse(text.removeprefix("docker://")))
        kind, colon, rest = text.partition(":")
        if colon and kind in _OTHERS:
            raise NotSupported(
                f"copy has no way to {kind}:",
                hint="save, load, push and pull work with this root's images; copy with registries,"
                " oci:DIR, oci-archive:FILE and docker-archive:FILE",
            )
        if not colon or kind not in _FILES:
            return cls("registry", Reference.parse(text))
        path, _, name = rest.partition(":")
        if not path:
            raise InvalidInput(f"{text!r} names no file", hint=f"such as {kind}:/tmp/image")
        if name and kind == "docker-archive":
            name = str(Reference.parse(name))
        return cls(cast("Kind", kind), None, path, name)

    def __str__(self) -> str:
        if self.reference is not None:
            return self.reference.familiar
        return f"{self.kind}:{self.path}" + (f":{self.name}" if self.name else "")
