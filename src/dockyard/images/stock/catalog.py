"""All that ``bootstrap`` makes, and which of it a name means. Pure.

An official image has many tags. A tag with a shorter version than the suite's series (``redis:7``
for 7.0), or with none, means the image; one with a longer version (``redis:7.0.15``) means it only
as long as that is the version of the packages it was made from.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

import msgspec

from dockyard.errors import InvalidInput, NotFound
from dockyard.images import bases
from dockyard.images.bases import Base
from dockyard.images.stock import databases, messages, monitoring, tags, web
from dockyard.oci.reference import DEFAULT_REGISTRY, DEFAULT_TAG, LOCAL_REGISTRY, Reference

_OFFICIAL = "library/"
_INSTEAD = {
    "mysql": "Debian has no MySQL; mariadb understands its clients",
    "alpine": "Alpine has other packages; debian:trixie is the nearest",
    "ubuntu": "Ubuntu has other packages; debian:trixie is the nearest",
    "busybox": "debian:trixie is the nearest",
    "grafana/grafana": "Debian has no Grafana; what prometheus has is seen on its own pages",
    "traefik": "Debian has no Traefik; nginx, caddy and haproxy can stand in front of services",
    "mongo": "Debian has no MongoDB",
    "elasticsearch": "Debian has no Elasticsearch",
}
"""Images that many compose files name and nobody can make, by their repository."""


class Fit(msgspec.Struct, frozen=True):
    """An image that a name may mean.

    ``version`` is what its packages' version has to be, where the name says more than the series
    does; ``variants`` are what the name asks for and this image is not, such as ``alpine``.
    """

    base: Base
    version: str = ""
    variants: tuple[str, ...] = ()

    def admits(self, version: str) -> bool:
        """Whether an image with this version is meant."""
        return tags.within(version, self.version)


@functools.cache
def everything() -> tuple[Base, ...]:
    """All that can be made: the bases, then the services, the latest version of each first."""
    modules = (databases, web, messages, monitoring)
    return (*bases.BASES, *(base for module in modules for base in module.services()))


def fits(reference: Reference) -> tuple[Fit, ...]:
    """What a short name may mean, or the same name in full (``docker.io/...``), best first."""
    if reference.registry != DEFAULT_REGISTRY or reference.digest:
        return ()
    base = bases.find(reference.familiar)
    if base is not None:
        return (Fit(base),)
    return tuple(_fitting(reference))


def named(text: str) -> Fit:
    """What the user asks ``bootstrap`` for; a leading ``localhost/`` may stand there.

    Raises:
        InvalidInput: it is not one that can be made; the hint names those.
    """
    reference = Reference.parse(text)
    if reference.registry == LOCAL_REGISTRY:
        reference = Reference.parse(reference.familiar.removeprefix(f"{LOCAL_REGISTRY}/"))
    found = fits(reference)
    if found:
        return found[0]
    wanted = reference.familiar
    raise InvalidInput(
        f"{wanted if ':' in text else wanted.removesuffix(f':{DEFAULT_TAG}')}"
        " can't be made from Debian's packages",
        hint=others(reference),
        reference="unknown-base",
    )


def others(reference: Reference) -> str:
    """A hint for a name that means nothing here: what is nearest to it."""
    path = _short(reference)
    versions = [base.name for base in everything() if _repository(base) == path]
    versions = versions or [base.name for base in _services_called(path)]
    if versions:
        return f"bootstrap makes {' and '.join(versions)}"
    if path in _INSTEAD:
        return f"{_INSTEAD[path]} (dockyard bootstrap --list)"
    return (
        f"bootstrap makes {bases.names()}, and services such as redis, postgres, nginx and"
        " prometheus (dockyard bootstrap --list)"
    )


def knows(reference: Reference) -> bool:
    """Whether there is something of this repository, or a word on why there isn't."""
    path = _short(reference)
    return reference.registry == DEFAULT_REGISTRY and (
        path in _INSTEAD or any(_services_called(path))
        or any(_repository(base) == path for base in bases.BASES)
    )  # fmt: skip


def refuse_other(fit: Fit, version: str) -> None:
    """Refuses an image whose packages have another version than the one that was asked for.

    Raises:
        NotFound: they have.
    """
    if fit.admits(version):
        return
    raise NotFound(
        f"Debian {fit.base.suite} has version {version} of {fit.base.name}, not {fit.version}",
        hint=f"ask for {fit.base.name}, or give {fit.base.reference.familiar} the other name too"
        " (dockyard tag)",
        reference="other-version",
    )


def _fitting(reference: Reference) -> Iterator[Fit]:
    for base in _services_called(_short(reference)):
        flavour = base.service.flavour if base.service else ""
        wanted = tags.parse(reference.tag or DEFAULT_TAG, flavour)
        if wanted is None:
            continue
        if tags.within(base.series, wanted.version):
            yield Fit(base, variants=_unlike(base, wanted))
        elif tags.within(wanted.version, base.series):
            yield Fit(base, wanted.version, _unlike(base, wanted))


def _unlike(base: Base, wanted: tags.Wanted) -> tuple[str, ...]:
    """What a tag asks for besides what the image is."""
    return tuple(word for word in wanted.variants if word not in {base.suite, "slim", "debian"})


def _services_called(path: str) -> Iterator[Base]:
    for base in everything():
        service = base.service
        if service is not None and path in {service.repository, *service.nicknames}:
            yield base


def _short(reference: Reference) -> str:
    return reference.path.removeprefix(_OFFICIAL)


def _repository(base: Base) -> str:
    return base.name.partition(":")[0]
