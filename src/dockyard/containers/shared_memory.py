"""Telling a user that ``/dev/shm`` is, or was, too small.

64 MB, as in Docker, are soon full of the batches that PyTorch's workers exchange. What they print
then ("Bus error") helps nobody who doesn't know the cause.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
from collections.abc import Iterator, Mapping, Sequence

from dockyard.containers.model import DEFAULT_SHM_BYTES, Container
from dockyard.oci.image import ExecutionConfig
from dockyard.oci.runtime import SHM
from dockyard.system import syscalls

MEND = "--shm-size=1g gives it more, --ipc=host the host's"

_FRAMEWORKS = {"torch": "PyTorch", "tensorflow": "TensorFlow", "jax": "JAX"}
"""By the package's directory."""
_VARIABLES = {
    "PYTORCH_VERSION": "PyTorch", "NVIDIA_PYTORCH_VERSION": "PyTorch",
    "TENSORFLOW_VERSION": "TensorFlow", "JAX_VERSION": "JAX",
}  # fmt: skip
_LABELS = ("org.opencontainers.image.title", "org.opencontainers.image.ref.name")
_PREFIXES = ("/usr/local", "/usr", "/opt/conda", "/opt/venv")
_PACKAGES = ("site-packages", "dist-packages")

_COMPLAINTS = (b"No space left on device", b"Bus error")
"""What programs say when it is full; other filesystems can be the cause too."""
_PROOFS = (b"out of shared memory", b"insufficient shared memory", b"</torch_", b"/dev/shm/")
"""What says together with a complaint that it was shared memory."""
_LEFT = 64
"""Full is: less than one part in so many is left."""


@functools.cache
def _python_directory() -> re.Pattern[str]:
    return re.compile(r"python3(\.\d+)?")


def framework(config: ExecutionConfig, rootfs: str) -> str | None:
    """The machine learning framework that an image says it has, or has where Python looks.

    Costs some twenty system calls. Nothing outside the root is looked at, whatever symlinks the
    image has.
    """
    declared = _declared(config.env, config.labels)
    if declared is not None:
        return declared
    root = os.open(rootfs, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for prefix in prefixes(config.env):
            found = _installed(root, prefix)
            if found is not None:
                return found
    finally:
        os.close(root)
    return None


def prefixes(env: Sequence[str]) -> tuple[str, ...]:
    """Where Python may be installed, the likeliest first. Pure."""
    variables = dict(entry.partition("=")[::2] for entry in env)
    own = [variables.get("VIRTUAL_ENV", ""), variables.get("CONDA_PREFIX", "")]
    own += [
        path.removesuffix("/bin")
        for path in variables.get("PATH", "").split(":")
        if path.endswith("/bin")
    ]
    return tuple(dict.fromkeys(path for path in (*own, *_PREFIXES) if path.startswith("/")))


def too_small_for(container: Container) -> bool:
    """True where the container has the default size, and nothing else at ``/dev/shm``. Pure."""
    options = container.options
    return (
        options.resources.shm_size == DEFAULT_SHM_BYTES
        and options.namespaces.ipc in {None, "private", "shareable"}
        and all(mount.target != SHM for mount in container.mounts)
    )


class Watch:
    """Watches a container's ``/dev/shm`` through a descriptor, which outlives the container."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._ran_out = False

    @classmethod
    def begin(cls, pid: int) -> Watch | None:
        """Watches the one of a container whose program hasn't started, so that it is the engine's.

        Returns:
            ``None`` where it has none.
        """
        flags = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            return cls(os.open(f"/proc/{pid}/root{SHM}", flags))
        except OSError:
            return None

    def saw(self, output: bytes) -> None:
        """Looks at output that came: a complaint has to be checked while the files are there."""
        if self._ran_out or not any(word in output for word in _COMPLAINTS):
            return
        self._ran_out = any(word in output for word in _PROOFS) or self._full()

    def end(self) -> int:
        """Its size in bytes where it ran out at any time, else 0; the watch is over then."""
        status = os.fstatvfs(self._descriptor)
        ran_out = self._ran_out or self._full()
        os.close(self._descriptor)
        return status.f_blocks * status.f_frsize if ran_out else 0

    def _full(self) -> bool:
        status = os.fstatvfs(self._descriptor)
        return status.f_blocks > 0 and status.f_bavail * _LEFT < status.f_blocks


def _declared(env: Sequence[str], labels: Mapping[str, str]) -> str | None:
    names = {entry.partition("=")[0] for entry in env}
    for variable, name in _VARIABLES.items():
        if variable in names:
            return name
    text = " ".join(labels.get(label, "") for label in _LABELS).lower()
    return next((name for name in _FRAMEWORKS.values() if name.lower() in text), None)


def _installed(root: int, prefix: str) -> str | None:
    with _opened(root, f"{prefix}/lib") as library:
        if library is None:
            return None
        pythons = [name for name in os.listdir(library) if _python_directory().fullmatch(name)]
    for python in sorted(pythons):
        for packages in _PACKAGES:
            with _opened(root, f"{prefix}/lib/{python}/{packages}") as directory:
                names = set() if directory is None else set(os.listdir(directory))
            found = next((name for key, name in _FRAMEWORKS.items() if key in names), None)
            if found is not None:
                return found
    return None


@contextlib.contextmanager
def _opened(root: int, path: str) -> Iterator[int | None]:
    """A directory of a root filesystem; ``None`` where there is none."""
    resolve = syscalls.RESOLVE_IN_ROOT | syscalls.RESOLVE_NO_MAGICLINKS
    try:
        found = syscalls.openat2(root, path, os.O_RDONLY | os.O_DIRECTORY, resolve=resolve)
    except OSError:
        yield None
        return
    try:
        yield found
    finally:
        os.close(found)
