"""What can be made from the distribution's packages, and those of it that are no services. Pure.

Services, and which of them a name means: :mod:`dockyard.images.stock.catalog`. A base has one name,
under which it is stored below ``localhost/``, and aliases that users of the official images write.
All bases are what those call slim: no compilers, no manual pages.
"""

from __future__ import annotations

import msgspec

from dockyard.images.stock.model import Service
from dockyard.oci.reference import Reference


class Base(msgspec.Struct, frozen=True, kw_only=True):
    """An image that can be made; ``name`` is short (``python:3.11``), ``suite`` Debian's codename.

    ``series`` is as much of its version as holds as long as Debian maintains the suite (``7.0``).
    ``packages`` are added to Debian's minimal system, with the help of ``hooks`` that come with
    mmdebstrap; ``python`` is the version (``3.11``) whose
    interpreter and ``wheels`` (projects installed by pip from Debian's own wheels) it offers.
    ``service`` is what makes it the image of a service.
    """

    name: str
    aliases: tuple[str, ...] = ()
    series: str
    suite: str
    packages: tuple[str, ...]
    hooks: tuple[str, ...] = ()
    python: str | None = None
    wheels: tuple[str, ...] = ()
    service: Service | None = None

    @property
    def reference(self) -> Reference:
        """The name under which the image is stored."""
        return Reference.parse(self.name).in_local_registry


_DEBIAN_PACKAGES = ("ca-certificates",)
_PYTHON_PACKAGES = (*_DEBIAN_PACKAGES, "netbase", "python3-venv", "tzdata")

_HOOKS = {"bookworm": ("merged-usr",)}
"""Merges /bin into /usr/bin from the start; the package that does it later needs all of Perl."""

BASES: tuple[Base, ...] = (
    Base(
        name="debian:bookworm",
        aliases=("debian:12", "debian:12-slim", "debian:bookworm-slim"),
        series="12",
        suite="bookworm",
        hooks=_HOOKS["bookworm"],
        packages=_DEBIAN_PACKAGES,
    ),
    Base(
        name="debian:trixie",
        aliases=("debian:13", "debian:13-slim", "debian:trixie-slim"),
        series="13",
        suite="trixie",
        packages=_DEBIAN_PACKAGES,
    ),
    Base(
        name="python:3.11",
        aliases=("python:3.11-slim", "python:3.11-bookworm", "python:3.11-slim-bookworm"),
        series="3.11",
        suite="bookworm",
        hooks=_HOOKS["bookworm"],
        packages=(*_PYTHON_PACKAGES, "python3-wheel-whl"),
        python="3.11",
        wheels=("pip", "setuptools", "wheel"),
    ),
    Base(
        name="python:3.13",
        aliases=("python:3.13-slim", "python:3.13-trixie", "python:3.13-slim-trixie"),
        series="3.13",
        suite="trixie",
        packages=_PYTHON_PACKAGES,
        python="3.13",
        wheels=("pip",),
    ),
)


def on(suite: str, *, tag: str, series: str, packages: tuple[str, ...], service: Service) -> Base:
    """The image of a service from the packages of a suite, with certificates of authorities."""
    return Base(
        name=f"{service.repository}:{tag}",
        series=series,
        suite=suite,
        hooks=_HOOKS.get(suite, ()),
        packages=(*_DEBIAN_PACKAGES, *packages),
        service=service,
    )


def names() -> str:
    """The names of all bases without a service, for a message."""
    return ", ".join(base.name for base in BASES)


def find(text: str) -> Base | None:
    """The base that a short name means (``python:3.11-slim``), or ``None``."""
    return next((base for base in BASES if text == base.name or text in base.aliases), None)
