"""Divides what a step made by the Python distributions that it installed."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterable, Iterator

import msgspec

from dockyard.errors import StateError
from dockyard.images.packages import apply, conda, moves, survey, verify, wheels
from dockyard.images.packages.budget import Level
from dockyard.images.packages.model import (
    UNDIVIDED,
    Claim,
    Distribution,
    Division,
    Files,
)
from dockyard.images.packages.split import split

_MOST_CLAIMS = 400_000
_MOST_RECORD_BYTES = 128 << 20
_MOST_ENVIRONMENTS = 256
"""Of conda; what is in further ones is looked at by the records of pip's kind."""
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Divided(msgspec.Struct, frozen=True):
    """Directories of layers, the lowest first, and how they came about."""

    directories: tuple[str, ...]
    division: Division


def divide(
    upper: str, place: str, level: Level, cancelled: Callable[[], bool] = lambda: False
) -> Divided:
    """Divides a normalised upper directory, in place; without packages it stays as it is.

    A package whose record makes no sense, or that says too much, stays with the rest.

    Args:
        upper: nobody else changes it; what it contains is hostile.
        place: where directories of layers are made, on the same filesystem; it doesn't exist.
        level: how many layers there may be.
        cancelled: where it says yes, what comes of it doesn't matter any more.

    Raises:
        StateError: the files can't be read or moved; what is left is garbage.
    """
    try:
        root = os.open(upper, _DIRECTORY)
        try:
            renames, division = _decide(root, level, cancelled)
            if not renames:
                return Divided((upper,), division)
            os.mkdir(place, 0o700)
            directories = apply.move(root, renames, place)
            if not os.listdir(root):
                notes = division.notes[1:]
                return Divided(directories, msgspec.structs.replace(division, notes=notes))
        finally:
            os.close(root)
    except OSError as error:
        raise StateError(
            f"cannot make layers of {upper}: {error}",
            hint="dockyard doctor looks after the disk and the file system;"
            " build with --layers plain does without",
        ) from error
    return Divided((upper, *directories), division)


def _decide(
    root: int, level: Level, cancelled: Callable[[], bool]
) -> tuple[tuple[tuple[str, ...], ...], Division]:
    """What to rename for each layer above the rest."""
    records = survey.find_records(root, cancelled)
    if not records.dist_info and not records.conda_meta:
        return (), UNDIVIDED
    files = survey.survey(root, cancelled)
    if files is None:
        return (), UNDIVIDED
    distributions: list[Distribution] = []
    candidates: list[verify.Candidate] = []
    for distribution, said in _installed(root, records, files, cancelled):
        candidates += [(len(distributions), claim) for claim in said]
        distributions.append(distribution)
    claims = verify.kept(root, files, candidates, cancelled)
    parts, division = split(files, distributions, claims, level)
    return moves.renames(files, parts), division


def _installed(
    root: int, records: survey.Records, files: Files, cancelled: Callable[[], bool]
) -> Iterator[tuple[Distribution, list[Claim]]]:
    """The distributions, each with its claims on what is there, one a path."""
    own = _OwnRecords(records, files)
    room = _MOST_CLAIMS
    for found, said in _read(root, records, own, files, cancelled):
        if cancelled():
            return
        try:
            claims = {claim.path: claim for claim in said if files.has(claim.path)}
        except (ValueError, csv.Error):
            continue
        room -= len(claims)
        if claims and room >= 0:
            own.forget(claims)
            yield found, list(claims.values())


def _read(
    root: int, records: survey.Records, own: _OwnRecords, files: Files,
    cancelled: Callable[[], bool],
) -> Iterator[tuple[Distribution, Iterator[Claim]]]:  # fmt: skip
    """What installers recorded, as long as it isn't too much altogether, or cancelled."""
    room = _MOST_RECORD_BYTES
    environments = records.conda_meta[:_MOST_ENVIRONMENTS]
    sizes = _sizes_of(environments, files)
    for directory in environments:
        if cancelled():
            return
        room -= sizes[directory]
        if room >= 0:
            yield from conda.packages(root, directory)
    for directory in records.dist_info:
        if cancelled():
            return
        room -= files.sizes.get(f"{directory}/{wheels.RECORD}", 0)
        found = wheels.distribution(root, directory) if own.has(directory) else None
        if found is not None and room >= 0:
            yield found, wheels.claims(root, directory)


def _sizes_of(directories: Iterable[str], files: Files) -> dict[str, int]:
    """How many bytes the files in each directory have, by one pass over all files."""
    found = dict.fromkeys(directories, 0)
    for path, size in files.sizes.items():
        directory = path.rpartition("/")[0]
        if directory in found:
            found[directory] += size
    return found


class _OwnRecords:
    """Records that stand for a distribution of their own.

    One that is a file of another, by any of its names, is part of that: what conda packaged, or
    what a package brings along for itself, as ``setuptools`` does.
    """

    def __init__(self, records: survey.Records, files: Files) -> None:
        self._paths = {f"{directory}/{wheels.RECORD}" for directory in records.dist_info}
        self._names = {
            path: group
            for group in files.groups
            if not self._paths.isdisjoint(group)
            for path in group
        }

    def has(self, directory: str) -> bool:
        """Whether the ``*.dist-info`` is one."""
        return f"{directory}/{wheels.RECORD}" in self._paths

    def forget(self, paths: Iterable[str]) -> None:
        """Leaves out those that a distribution claims."""
        for path in paths:
            self._paths.difference_update(self._names.get(path, (path,)))
