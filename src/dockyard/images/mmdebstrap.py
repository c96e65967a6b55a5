"""Runs mmdebstrap: with this host's way to the network, killed with us, its failures explained."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections import deque
from collections.abc import Callable, Mapping

import msgspec

from dockyard.errors import ComponentFailed, DiskFull, DockyardError, PermissionMissing
from dockyard.images import bootstrap_plan
from dockyard.images.bases import Base
from dockyard.system import process

Progress = Callable[[str], None]

_INFORMATION = "I: "
_STEPS = {
    "running apt-get update": "fetching the package lists",
    "downloading packages": "downloading packages",
    "extracting archives": "extracting packages",
    "installing essential": "installing the essential packages",
    "installing remaining": "installing the other packages",
    "running --customize-hook": "setting it up",
}
"""What mmdebstrap says, and what our users want to know of it."""
_KEPT_LINES = 200
_SHOWN_LINES = 12
_FULL = ("No space left on device", "Disk quota exceeded")
_UNSIGNED = ("NO_PUBKEY", "is not signed", "Signed-By")
_UNREACHABLE = (
    "Failed to fetch", "Could not resolve", "Could not connect", "Unable to connect",
    "Temporary failure", "Connection failed", "timed out", "does not have a Release file",
)  # fmt: skip


class Command(msgspec.Struct, frozen=True):
    """A checked command line that lacks only its last word, the directory to fill."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]


def prepare(base: Base, *, mirror: str | None) -> Command:
    """Checks what can be checked before anything is made.

    Raises:
        PermissionMissing: not root.
        ComponentMissing: mmdebstrap or what it stands on is not installed.
        InvalidInput: the mirror makes no sense.
    """
    if os.geteuid() != 0:
        raise PermissionMissing("bootstrap has to run as root", hint="use sudo")
    for program in ("mmdebstrap", "setpriv", "unshare"):
        process.require(program)
    dump = process.run(["apt-config", "dump"]).text
    argv = bootstrap_plan.command(base, mirror=mirror, apt=bootstrap_plan.apt_options(dump))
    return Command(tuple(argv), bootstrap_plan.environment(os.environ))


def fill(directory: str, command: Command, progress: Progress) -> None:
    """Fills a new directory with a root filesystem; ``progress`` gets what is being done.

    When this returns or raises, no process of it is left.

    Raises:
        ComponentFailed: it failed; the message has its last words, the hint a likely cause.
        DiskFull: no space left.
    """
    argv = [process.require(command.argv[0]), *command.argv[1:], directory]
    running = subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        # Beside the tree: mmdebstrap forgets temporary directories, which go with ours.
        env={**command.environment, "TMPDIR": os.path.dirname(directory)},
        umask=0o022,
        start_new_session=True,  # Ctrl-C reaches us alone, and we kill it
        text=True,
        errors="replace",
    )
    words: deque[str] = deque(maxlen=_KEPT_LINES)
    with running:
        try:
            _listen(running, words, progress)
        except BaseException:
            running.kill()
            _listen(running, words, lambda _: None)
            raise
    if running.returncode != 0:
        raise _failure(argv, running.returncode, list(words))


def _listen(running: subprocess.Popen[str], words: deque[str], progress: Progress) -> None:
    """Reads to the end, which comes when the last process that can write there is gone."""
    if running.stderr is None:
        return
    for line in running.stderr:
        text = line.rstrip()
        if not text.startswith(_INFORMATION):
            words.append(text)
            continue
        said = text.removeprefix(_INFORMATION)
        step = next((step for start, step in _STEPS.items() if said.startswith(start)), None)
        if step is not None:
            progress(step)


def _failure(argv: list[str], code: int, words: list[str]) -> DockyardError:
    """Explains a failure by what was said."""
    said = "\n".join(words)
    if any(sign in said for sign in _FULL):
        return DiskFull("the image")
    errors = [line for line in words if line.startswith(("E:", "Err:"))] or words
    last = "\n".join(errors[-_SHOWN_LINES:]) or f"it exited with code {code}"
    return ComponentFailed(
        f"mmdebstrap: {last}", context=shlex.join(argv), hint=_hint(said), reference="mmdebstrap"
    )


def _hint(said: str) -> str | None:
    if any(sign in said for sign in _UNSIGNED):
        return "install or upgrade the package debian-archive-keyring"
    if any(sign in said for sign in _UNREACHABLE):
        return (
            "check the network and apt's proxy settings, or name another Debian mirror"
            " (--mirror, or DOCKYARD_APT_MIRROR for this host only)"
        )
    return None
