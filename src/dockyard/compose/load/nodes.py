"""YAML text as nodes that know their place, with aliases already followed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from dockyard.compose.load.place import Place
from dockyard.errors import InvalidInput

MAX_DEPTH: Final = 150
"""How deep collections may be in each other."""


class Node(msgspec.Struct, frozen=True):
    """A part of a document.

    - ``tag``: what the file says of its kind, in full; None where it says nothing;
    - ``kind``: ``scalar`` with its ``text``, ``sequence`` with its ``items``, or ``mapping`` with
      its ``pairs``;
    - ``plain``: a scalar without quotes that is no block;
    - ``alias``: it stands here by ``*name``.
    """

    place: Place
    tag: str | None
    kind: str
    text: str = ""
    items: tuple[Node, ...] = ()
    pairs: tuple[tuple[Node, Node], ...] = ()
    plain: bool = False
    alias: bool = False


class _Open(msgspec.Struct):
    """A collection whose end isn't reached yet."""

    place: Place
    tag: str | None
    kind: str
    anchor: str | None
    content: list[Node]


def roots(content: bytes, file: str) -> list[Node]:
    """The root of each document of a file.

    Raises:
        InvalidInput: it isn't YAML, or an alias makes no sense.
    """
    import yaml  # only where a file is read; it costs more than most else here

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return list(_roots(yaml.parse(content, Loader=loader), file))
    except yaml.MarkedYAMLError as error:
        raise _unreadable(error, file) from error
    except yaml.YAMLError as error:
        raise _uncoded(error, content, file) from error


def _roots(events: Iterator[Any], file: str) -> Iterator[Node]:
    anchors: dict[str, Node | _Open] = {}
    stack: list[_Open] = []
    for event in events:
        name = type(event).__name__
        if name == "DocumentStartEvent":
            anchors.clear()
            continue
        place = Place(file, event.start_mark.line + 1, event.start_mark.column + 1)
        if name in ("MappingStartEvent", "SequenceStartEvent"):
            if len(stack) == MAX_DEPTH:
                raise InvalidInput(
                    f"{place}: more than {MAX_DEPTH} levels in each other",
                    hint="no Compose file needs so many",
                )
            kind = "mapping" if name.startswith("M") else "sequence"
            stack.append(_Open(place, _tag(event.tag), kind, event.anchor, []))
            if event.anchor is not None:
                anchors[event.anchor] = stack[-1]
            continue
        node = _node(event, name, place, stack, anchors)
        if node is None:
            continue
        if stack:
            stack[-1].content.append(node)
        else:
            yield node


def _node(
    event: Any,  # an event of an untyped library
    name: str,
    place: Place,
    stack: list[_Open],
    anchors: dict[str, Node | _Open],
) -> Node | None:
    if name == "AliasEvent":
        return _aliased(event.anchor, place, anchors)
    if name == "ScalarEvent":
        node = Node(place, _tag(event.tag), "scalar", text=event.value, plain=not event.style)
        if event.anchor is not None:
            anchors[event.anchor] = node
        return node
    if name not in ("MappingEndEvent", "SequenceEndEvent"):
        return None
    done = stack.pop()
    node = _collection(done)
    if done.anchor is not None and anchors[done.anchor] is done:
        anchors[done.anchor] = node
    return node


def _aliased(name: str, place: Place, anchors: dict[str, Node | _Open]) -> Node:
    node = anchors.get(name)
    if isinstance(node, _Open):
        raise InvalidInput(
            f"{place}: the value of anchor {name!r} contains itself",
            hint="an alias can't be within what it stands for",
        )
    if node is None:
        raise InvalidInput(
            f"{place}: unknown anchor {name!r}",
            hint=f"an anchor is set with &{name}, before it is used, in the same document",
        )
    return msgspec.structs.replace(node, alias=True)


def _collection(done: _Open) -> Node:
    if done.kind == "sequence":
        return Node(done.place, done.tag, done.kind, items=tuple(done.content))
    pairs = tuple(zip(done.content[::2], done.content[1::2], strict=True))
    return Node(done.place, done.tag, done.kind, pairs=pairs)


def _tag(tag: str | None) -> str | None:
    return None if tag == "!" else tag  # "not specific": the same as nothing


def _unreadable(error: Any, file: str) -> InvalidInput:  # of an untyped library
    mark = error.problem_mark or error.context_mark
    words = [word for word in (error.context, error.problem) if word]
    where = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark else file
    return InvalidInput(f"{where}: not YAML: {', '.join(words)}", hint=_advice(error.problem or ""))


def _advice(problem: str) -> str | None:
    if "cannot start any token" in problem:
        return "tabs can't indent, and text that begins with @ or ` must be in quotes"
    if "mapping values are not allowed" in problem:
        return "quote text that has a colon in it, and see that the lines above are indented right"
    return None


def _uncoded(error: Exception, content: bytes, file: str) -> InvalidInput:
    position = getattr(error, "position", 0) or 0
    before = content[:position]
    line = before.count(b"\n") + 1
    column = len(before) - before.rfind(b"\n")
    reason = getattr(error, "reason", None) or str(error)
    return InvalidInput(
        f"{file}:{line}:{column}: not YAML: {reason}", hint="save the file as UTF-8"
    )
