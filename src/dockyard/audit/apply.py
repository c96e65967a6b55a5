"""Collects the facts and applies the rules."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator

from dockyard.audit import containers, host, images
from dockyard.audit.model import LEVELS, FileFacts, Finding, HostFacts, ImageFacts
from dockyard.containers.model import Container
from dockyard.containers.parts import Parts
from dockyard.images.model import Image, Layer
from dockyard.oci import digest as digests
from dockyard.oci.reference import Reference

_BITS = stat.S_ISUID | stat.S_ISGID


def audit(
    parts: Parts, audited_images: Iterable[Image], audited_containers: Iterable[Container],
    *, include_host: bool = True,
) -> list[Finding]:  # fmt: skip
    """All findings, the worst first.

    Nothing is started and nothing is changed; files of images are only listed.
    """
    has_apparmor = os.path.isdir("/sys/kernel/security/apparmor")
    found = host.findings(_host_facts(parts)) if include_host else []
    for image in audited_images:
        found += images.findings(image.config, _image_facts(parts, image))
    for container in audited_containers:
        found += containers.findings(container, has_apparmor=has_apparmor)
    return sorted(found, key=_rank)


def _rank(finding: Finding) -> tuple[int, str, str, tuple[int, ...]]:
    number = tuple(int(part) for part in finding.rule.split("."))
    return LEVELS.index(finding.level), finding.kind, finding.subject, number


def _image_facts(parts: Parts, image: Image) -> ImageFacts:
    name = Reference.parse(image.names[0]).familiar if image.names else digests.short(image.id)
    return ImageFacts(name=name, setuid=tuple(sorted(_setuid(parts, image.layers))))


def _setuid(parts: Parts, layers: Iterable[Layer]) -> set[str]:
    """Paths of files with the bits, as a container of the image would see them."""
    found: set[str] = set()
    for directory in parts.layers.paths_of(layers):
        for path, status in _entries(directory):
            if stat.S_ISREG(status.st_mode) and status.st_mode & _BITS:
                found.add(path)
            else:
                found.discard(path)  # replaced or removed by a later layer
    return found


def _entries(directory: str) -> Iterator[tuple[str, os.stat_result]]:
    for base, _, names in os.walk(directory):
        for name in names:
            full = f"{base}/{name}"
            yield full.removeprefix(directory), os.lstat(full)


def _host_facts(parts: Parts) -> HostFacts:
    paths = parts.paths
    watched = (paths.root, paths.run, paths.database, paths.layers, paths.volumes, paths.containers)
    return HostFacts(
        files=tuple(_file(path) for path in watched if os.path.lexists(path)),
        own_filesystem=os.stat(paths.root).st_dev != os.stat("/").st_dev,
        seccomp=os.path.exists("/proc/sys/kernel/seccomp/actions_avail"),
        publish_address=parts.config.publish_address,
        controllers=frozenset(parts.cgroup_layout.controllers),
        sysctls={name: value for name in host.SYSCTLS if (value := _sysctl(name)) is not None},
    )


def _file(path: str) -> FileFacts:
    status = os.stat(path)
    return FileFacts(path, status.st_uid, stat.S_IMODE(status.st_mode))


def _sysctl(name: str) -> str | None:
    try:
        with open(f"/proc/sys/{name.replace('.', '/')}", encoding="ascii") as stream:
            return stream.read().strip()
    except OSError:
        return None
