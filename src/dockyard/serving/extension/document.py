"""The JSON schema of the block, by which editors complete it. Pure."""

from __future__ import annotations

import json
from typing import Any, Final

from dockyard.compose.load.schema.kinds import Kind, Mapped, Number, Text, Truth
from dockyard.serving.extension.kinds import Group, Property
from dockyard.serving.extension.properties import BLOCK

Document = dict[str, Any]

_VARIABLE: Final = r"\$"
"""A text with variables: what they stand for is known when the file is read."""


def schema() -> Document:
    """Of a Compose file of which only the blocks are described; all else may be anything."""
    block = _mapping(BLOCK) | {"description": "How Dockyard serves this service."}
    service = {"type": ["object", "null"], "properties": {"x-dockyard": block}}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "x-dockyard",
        "description": "Services of Compose files that Dockyard routes, scales and splits.",
        "type": "object",
        "properties": {"services": {"type": "object", "additionalProperties": service}},
    }


def text() -> str:
    """The schema as a file has it."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _property(one: Property) -> Document:
    found = _mapping(one.of) if isinstance(one.of, Group) else _value(one.of, digits=one.digits)
    found.update(one.more)
    found["description"] = one.about
    if one.default is not None:
        found["default"] = one.default
    return found


def _mapping(group: Group) -> Document:
    found: Document = {
        "type": "object",
        "properties": {name: _property(one) for name, one in group.properties.items()},
        "additionalProperties": False,
    }
    if group.required:
        found["required"] = list(group.required)
    found.update(group.more)
    return found


def _value(kind: Kind, *, digits: bool = False) -> Document:
    if isinstance(kind, Number):
        return _number(kind)
    if isinstance(kind, Truth):
        return {"type": ["boolean", "string"], "pattern": f"^(?:true|false)$|{_VARIABLE}"}
    if isinstance(kind, Mapped):
        names = {f"^(?:{kind.names.pattern})$": _value(kind.of)}
        return {"type": "object", "patternProperties": names, "additionalProperties": False}
    if isinstance(kind, Text):
        return _text(kind, digits=digits)
    raise TypeError(f"no such kind: {kind}")


def _number(kind: Number) -> Document:
    digits = "^[0-9]+$" if kind.whole else r"^[0-9]+(?:\.[0-9]*)?$"
    found: Document = {
        "type": ["integer" if kind.whole else "number", "string"],
        "pattern": f"{digits}|{_VARIABLE}",
    }
    if kind.least is not None:
        found["minimum"] = kind.least
    if kind.most is not None:
        found["maximum"] = kind.most
    return found


def _text(kind: Text, *, digits: bool) -> Document:
    if kind.choices:
        return {"anyOf": [{"enum": list(kind.choices)}, {"type": "string", "pattern": _VARIABLE}]}
    if kind.pattern is None:
        return {"type": "string"}
    found: Document = {
        "type": ["string", "integer"] if digits else "string",
        "pattern": f"{kind.pattern.pattern}|{_VARIABLE}",
    }
    return found | {"minimum": 0} if digits else found
