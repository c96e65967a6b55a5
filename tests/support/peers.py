"""Docker, where ``DOCKYARD_PEERS`` names a program that runs commands beside it."""

from __future__ import annotations

import io
import os
import re
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.support.dockerfile_cases import Case
from tests.support.image_summary import Archive, Summary, summary

PROGRAM = os.environ.get("DOCKYARD_PEERS", "")
_PLACE = "/tmp/dockyard-differential"
_REPOSITORY = "dockyard-differential"
_FAILURE = re.compile(r"^ERROR: (?:failed to build: )?(?:failed to solve: )?(.*)", re.M | re.S)
_LINE = re.compile(r"^Dockerfile:(\d+)$", re.M)


def works(name: str = "docker") -> bool:
    """Whether a peer is there and answers."""
    return bool(PROGRAM) and run(name, "version").returncode == 0


def run(*command: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Runs a command among the peers."""
    return subprocess.run([PROGRAM, "run", *command], input=data, capture_output=True, check=False)


def ask_buildkit(cases: Sequence[Case], busybox: bytes, directory: Path) -> dict[str, Summary]:
    """What BuildKit makes of the cases.

    Args:
        busybox: an archive of the base image.
        directory: an empty one for contexts.
    """
    loaded = run("docker", "load", data=busybox)
    assert loaded.returncode == 0, loaded.stderr
    _send(cases, directory)
    try:
        refused = {case.name: why for case in cases if (why := _refusal(case)) is not None}
        return _saved([case for case in cases if case.name not in refused]) | refused
    finally:
        run("rm", "-rf", _PLACE)
        run("docker", "rmi", "-f", *[f"{_REPOSITORY}:{case.name}" for case in cases])
        run("docker", "rmi", "-f", "busybox:latest")


def _send(cases: Sequence[Case], directory: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for case in cases:
            context = case.place(directory)
            tar.add(context, case.name, filter=_with_xattrs(context))
            for name, value in case.secrets.items():
                entry = tarfile.TarInfo(f"{case.name}.secrets/{name}")
                entry.size = len(value.encode())
                tar.addfile(entry, io.BytesIO(value.encode()))
    script = f"rm -rf {_PLACE}; mkdir {_PLACE}; cd {_PLACE}; tar --xattrs --xattrs-include=* -xpf -"
    sent = run("sh", "-ec", script, data=buffer.getvalue())
    assert sent.returncode == 0, sent.stderr


def _with_xattrs(context: Path) -> Callable[[tarfile.TarInfo], tarfile.TarInfo]:
    def add(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        path = context / Path(*Path(entry.name).parts[1:])
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = ""
        for name in os.listxattr(path, follow_symlinks=False):
            value = os.getxattr(path, name, follow_symlinks=False).decode()
            entry.pax_headers = {**entry.pax_headers, f"SCHILY.xattr.{name}": value}
        return entry

    return add


def _command(case: Case) -> list[str]:
    place = f"{_PLACE}/{case.name}"
    command = ["docker", "build", "--progress", "plain", "--network", "default"]
    command += ["-t", f"{_REPOSITORY}:{case.name}", "-f", f"{place}/{case.file}"]
    for name, value in case.build_args.items():
        command += ["--build-arg", f"{name}={value}"]
    for name, value in case.labels.items():
        command += ["--label", f"{name}={value}"]
    for name in case.secrets:
        command += ["--secret", f"id={name},src={place}.secrets/{name}"]
    return [*command, *(["--target", case.target] if case.target else []), place]


def _refusal(case: Case) -> Summary | None:
    """Builds; why it was refused and the line to blame, or None where it was built."""
    done = run(*_command(case))
    if done.returncode == 0:
        return None
    text = done.stderr.decode().replace(f"{_PLACE}/{case.name}/", "")
    match = _FAILURE.findall(text)
    assert match, text
    line = _LINE.search(text)
    return {"error": _core(match[-1].strip())} | ({"line": line[1]} if line else {})


def _core(error: str) -> str:
    """What went wrong, without what BuildKit was about and without names of its own."""
    error = re.sub(r"^dockerfile parse error on line \d+: ", "", error)
    error = re.sub(r"^failed to compute cache key: | of ref [^ ]+(?=:)", "", error)
    error = re.sub(r'^process ".*" did not complete successfully: unable', "unable", error)
    error = re.sub(r"/var/lib/docker/\S+/merged", "", error)
    return re.sub(r" \((did you mean \w+\?)\)", "", error)


def _saved(cases: Sequence[Case]) -> dict[str, Summary]:
    with tempfile.TemporaryFile() as stream:
        names = [f"{_REPOSITORY}:{case.name}" for case in cases]
        subprocess.run(
            [PROGRAM, "run", "docker", "save", "busybox:latest", *names], stdout=stream, check=True
        )
        stream.seek(0)
        archive = Archive(stream)
        base = archive.image("busybox:latest")
        return {
            case.name: summary(archive.image(f"{_REPOSITORY}:{case.name}"), base) for case in cases
        }
