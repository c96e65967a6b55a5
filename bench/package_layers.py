"""``python -m bench.package_layers``: what package-aware layers cost. As root.

A real environment is installed once, by a step that makes one plain layer. Its directory is then
laid out in three ways: as it is, divided as a build would, and divided as far as 64 layers go. What
is timed on each: to mount it, to look at every file and at as many that aren't there, and to import
large packages, each time in a fresh mount. And what dividing itself takes, beside the hash of the
layer, which a build computes anyway. All is processor time, so that a machine with neighbours can
tell; dividing uses several processors.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import msgspec

from bench.report import duration
from bench.tools import HOME
from dockyard import Config, Engine
from dockyard.errors import NotFound
from dockyard.images.packages import split
from dockyard.images.packages.budget import Level, level
from dockyard.images.packages.divide import divide
from dockyard.images.tarwriter import diff_id
from dockyard.system import mounts
from dockyard.system.files import remove_tree

_REQUIREMENTS = (
    "torch", "transformers", "scikit-learn", "pandas", "matplotlib", "fastapi", "uvicorn",
    "aiohttp", "sqlalchemy", "jinja2", "pyarrow", "pillow", "nltk", "httpx", "boto3", "rich",
)  # fmt: skip
_IMPORTS = "import torch, transformers, sklearn.linear_model, pandas, matplotlib.pyplot, fastapi"
_DOCKERFILE = """\
FROM python:3.11
RUN --mount=type=bind,from=wheels,target=/wheels python3 -m venv /opt/venv \\
    && /opt/venv/bin/pip install -q --no-index --find-links /wheels {}
"""
_MOST = Level(64, 8)


class Layout(msgspec.Struct, frozen=True):
    """One way to lay the environment out; ``layers`` are directories above the base's."""

    name: str
    below: tuple[str, ...]
    layers: tuple[str, ...]

    @contextmanager
    def mounted(self) -> Iterator[str]:
        """The whole tree, freshly mounted, as a container has it."""
        top = f"{HOME}/packages/mount"
        remove_tree(top)
        for name in ("root", "upper", "work"):
            os.makedirs(f"{top}/{name}")
        lowers = (*self.below, *self.layers)
        mounts.mount_overlay(
            mounts.Overlay(
                target=f"{top}/root", lowers=lowers, upper=f"{top}/upper", work=f"{top}/work",
                volatile=True,
            )
        )  # fmt: skip
        try:
            yield f"{top}/root"
        finally:
            mounts.unmount_below(top)


def main() -> int:
    """Prints the tables."""
    parser = argparse.ArgumentParser(prog="python -m bench.package_layers", description=__doc__)
    parser.add_argument("requirements", nargs="*", default=_REQUIREMENTS, help="what to install")
    parser.add_argument("--imports", default=_IMPORTS, help="a statement that imports some of it")
    parser.add_argument("--repeat", type=int, default=9, help="repetitions")
    options = parser.parse_args()
    below, whole = _installed(options.requirements)
    layouts = [Layout("one layer", below, (whole,))]
    print(
        "| dividing | files | bytes | dividing it | hashing it |",
        "|---|---:|---:|---:|---:|",
        sep="\n",
    )
    layouts.append(_divided("divided", below, whole, level(len(below), 2), split.ALONE_BYTES))
    layouts.append(_divided("as many layers as may be", below, whole, _MOST, 0))
    print()
    heading = ["", *(f"{each.name}: {len(each.layers)}" for each in layouts)]
    print(f"| {' | '.join(heading)} |", "|---" * len(heading) + "|", sep="\n")
    _row("mount", layouts, options.repeat, _mount)
    _row("look at each file", layouts, options.repeat, _look("", cold=True))
    _row("look at each again", layouts, options.repeat, _look("", cold=False))
    _row("look for as many that aren't there", layouts, options.repeat, _look(".gone", cold=True))
    _row(f"`{options.imports}`", layouts, options.repeat, _import(options.imports))
    remove_tree(f"{HOME}/packages/trees")
    return 0


