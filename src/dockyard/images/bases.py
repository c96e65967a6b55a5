"""Which base images can be made from the distribution's packages. Pure.

A base has one name, under which it is stored below ``localhost/``, and aliases that users of the
official images write. All bases are what those call slim: no compilers, no manual pages.
"""

from __future__ import annotations

import msgspec

from dockyard.errors import InvalidInput
from dockyard.oci.reference import DEFAULT_REGISTRY, DEFAULT_TAG, Reference


class Base(msgspec.Struct, frozen=True, kw_only=True):
    """A base image: ``name`` is short (``python:3.11``), ``suite`` Debian's codename.

    ``packages`` are added to Debian's minimal system, with the help of ``hooks`` that come with
    mmdebstrap; ``python`` is the version (``3.11``) whose
    interpreter and ``wheels`` (projects installed by pip from Debian's own wheels) it offers.
    """

    name: str
    aliases: tuple[str, ...]
    suite: str
    packages: tuple[str, ...]
    hooks: tuple[str, ...] = ()
    python: str | None = None
    wheels: tuple[str, ...] = ()

    @property
    def reference(self) -> Reference:
        """The name under which the image is stored."""
        return Reference.parse(self.name).in_local_registry


_DEBIAN_PACKAGES = ("ca-certificates",)
_PYTHON_PACKAGES = (*_DEBIAN_PACKAGES, "netbase", "python3-venv", "tzdata")

_BOOKWORM_HOOKS = ("merged-usr",)
"""Merges /bin into /usr/bin from the start; the package that does it later needs all of Perl."""

BASES: tuple[Base, ...] = (
    Base(
        name="debian:bookworm",
        aliases=("debian:12", "debian:12-slim", "debian:bookworm-slim"),
        suite="bookworm",
        hooks=_BOOKWORM_HOOKS,
        packages=_DEBIAN_PACKAGES,
    ),
    Base(
        name="debian:trixie",
        aliases=("debian:13", "debian:13-slim", "debian:trixie-slim"),
        suite="trixie",
        packages=_DEBIAN_PACKAGES,
    ),
    Base(
        name="python:3.11",
        aliases=("python:3.11-slim", "python:3.11-bookworm", "python:3.11-slim-bookworm"),
        suite="bookworm",
        hooks=_BOOKWORM_HOOKS,
        packages=(*_PYTHON_PACKAGES, "python3-wheel-whl"),
        python="3.11",
        wheels=("pip", "setuptools", "wheel"),
    ),
    Base(
        name="python:3.13",
        aliases=("python:3.13-slim", "python:3.13-trixie", "python:3.13-slim-trixie"),
        suite="trixie",
        packages=_PYTHON_PACKAGES,
        python="3.13",
        wheels=("pip",),
    ),
)


def names() -> str:
    """The names of all bases, for a message."""
    return ", ".join(base.name for base in BASES)


def find(text: str) -> Base | None:
    """The base that a short name means (``python:3.11-slim``), or ``None``."""
    return next((base for base in BASES if text == base.name or text in base.aliases), None)


def named(text: str) -> Base:
    """The base that the user asks ``bootstrap`` for; a leading ``localhost/`` may stand there.

    Raises:
        InvalidInput: it is not one that can be made; the hint names those.
    """
    reference = Reference.parse(text)
    short = reference.familiar
    if reference.registry != DEFAULT_REGISTRY:
        short = short.removeprefix(f"{reference.in_local_registry.registry}/")
    base = find(short)
    if base is not None:
        return base
    wanted = short.removesuffix(f":{DEFAULT_TAG}") if ":" not in text else short
    raise InvalidInput(
        f"{wanted} can't be made from Debian's packages",
        hint=f"bootstrap makes {names()}",
        reference="unknown-base",
    )
