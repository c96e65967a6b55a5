"""Compiled system call filters, kept for the next container.

To compile a profile is more than half of what crun needs to create a container. It leaves the
program that it made beside its state, and takes it back by an annotation. The profile itself stays
in the specification: a runtime that doesn't know the annotation compiles it, as ever. What is kept
goes with the run directory at the next boot.
"""

from __future__ import annotations

import binascii
import contextlib
import os
from collections.abc import Mapping

import msgspec

from dockyard import decoding
from dockyard.containers.runtime import Runtime
from dockyard.state.paths import Paths
from dockyard.system.files import write_atomically

ANNOTATION = "run.oci.seccomp_bpf_data"
"""crun(1): the filter to install, in base64, instead of a compiled ``linux.seccomp``."""

_LIBRARIES = tuple(
    f"{directory}/libseccomp.so.2"
    for directory in (
        f"/usr/lib/{os.uname().machine}-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/local/lib",
    )
)  # fmt: skip
_KNOWN = frozenset({"defaultAction", "defaultErrnoRet", "architectures", "syscalls"})
"""A profile with more than these (flags, a listener) is more than its program."""


class _Kept(msgspec.Struct, frozen=True):
    """A program, and all that it depends on."""

    compiler: str
    profile: msgspec.Raw
    program: bytes


class _Linux(msgspec.Struct, frozen=True):
    seccomp: msgspec.Raw = msgspec.Raw()


class _Specification(msgspec.Struct, frozen=True):
    linux: _Linux
    annotations: dict[str, str] = {}


def recall(paths: Paths, runtime: Runtime, profile: Mapping[str, object] | None) -> dict[str, str]:
    """The annotation with the profile's program; nothing where it isn't known yet."""
    if profile is None or not _KNOWN.issuperset(profile):
        return {}
    text = msgspec.json.encode(profile)
    kept = _load(_path(paths, text))
    if kept is None or (kept.compiler, bytes(kept.profile)) != (_compiler(runtime), text):
        return {}
    return {ANNOTATION: binascii.b2a_base64(kept.program, newline=False).decode()}


def keep(paths: Paths, runtime: Runtime, container_id: str) -> None:
    """Keeps the program that the runtime made for a container, where it was a new one."""
    with open(f"{paths.bundle(container_id)}/config.json", "rb") as stream:
        given = decoding.from_json(stream.read(), _Specification)
    profile = given.linux.seccomp
    if not bytes(profile) or ANNOTATION in given.annotations:
        return
    if not _KNOWN.issuperset(decoding.from_json(profile, dict[str, object])):
        return
    try:
        with open(f"{runtime.state}/{container_id}/seccomp.bpf", "rb") as stream:
            program = stream.read()
    except FileNotFoundError:
        return  # not crun
    kept = _Kept(_compiler(runtime), profile, program)
    write_atomically(_path(paths, bytes(profile)), msgspec.json.encode(kept))


def _load(path: str) -> _Kept | None:
    try:
        with open(path, "rb") as stream:
            return decoding.from_json(stream.read(), _Kept)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def _path(paths: Paths, profile: bytes) -> str:
    """One file for a profile; two that meet displace each other, as the whole is compared."""
    return f"{paths.run}/filter-{binascii.crc32(profile):08x}"


def _compiler(runtime: Runtime) -> str:
    """The runtime, and the library that compiles for it, wherever distributions put that."""
    marks = [runtime.path]
    for path in (runtime.path, *_LIBRARIES):
        with contextlib.suppress(FileNotFoundError):
            status = os.stat(path)
            marks.append(f"{status.st_ino} {status.st_size} {status.st_mtime_ns}")
    return " ".join(marks)