def _installed(requirements: Sequence[str]) -> tuple[tuple[str, ...], str]:
    """The directories of the base's layers, and the one with the environment."""
    wheels, place = f"{HOME}/packages/wheels", f"{HOME}/packages/context"
    os.makedirs(place, exist_ok=True)
    with open(f"{place}/Dockerfile", "w", encoding="utf-8") as stream:
        stream.write(_DOCKERFILE.format(" ".join(requirements)))
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "-q", "-d", wheels, "--python-version", "3.11",
         "--only-binary=:all:", *requirements],
        check=True,
    )  # fmt: skip
    with Engine(Config(root=f"{HOME}/root", run=f"{HOME}/run")) as engine:
        try:
            engine.resolve("python:3.11")
        except NotFound:
            engine.bootstrap("python:3.11")
        image = engine.build(place, layers="plain", contexts={"wheels": wheels}, tag="bench-layers")
        *below, whole = engine.parts.layers.paths_of(image.layers)
    return tuple(below), whole


def _divided(name: str, below: tuple[str, ...], whole: str, wanted: Level, alone: int) -> Layout:
    """A copy of the environment, divided; prints what that took."""
    copy = f"{HOME}/packages/trees/{wanted.layers}-{alone}"
    remove_tree(copy)
    os.makedirs(copy)
    subprocess.run(["cp", "-a", "--", whole, f"{copy}/upper"], check=True)
    os.sync()
    before, split.ALONE_BYTES = split.ALONE_BYTES, alone
    try:
        begun = time.process_time()
        found = divide(f"{copy}/upper", f"{copy}/layers", wanted)
        spent = time.process_time() - begun
    finally:
        split.ALONE_BYTES = before
    begun = time.process_time()
    _, size = diff_id(whole, epoch=1_700_000_000, times="clamp")
    hashed = time.process_time() - begun
    count = sum(len(names) for _, _, names in os.walk(whole))
    print(f"| {name} | {count} | {size} | {duration(spent)} | {duration(hashed)} |", flush=True)
    return Layout(name, below, found.directories)


def _row(
    title: str, layouts: Sequence[Layout], repeat: int, measure: Callable[[Layout], float]
) -> None:
    """The layouts take turns."""
    samples: dict[str, list[float]] = {each.name: [] for each in layouts}
    for _ in range(repeat):
        for each in layouts:
            samples[each.name].append(measure(each))
    cells = [
        f"{_short(statistics.median(found))} ({_short(min(found))} to {_short(max(found))})"
        for found in samples.values()
    ]
    print(f"| {' | '.join([title, *cells])} |", flush=True)


def _short(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 0.02 else duration(seconds)


def _mount(layout: Layout) -> float:
    with layout.mounted() as place:
        mounts.unmount(place)
        begun = time.process_time()
        mounts.mount_overlay(mounts.Overlay(target=place, lowers=(*layout.below, *layout.layers)))
        return time.process_time() - begun


def _look(suffix: str, *, cold: bool) -> Callable[[Layout], float]:
    """Every file of the environment by its path; or a name beside each."""

    def measure(layout: Layout) -> float:
        paths = _paths(layout)
        with layout.mounted() as place:
            whole = [f"{place}/{path}{suffix}" for path in paths]
            if not cold:
                _stat(whole)
            begun = time.process_time()
            _stat(whole)
            return time.process_time() - begun

    return measure


def _stat(paths: Sequence[str]) -> None:
    for path in paths:
        try:
            os.lstat(path)
        except FileNotFoundError:
            continue


def _paths(layout: Layout) -> list[str]:
    return [
        os.path.relpath(f"{directory}/{name}", top)
        for top in layout.layers
        for directory, _, names in os.walk(top)
        for name in names
    ]


def _import(statement: str) -> Callable[[Layout], float]:
    def measure(layout: Layout) -> float:
        with layout.mounted() as place:
            for name in ("dev", "proc", "tmp"):
                os.makedirs(f"{place}/{name}", exist_ok=True)
            mounts.bind("/dev", f"{place}/dev")
            mounts.bind("/proc", f"{place}/proc")
            begun = _of_children()
            subprocess.run(
                ["chroot", place, "/opt/venv/bin/python", "-c", statement],
                check=True, env={**os.environ, "HOME": "/tmp"},
            )  # fmt: skip
            return _of_children() - begun

    return measure


def _of_children() -> float:
    """Processor time of the programs that ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main())
