"""The machine learning framework of an image, whose workers need much shared memory."""

from __future__ import annotations

import contextlib
import functools
import os
import re
from collections.abc import Iterator, Mapping, Sequence

from dockyard.oci.image import ExecutionConfig
from dockyard.system import syscalls

_FRAMEWORKS = {"torch": "PyTorch", "tensorflow": "TensorFlow", "jax": "JAX"}
"""By the package's directory."""
_VARIABLES = {
    "PYTORCH_VERSION": "PyTorch", "NVIDIA_PYTORCH_VERSION": "PyTorch",
    "TENSORFLOW_VERSION": "TensorFlow", "JAX_VERSION": "JAX",
}  # fmt: skip
_LABELS = ("org.opencontainers.image.title", "org.opencontainers.image.ref.name")
_PREFIXES = ("/usr/local", "/usr", "/opt/conda", "/opt/venv")
_PACKAGES = ("site-packages", "dist-packages")


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
