"""A file's documents as plain trees, and where each value of them stands."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from dockyard.compose.load.nodes import Node, roots
from dockyard.compose.load.place import Path, Place, Places, dotted
from dockyard.compose.load.scalars import Unreadable, value_of
from dockyard.errors import InvalidInput

MAX_VALUES: Final = 300_000
MAX_CHARACTERS: Final = 64 << 20
"""How many values a document may have when its aliases are followed."""

_MERGE: Final = "<<"
_RESET: Final = "!reset"
_OVERRIDE: Final = "!override"
_REMOVED: Final = object()


class Document(msgspec.Struct, frozen=True):
    """A document of a file.

    ``resets`` are the paths that have the tags ``!reset`` and ``!override``: what earlier files
    say there is dropped before this document is laid over them.
    """

    tree: dict[str, Any]
    places: Places
    resets: tuple[Path, ...] = ()


def documents(content: bytes, file: str) -> list[Document]:
    """All documents of a file; none where it is empty.

    Raises:
        InvalidInput: it isn't YAML, a key isn't text or stands twice, or a root is no mapping.
    """
    return [_document(root) for root in roots(content, file)]


def _document(root: Node) -> Document:
    builder = _Builder()
    tree = builder.built(root, (), tagged=True)
    if not isinstance(tree, dict):
        raise InvalidInput(
            f"{root.place}: the top level must be a mapping",
            hint="a Compose file begins with a line such as: services:",
        )
    return Document(tree, Places(builder.known), tuple(builder.resets))


class _Builder:
    """Makes the tree of one document, and notes what there is to know of its paths."""

    def __init__(self) -> None:
        self.known: dict[Path, Place] = {}
        self.resets: list[Path] = []
        self.values = 0
        self.characters = 0

    def built(self, node: Node, path: Path, *, tagged: bool, again: bool = False) -> object:
        """The value of a node.

        Args:
            tagged: ``!reset`` and ``!override`` mean something: not so in what is overridden.
            again: it is below an alias, so what it resets was noted where the anchor is.
        """
        self._count(node)
        if tagged and node.tag == _RESET:
            if not again or node.alias:
                self.resets.append(path)
            return _REMOVED
        if tagged and node.tag == _OVERRIDE:
            self.resets.append(path)
            tagged = False
        self.known.setdefault(path, node.place)
        again = again or node.alias
        if node.kind == "mapping":
            return self._mapping(node, path, tagged=tagged, again=again)
        if node.kind == "sequence":
            return self._sequence(node, path, tagged=tagged, again=again)
        return _scalar(node)

    def _count(self, node: Node) -> None:
        self.values += 1
        if self.values > MAX_VALUES:
            raise InvalidInput(
                f"{node.place}: more than {MAX_VALUES} values, counting what aliases stand for",
                hint="so large a file is refused; take it apart",
            )
        self.characters += len(node.text) + sum(len(key.text) for key, _ in node.pairs)
        if self.characters > MAX_CHARACTERS:
            raise InvalidInput(
                f"{node.place}: more than {MAX_CHARACTERS >> 20} Mi characters, counting what"
                " aliases stand for",
                hint="so large a file is refused; put long texts into files of their own",
            )

    def _sequence(self, node: Node, path: Path, *, tagged: bool, again: bool) -> list[object]:
        values: list[object] = []
        for item in node.items:
            at = (*path, len(values))
            value = self.built(item, at, tagged=tagged, again=again)
            if value is not _REMOVED:
                values.append(value)
        return values

    def _mapping(self, node: Node, path: Path, *, tagged: bool, again: bool) -> dict[str, object]:
        tree: dict[str, object] = {}
        merges = []
        seen: dict[str, Place] = {}
        for key, item in node.pairs:
            if _merges(key):
                merges.append(item)
            name = _key(key, path)
            if name in seen:
                raise _twice(key, path, seen[name])
            seen[name] = key.place
            if _merges(key):
                continue
            at = (*path, name)
            self.known.setdefault(at, key.place)
            value = self.built(item, at, tagged=tagged, again=again)
            if value is not _REMOVED:
                tree[name] = value
        for item in merges:
            self._merge(item, tree, path, tagged=tagged, again=again)
        return tree

    def _merge(
        self, item: Node, tree: dict[str, object], path: Path, *, tagged: bool, again: bool
    ) -> None:
        if tagged and item.tag == _RESET:
            return
        several = item.kind == "sequence"
        noted = len(self.resets)
        for each in item.items if several else (item,):
            if each.kind != "mapping":
                raise InvalidInput(
                    f"{item.place}: {_MERGE} takes a mapping, or several in a list",
                    hint="name an anchor of a mapping, as in <<: *common",
                )
            self._count(each)
            merged = self._mapping(each, path, tagged=tagged, again=again or each.alias)
            for name, value in merged.items():
                tree.setdefault(name, value)
        if several:  # Docker Compose takes their paths for those of a list's elements
            del self.resets[noted:]


def _merges(key: Node) -> bool:
    return key.kind == "scalar" and key.text == _MERGE and key.plain and key.tag is None


def _key(key: Node, path: Path) -> str:
    name = key.text if _merges(key) else _scalar(key) if key.kind == "scalar" else None
    if isinstance(name, str):
        return name
    where = f"{key.place}: {dotted(path)}: " if path else f"{key.place}: "
    shown = key.text if key.kind == "scalar" else f"that is a {key.kind}"
    raise InvalidInput(f"{where}the key {shown} is not text", hint="put it in quotes")


def _twice(key: Node, path: Path, first: Place) -> InvalidInput:
    where = f"{key.place}: {dotted(path)}: " if path else f"{key.place}: "
    return InvalidInput(
        f"{where}the key {key.text!r} is already in line {first.line}", hint="leave one of them out"
    )


def _scalar(node: Node) -> object:
    try:
        return value_of(node.text, node.tag, plain=node.plain)
    except Unreadable as error:
        raise InvalidInput(f"{node.place}: {error}", hint="leave out the tag") from error
