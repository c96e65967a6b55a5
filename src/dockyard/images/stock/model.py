"""What makes a service's image out of Debian's packages, as values. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from dockyard.oci.image import ExecutionConfig

VERSION = "{version}"
"""Stands in the environment for the upstream version of what was installed."""


class Account(msgspec.Struct, frozen=True):
    """A user, and the group of the same name and number, that the official image has.

    It is there before the packages, which would else take the next number that is free.
    """

    name: str
    uid: int
    home: str
    shell: str = "/usr/sbin/nologin"


class File(msgspec.Struct, frozen=True):
    """A file of ours in the image: its path without a leading slash, and where its text is kept.

    ``source`` is relative to the directory ``files`` beside this module.
    """

    path: str
    source: str
    executable: bool = False


class Place(msgspec.Struct, frozen=True):
    """A directory below ``run``, which images have empty else: its owner's number and its mode."""

    path: str
    owner: int
    mode: int


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """A service as its official image has it.

    Args:
        repository: on Docker Hub, such as ``redis`` and ``prom/prometheus``.
        nicknames: other names under which it may be asked for.
        flavour: what a tag has besides a version: ``pg17`` in ``0.8.0-pg17``.
        program: the package whose version is the image's.
        accounts: users that exist before the packages are installed.
        prepared: lines of shell that run in the image before those packages come.
        excluded: patterns of paths that dpkg leaves out.
        steps: lines of shell that run in the image as root once the packages are installed.
        files: written after the steps.
        links: symbolic links, path without a leading slash and target, in place of what is there.
        runtime: directories that programs want below ``/run``.
        execution: how containers of it run; its ``env`` follows ``PATH``.
        paths: directories that follow the usual ones in ``PATH``.
    """

    repository: str
    nicknames: tuple[str, ...] = ()
    flavour: str = ""
    program: str
    accounts: tuple[Account, ...] = ()
    prepared: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    files: tuple[File, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    runtime: tuple[Place, ...] = ()
    execution: ExecutionConfig
    paths: tuple[str, ...] = ()


def execution(
    *,
    entrypoint: tuple[str, ...] | None = None,
    cmd: tuple[str, ...] | None = None,
    env: Mapping[str, str] | None = None,
    ports: Iterable[str] = (),
    volumes: Iterable[str] = (),
    user: str = "",
    directory: str = "",
    stop_signal: str = "",
) -> ExecutionConfig:
    """The configuration of an image, in the words of a Dockerfile."""
    return ExecutionConfig(
        entrypoint=entrypoint,
        cmd=cmd,
        env=tuple(f"{name}={value}" for name, value in (env or {}).items()),
        exposed_ports={port: {} for port in ports},
        volumes={path: {} for path in volumes},
        user=user,
        working_dir=directory,
        stop_signal=stop_signal,
    )


def script(path: str, source: str) -> File:
    """A program among the files."""
    return File(path.lstrip("/"), source, executable=True)


def directory(path: str, owner: str = "root", mode: str = "755") -> str:
    """A step that makes a directory, or gives it another owner."""
    return f"install -d -o {owner} -g $(id -g {owner}) -m {mode} {path}"


def link(path: str, target: str) -> str:
    """A step that makes a symbolic link, in place of what is there."""
    return f"ln -sfn {target} {path}"
