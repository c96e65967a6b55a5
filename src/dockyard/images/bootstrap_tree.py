"""Turns the directory that mmdebstrap filled into the root of an image.

What goes: package lists, caches, logs, backups, everything of this host, and what slim images
leave out. What remains is a function of the packages alone, apart from times on disk.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Iterator

from dockyard.images import bootstrap_plan as plan
from dockyard.images.bases import Base
from dockyard.images.stock.model import Service
from dockyard.oci.times import EARLIEST_EPOCH
from dockyard.system import files

_EMPTIED = (
    "dev", "run", "tmp", "var/tmp", "var/lib/apt/lists", "var/cache/apt", "var/cache/ldconfig",
    "usr/share/info", "usr/share/lintian", "usr/share/locale",
)  # fmt: skip
_REMOVED = (
    plan.SOURCES, plan.DEFAULT_SOURCES,
    "etc/apt/apt.conf.d/99mmdebstrap", "etc/dpkg/dpkg.cfg.d/99mmdebstrap",
    "etc/mailname", "var/lib/dbus/machine-id", "var/lib/systemd/random-seed",
)  # fmt: skip
_LOGINS = frozenset({"btmp", "wtmp", "lastlog", "faillog"})
"""Logs that must exist to be written; the others come by themselves."""
_KEYRINGS = (
    "/usr/share/keyrings/debian-archive-keyring.pgp",
    "/usr/share/keyrings/debian-archive-keyring.gpg",
)
_DAY_SECONDS = 86400
_OPEN = 0o755
_FILES = f"{os.path.dirname(__file__)}/stock/files"


def newest_changelog(root: str) -> int:
    """The time of the latest change to any package, in seconds since 1970.

    A package's files are no later than the last entry of its changelog, so this is the time of
    the whole: the same for the same packages.
    """
    newest = EARLIEST_EPOCH
    with os.scandir(f"{root}/usr/share/doc") as packages:
        for package in packages:
            for path in _entries(package.path):
                if os.path.basename(path).startswith("changelog"):
                    newest = max(newest, int(os.lstat(path).st_mtime))
    return newest


def version_of(root: str, base: Base) -> str:
    """The service's version, Python's or Debian's, as installed."""
    program = base.service.program if base.service else base.python and f"python{base.python}"
    if program:
        with open(f"{root}/var/lib/dpkg/status", encoding="utf-8") as stream:
            return plan.package_version(stream.read(), program) or base.series
    with open(f"{root}/etc/debian_version", encoding="utf-8") as stream:
        return stream.read().strip()


def finish(root: str, *, epoch: int, keep_mirror: bool) -> None:
    """Cleans and configures the tree. Read the changelogs before: they go.

    Args:
        epoch: seconds since 1970, for the dates that files contain.
        keep_mirror: leave the mirror that was used, where it isn't mmdebstrap's default.
    """
    sources = _sources(root, keep_mirror=keep_mirror)
    for directory in _EMPTIED:
        _empty(f"{root}/{directory}")
    for path in _REMOVED:
        _remove(f"{root}/{path}")
    _remove_backups(root)
    _clear_logs(f"{root}/var/log")
    _drop_manuals(root)
    if os.path.exists(f"{root}/etc/machine-id"):
        _write(f"{root}/etc/machine-id", 0o444, "")
    for path, (mode, text) in plan.ROOT_FILES.items():
        _write(f"{root}/{path}", mode, text)
    _write(f"{root}/etc/apt/sources.list.d/debian.sources", 0o644, sources)
    _date_passwords(f"{root}/etc/shadow", epoch // _DAY_SECONDS)
    for directory, _, _ in os.walk(root):
        # a directory's own time tells which package was unpacked into it last
        os.utime(directory, (epoch, epoch))


def furnish(root: str, service: Service) -> None:
    """Writes what a service has besides its packages, in a tree that is finished.

    Raises:
        OSError: it can't be written.
    """
    for file in service.files:
        path = f"{root}/{file.path}"
        _make_directories(os.path.dirname(path))
        with open(f"{_FILES}/{file.source}", encoding="utf-8") as stream:
            _write(path, 0o755 if file.executable else 0o644, stream.read())
    for name, target in service.links:
        _remove(f"{root}/{name}")
        os.symlink(target, f"{root}/{name}")
    for place in service.runtime:
        os.mkdir(f"{root}/{place.path}")
        os.chown(f"{root}/{place.path}", place.owner, place.owner)
        os.chmod(f"{root}/{place.path}", place.mode)


def _sources(root: str, *, keep_mirror: bool) -> str:
    default = f"{root}/{plan.DEFAULT_SOURCES}"
    path = default if os.path.exists(default) and not keep_mirror else f"{root}/{plan.SOURCES}"
    keyring = next((path for path in _KEYRINGS if os.path.exists(root + path)), _KEYRINGS[-1])
    with open(path, encoding="utf-8") as stream:
        return plan.sources(stream.read(), keyring)


def _remove_backups(root: str) -> None:
    """Previous versions that dpkg, debconf and the password tools keep."""
    for directory, suffix in (
        ("etc", "-"),
        ("var/lib/dpkg", "-old"),
        ("var/cache/debconf", "-old"),
    ):
        for path in _entries(f"{root}/{directory}"):
            if path.endswith(suffix) and not os.path.isdir(path):
                os.unlink(path)


def _clear_logs(directory: str) -> None:
    for path in _entries(directory):
        status = os.lstat(path)
        if stat.S_ISDIR(status.st_mode):
            _clear_logs(path)
        elif os.path.basename(path) in _LOGINS:
            os.truncate(path, 0)
        else:
            os.unlink(path)


def _drop_manuals(root: str) -> None:
    """Documentation but licences; the sections of the manual stay, packages link into them."""
    for package in _entries(f"{root}/usr/share/doc"):
        if os.path.islink(package):
            continue
        for path in _entries(package):
            if os.path.basename(path) != "copyright":
                files.remove_tree(path)
        with contextlib.suppress(OSError):  # not empty: the licence stays
            os.rmdir(package)
    for path in _entries(f"{root}/usr/share/man"):
        if re.fullmatch(r"man\d", os.path.basename(path)):
            _empty(path)
        else:
            files.remove_tree(path)


def _date_passwords(path: str, day: int) -> None:
    """Sets the day of the last change (shadow(5), third field) of all accounts."""
    with open(path, encoding="utf-8") as stream:
        accounts = [line.split(":") for line in stream.read().splitlines()]
    lines = [":".join([*fields[:2], str(day), *fields[3:]]) for fields in accounts]
    with open(path, "w", encoding="utf-8") as stream:
        stream.write("".join(f"{line}\n" for line in lines))


def _write(path: str, mode: int, text: str) -> None:
    _remove(path)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with open(descriptor, "w", encoding="utf-8") as stream:
        os.fchmod(descriptor, mode)
        stream.write(text)


def _make_directories(path: str) -> None:
    """Those that are missing, open to all whatever this process' umask is."""
    if not os.path.isdir(path):
        _make_directories(os.path.dirname(path))
        os.mkdir(path)
        os.chmod(path, _OPEN)


def _empty(directory: str) -> None:
    for path in _entries(directory):
        files.remove_tree(path)


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def _entries(directory: str) -> Iterator[str]:
    """Paths of what is in a directory; nothing where it is missing or a link."""
    if not os.path.isdir(directory) or os.path.islink(directory):
        return
    yield from (f"{directory}/{name}" for name in os.listdir(directory))
