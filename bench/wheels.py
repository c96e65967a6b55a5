"""The packages of an application with PyTorch, fetched once: a directory of wheels."""

from __future__ import annotations

import os
import subprocess
import sys

from bench.tools import HOME, BenchmarkError

DIRECTORY = f"{HOME}/wheels"
_PYTHON = "3.11"
_TORCH = "torch==2.13.0+cpu"
"""Without CUDA, which is several GB."""

REQUIREMENTS = (
    _TORCH, "transformers", "scikit-learn", "pandas", "pyarrow", "onnxruntime", "fastapi",
    "uvicorn", "sentencepiece", "requests==2.32.3",
)  # fmt: skip
CHANGED = "requests==2.32.5"
"""The one line that is another one, an update later."""


def after_the_change() -> tuple[str, ...]:
    """The requirements with one line changed."""
    project = CHANGED.partition("==")[0]
    return tuple(CHANGED if each.startswith(f"{project}==") else each for each in REQUIREMENTS)


def fetch() -> str:
    """The directory with the wheels, filled where it isn't yet.

    Raises:
        BenchmarkError: pip can't get one of them.
    """
    complete = f"{DIRECTORY}/.complete"
    if not os.path.exists(complete):
        os.makedirs(DIRECTORY, exist_ok=True)
        _download(*REQUIREMENTS)
        _download("--no-deps", CHANGED)
        with open(complete, "w", encoding="utf-8"):
            pass
    return DIRECTORY


def _download(*arguments: str) -> None:
    command = (
        sys.executable, "-m", "pip", "download", "--quiet", "--dest", DIRECTORY,
        "--python-version", _PYTHON, "--only-binary", ":all:", *arguments,
    )  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchmarkError(f"pip download: {done.stderr[-500:]}")
