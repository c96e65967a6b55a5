"""What the sources of COPY and ADD mean in a tree."""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from dockyard.build import graph
from dockyard.build.context import Entry, Tree
from dockyard.build.selection import Selection
from dockyard.errors import BuildError

_WILD: Final = re.compile(r"[*?\[\\]")


class Chosen(msgspec.Struct, frozen=True):
    """One thing to copy, and what of it; ``contents`` is only what is in it (``--parents``)."""

    tree: Tree
    entry: Entry
    selection: Selection
    contents: bool = False
    unpack: bool = False


def choose(operation: graph.Copy, trees: Mapping[int, Tree]) -> list[Chosen]:
    """What the sources of an instruction mean, in order.

    Args:
        trees: where to look, by the number of the input, 0 for the context.

    Raises:
        BuildError: a source that must exist doesn't.
    """
    found: list[Chosen] = []
    for source in operation.sources:
        tree = trees[source.input]
        if operation.parents:
            found += _with_parents(tree, source.pattern, operation.exclude)
        else:
            selection = Selection(operation.exclude)
            found += (
                Chosen(tree, entry, selection, unpack=source.unpack)
                for entry in tree.match(source.pattern)
            )
    return found


def digest(found: Sequence[Chosen]) -> str:
    """A digest of all that is copied."""
    whole = hashlib.sha256()
    for each in found:
        whole.update(each.tree.digest(each.entry, each.selection).encode())
    return whole.hexdigest()


def _with_parents(tree: Tree, source: str, exclude: Sequence[str]) -> list[Chosen]:
    """``a/./b/c``: what ``b/c`` matches below ``a``, with its directories from ``b`` on."""
    pivot, found, pattern = source.partition("/./")
    if not found:
        pivot, pattern = "", source
    pattern = posixpath.normpath("/" + pattern).lstrip("/")
    selection = Selection(exclude, pattern or "**")
    chosen = [Chosen(tree, entry, selection, contents=True) for entry in tree.match(pivot)]
    if not _WILD.search(pattern):
        for each in chosen:
            _require(tree, each.entry, pattern)
    return chosen


def _require(tree: Tree, top: Entry, path: str) -> None:
    if path and tree.find(posixpath.join(top.path, path)) is None:
        raise BuildError(
            f'failed to calculate checksum: "/{path}": not found',
            hint="the path is relative to the context, or to what stands before /./",
            reference="source-not-found",
        )
