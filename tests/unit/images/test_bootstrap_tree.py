"""What of a distribution's tree becomes a base image."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dockyard.images import bootstrap_tree
from dockyard.images.stock import catalog

CHANGED = 1_700_000_000

FILES = {
    "etc/apt/apt.conf.d/99mmdebstrap": "x",
    "etc/apt/sources.list": "deb http://used/debian trixie main\n",
    "etc/apt/sources.list.default": "deb http://usual/debian trixie main\n",
    "etc/apt/sources.list.d/.keep": "",
    "etc/debian_version": "13.1\n",
    "etc/dpkg/dpkg.cfg.d/99mmdebstrap": "x",
    "etc/hostname": "this-host\n",
    "etc/machine-id": "0123\n",
    "etc/passwd-": "x",
    "etc/resolv.conf": "nameserver 192.0.2.1\n",
    "etc/shadow": "root:*:20779:0:99999:7:::\ndaemon:*:20779:0:99999:7:::\n",
    "dev/null": "",
    "root/.bashrc": "x",
    "run/lock/x": "x",
    "tmp/x": "x",
    "usr/sbin/policy-rc.d": "mmdebstrap's\n",
    "usr/share/doc/bash/changelog.Debian.gz": "x",
    "usr/share/doc/bash/copyright": "GPL",
    "usr/share/doc/bash/README": "x",
    "usr/share/doc/empty/README": "x",
    "usr/share/locale/de/x.mo": "x",
    "usr/share/man/de/man1/x.1": "x",
    "usr/share/man/man1/x.1": "x",
    "var/cache/debconf/config.dat": "x",
    "var/cache/debconf/config.dat-old": "x",
    "var/cache/ldconfig/aux-cache": "x",
    "var/lib/apt/lists/partial/x": "x",
    "var/lib/dpkg/status": "Package: python3.13\nVersion: 3.13.5-2\n",
    "var/lib/dpkg/status-old": "x",
    "var/log/apt/history.log": "x",
    "var/log/dpkg.log": "x",
    "var/log/lastlog": "x",
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    changelog = tmp_path / "usr/share/doc/bash/changelog.Debian.gz"
    os.utime(changelog, (CHANGED, CHANGED))
    (tmp_path / "usr/share/doc/linked").symlink_to("bash")
    return tmp_path


def finish(tree: Path, *, keep_mirror: bool = False) -> None:
    bootstrap_tree.finish(str(tree), epoch=CHANGED, keep_mirror=keep_mirror)


def present(tree: Path) -> set[str]:
    return {
        str(path.relative_to(tree))
        for path in tree.rglob("*")
        if path.is_symlink() or not path.is_dir()
    }


def test_the_epoch_is_the_latest_change_of_a_package(tree: Path) -> None:
    assert bootstrap_tree.newest_changelog(str(tree)) == CHANGED


def test_versions_are_read_from_what_is_installed(tree: Path) -> None:
    versions = [
        bootstrap_tree.version_of(str(tree), catalog.named(name).base)
        for name in ("debian:trixie", "python:3.13")
    ]
    assert versions == ["13.1", "3.13.5"]


def test_nothing_of_this_host_and_this_run_stays(tree: Path) -> None:
    finish(tree)
    gone = {
        "etc/apt/apt.conf.d/99mmdebstrap", "etc/apt/sources.list", "etc/apt/sources.list.default",
        "etc/dpkg/dpkg.cfg.d/99mmdebstrap", "etc/passwd-", "dev/null", "run/lock/x", "tmp/x",
        "var/cache/debconf/config.dat-old", "var/cache/ldconfig/aux-cache",
        "var/lib/apt/lists/partial/x", "var/lib/dpkg/status-old", "var/log/apt/history.log",
        "var/log/dpkg.log",
    }  # fmt: skip
    assert not gone & present(tree)
    for name in ("etc/hostname", "etc/machine-id", "etc/resolv.conf", "var/log/lastlog"):
        assert (tree / name).read_bytes() == b""


def test_manuals_and_translations_go_but_licences_stay(tree: Path) -> None:
    finish(tree)
    left = {name for name in present(tree) if name.startswith("usr/share/")}
    assert left == {"usr/share/doc/bash/copyright", "usr/share/doc/linked"}
    assert (tree / "usr/share/man/man1").is_dir()  # packages link alternatives into it


def test_records_of_what_is_installed_stay(tree: Path) -> None:
    finish(tree)
    assert {"var/lib/dpkg/status", "var/cache/debconf/config.dat", "root/.bashrc"} <= present(tree)


def test_the_usual_mirror_is_restored_unless_another_was_asked_for(tree: Path) -> None:
    source = tree / "etc/apt/sources.list.d/debian.sources"
    keep = {name: (tree / name).read_text() for name in FILES if "sources.list" in name}
    finish(tree)
    assert "URIs: http://usual/debian\n" in source.read_text()
    for name, text in keep.items():
        (tree / name).write_text(text)
    finish(tree, keep_mirror=True)
    assert "URIs: http://used/debian\n" in source.read_text()


def test_dates_do_not_tell_when_it_was_made(tree: Path) -> None:
    finish(tree)
    day = CHANGED // 86400
    assert (tree / "etc/shadow").read_text() == (
        f"root:*:{day}:0:99999:7:::\ndaemon:*:{day}:0:99999:7:::\n"
    )
    assert {path.stat().st_mtime for path in tree.rglob("*") if path.is_dir()} == {CHANGED}


def test_services_are_not_started_by_packages(tree: Path) -> None:
    finish(tree)
    policy = tree / "usr/sbin/policy-rc.d"
    assert policy.read_text().endswith("exit 101\n")
    assert policy.stat().st_mode & 0o777 == 0o755
