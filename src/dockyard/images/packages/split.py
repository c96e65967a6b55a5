"""Which layer each file of a step belongs to. Pure.

- A file that one distribution claims, and whose content is what that says of it, goes with the
  distribution. One that several claim stays in the rest: where it went by name or by order, it
  would move with the coming and going of a distribution that has nothing else to do with it.
- A compiled ``.pyc`` goes where its source goes, for nobody vouches for its content, and some
  installers don't list it.
- All names of a file (hard links) go together: with the one distribution that claims any of them,
  else with the rest.
- A distribution of 4 MiB and more has a layer of its own. The others share bins, by a hash of
  their names, so that no distribution's place depends on which others there are. Only where there
  are more large ones than layers, the largest come first.
- What stays is the lowest layer: whiteouts are in it, and hide what is below all of them.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from dockyard.images.packages.budget import Level
from dockyard.images.packages.model import UNDIVIDED, Distribution, Division, Files, Part

ALONE_BYTES = 4 << 20
_LONGEST_NOTE = 2000
_COMPILED = re.compile(r"(?P<module>.+?)\.[a-z]+-?[0-9]+[a-z]*(?:\.opt-[0-9a-zA-Z]+)?\.pyc")
"""PEP 3147 and 488: ``module.cpython-311.opt-1.pyc``."""


def split(
    files: Files,
    distributions: Sequence[Distribution],
    claims: Iterable[tuple[str, int]],
    level: Level,
) -> tuple[tuple[Part, ...], Division]:
    """Lays out a step's files.

    Args:
        claims: paths that distributions claim rightly, with the distributions' numbers.

    Returns:
        The layers above the rest, in order, and what to keep of it; its notes begin with that of
        the rest. Paths that are in no part stay.
    """
    owners = _owners(files, claims)
    if not distributions:
        return (), UNDIVIDED
    paths: dict[int, list[str]] = {}
    for path, number in owners.items():
        paths.setdefault(number, []).append(path)
    sizes = _sizes(files, owners)
    large = sorted(
        (number for number in paths if sizes[number] >= ALONE_BYTES),
        key=lambda number: (-sizes[number], _order(distributions[number])),
    )
    alone = set(large[: max(0, level.alone)])
    groups = _bins(distributions, paths.keys() - alone, level.bins)
    groups += [[number] for number in sorted(alone, key=lambda n: _order(distributions[n]))]
    parts = tuple(
        Part(
            tuple(sorted(path for number in group for path in paths[number])),
            note([distributions[number] for number in group]),
        )
        for group in groups
    )
    return parts, Division(level.layers, len(large), ("", *(part.note for part in parts)))


def note(distributions: Sequence[Distribution]) -> str:
    """What a layer holds, as the history shows it: ``numpy 2.1.0, six 1.17.0``."""
    words: list[str] = []
    for number, each in enumerate(distributions):
        rest = len(distributions) - number
        if sum(map(len, words)) + 2 * len(words) + len(str(each)) > _LONGEST_NOTE:
            return f"{', '.join(words)} and {rest} more"
        words.append(str(each))
    return ", ".join(words)


def source_of(path: str) -> str | None:
    """The source of a compiled file below ``__pycache__``; ``None`` for any other path."""
    directory, name = posixpath.split(path)
    if posixpath.basename(directory) != "__pycache__":
        return None
    found = _COMPILED.fullmatch(name)
    return found and posixpath.join(posixpath.dirname(directory), f"{found['module']}.py")


def _owners(files: Files, claims: Iterable[tuple[str, int]]) -> dict[str, int]:
    """The one distribution that each path goes with; those that stay are not in it."""
    found: dict[str, int] = {}
    shared: set[str] = set()
    for path, number in claims:
        if not files.has(path):
            continue
        if found.setdefault(path, number) != number:
            shared.add(path)
    for path in shared:
        del found[path]
    for path in files.sizes:
        source = source_of(path) if path.endswith(".pyc") else None
        if source is not None and source in files.sizes:
            _assign(found, path, found.get(source))
    for group in files.groups:
        claimed = {found[path] for path in group if path in found}
        owner = claimed.pop() if len(claimed) == 1 else None
        for path in group:
            _assign(found, path, owner)
    return found


def _assign(found: dict[str, int], path: str, owner: int | None) -> None:
    if owner is None:
        found.pop(path, None)
    else:
        found[path] = owner


def _sizes(files: Files, owners: Mapping[str, int]) -> Counter[int]:
    """Bytes of each distribution's files, each file once."""
    found: Counter[int] = Counter()
    for path, number in owners.items():
        found[number] += files.sizes.get(path, 0)
    for group in files.groups:
        if group[0] in owners:
            found[owners[group[0]]] -= sum(files.sizes.get(path, 0) for path in group[1:])
    return found


def _bins(
    distributions: Sequence[Distribution], numbers: Iterable[int], count: int
) -> list[list[int]]:
    """The distributions in bins by their names' hashes, empty bins left out."""
    bins: list[list[int]] = [[] for _ in range(count)]
    if count:
        for number in sorted(numbers, key=lambda number: _order(distributions[number])):
            digest = hashlib.sha256(distributions[number].key.encode()).digest()
            bins[int.from_bytes(digest, "big") % count].append(number)
    return [group for group in bins if group]


def _order(distribution: Distribution) -> tuple[str, str, str]:
    return distribution.key, distribution.place, distribution.version
