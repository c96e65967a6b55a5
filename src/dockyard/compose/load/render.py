"""A project as ``config`` prints it."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from dockyard.compose.load.decode import extensions
from dockyard.compose.load.forms.kinds import Field, Form, Record, Rows, Table
from dockyard.compose.load.forms.project import PROJECT
from dockyard.compose.load.forms.service import SERVICE
from dockyard.compose.load.forms.several import ENV_FILE, ULIMIT
from dockyard.compose.load.printed import general, moment, plain
from dockyard.compose.load.yaml_text import by_name, sorted_names, yaml_text
from dockyard.errors import InvalidInput

Tree = dict[str, Any]

_ESCAPED: Final = {
    "<": "\\u003c",
    ">": "\\u003e",
    "&": "\\u0026",
    "\u2028": "\\u2028",
    "\u2029": "\\u2029",
}
_ORDERED: Final = (ENV_FILE, ULIMIT)
_READ: Final = ("env_file", "label_file")
_NOT_HASHED: Final = ("build", "pull_policy", "scale", "depends_on", "profiles")


def as_json(tree: Tree) -> str:
    """A normalised tree as Docker Compose prints it; a ``$`` is doubled, as in files.

    Models aren't printed, nor is what begins with ``x-`` but at the top level.
    """
    fields = {field.name: field.form for field in PROJECT.fields if field.name != "models"}
    tree = _public(tree)
    whole = {name: _shaped(fields[name], value) for name, value in tree.items() if name in fields}
    found = {**whole, **{name: _extension(each) for name, each in extensions(tree).items()}}
    return doubled(written(dict(sorted(found.items())), indent="  "))


def as_yaml(tree: Tree) -> str:
    """A normalised tree as Docker Compose prints it by default, with what begins with ``x-``."""
    return doubled(yaml_text(_spelled(PROJECT, _public(tree))))


def raw(tree: Tree, *, as_json: bool) -> str:
    """A tree whose variables aren't replaced, its mappings sorted; a ``$`` stays as it is."""
    if not as_json:
        return yaml_text(sorted_names(tree))
    return written(sorted_keys(tree), indent="  ")


def service_hash(service: Tree) -> str:
    """What changes when a container of the service must be made again: Docker Compose's hash."""
    own = {key: value for key, value in service.items() if key not in _NOT_HASHED}
    deploy = own.get("deploy")
    if deploy is not None:
        own["deploy"] = {key: value for key, value in deploy.items() if key != "replicas"}
    return hashlib.sha256(written(_shaped(SERVICE, own)).encode()).hexdigest()


def doubled(text: str) -> str:
    """A text in which each ``$`` stands for itself when it is read again."""
    return text.replace("$", "$$")


def _public(tree: Tree) -> Tree:
    """Without the values of secrets and of what comes from variables, and without the names of
    files whose variables and labels are there themselves.
    """
    found = dict(tree)
    for kind in ("secrets", "configs"):
        if kind in tree:
            found[kind] = {
                name: _without_content(each, secret=kind == "secrets")
                for name, each in tree[kind].items()
            }
    found["services"] = {
        name: {key: value for key, value in service.items() if key not in _READ}
        for name, service in tree["services"].items()
    }
    return found


def _without_content(element: Tree, *, secret: bool) -> Tree:
    hidden = secret or "environment" in element
    return {key: value for key, value in element.items() if key != "content" or not hidden}


def _shaped(form: Form, value: Any) -> Any:
    """A value with its keys in the order in which they are printed."""
    if value is None:
        return None
    if form == ENV_FILE and isinstance(value, dict) and value["required"]:
        return value["path"]
    if isinstance(form, Record):
        return {
            field.printed: _shaped(field.form, value[field.printed])
            for field in form.fields
            if field.printed in value
        }
    if isinstance(form, Table):
        return {name: _shaped(form.of, item) for name, item in sorted(value.items())}
    if isinstance(form, Rows):
        return [_shaped(form.of, item) for item in value]
    return (
        dict(sorted(value.items())) if isinstance(value, dict) and form not in _ORDERED else value
    )


def sorted_keys(value: Any) -> Any:
    """A value whose mappings are in the order of their keys."""
    if isinstance(value, dict):
        return {key: sorted_keys(item) for key, item in sorted(value.items())}
    return [sorted_keys(item) for item in value] if isinstance(value, list) else value


def _extension(value: Any) -> Any:
    """What begins with ``x-``, in which an empty list is nothing to Docker Compose."""
    if isinstance(value, dict):
        return {key: _extension(item) for key, item in sorted(value.items())}
    return ([_extension(item) for item in value] or None) if isinstance(value, list) else value


def _spelled(form: Form, value: Any) -> Any:
    """A value with its keys in the order of YAML, without what is there only in JSON."""
    if value is None:
        return None
    if isinstance(form, Record):
        found = {}
        for field in form.fields:
            item = _spelled(field.form, value.get(field.printed))
            if field.printed in value and (item not in ({}, None) or not _only_json(field)):
                found[field.name] = item
        return found | by_name({key: sorted_names(x) for key, x in extensions(value).items()})
    if isinstance(form, Table):
        return by_name({name: _spelled(form.of, item) for name, item in value.items()})
    if isinstance(form, Rows):
        return [_spelled(form.of, item) for item in value]
    if form == ULIMIT and isinstance(value, dict):
        return {"soft": 0, "hard": 0, **value}
    return by_name(value) if isinstance(value, dict) and form != ENV_FILE else value


def _only_json(field: Field) -> bool:
    return field.always and field.name != "services"


def written(value: Any, indent: str = "") -> str:
    """A value as Go writes JSON; on one line where there is no ``indent``."""
    return "".join(_pieces(value, indent, ""))


def _pieces(value: Any, indent: str, margin: str) -> Iterator[str]:
    if isinstance(value, dict):
        items = [(f"{_text(key)}:{' ' if indent else ''}", item) for key, item in value.items()]
        yield from _enclosed("{}", items, indent, margin)
    elif isinstance(value, list):
        yield from _enclosed("[]", [("", item) for item in value], indent, margin)
    elif isinstance(value, str):
        yield _text(value)
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise InvalidInput(
                f"JSON has no number such as {general(value)}", hint="print the project as YAML"
            )
        yield plain(value)
    elif isinstance(value, datetime):
        yield _text(moment(value))
    else:
        yield json.dumps(value)


def _enclosed(ends: str, items: list[tuple[str, Any]], indent: str, margin: str) -> Iterator[str]:
    yield ends[0]
    for index, (name, item) in enumerate(items):
        yield "," if index else ""
        yield f"\n{margin}{indent}" if indent else ""
        yield name
        yield from _pieces(item, indent, margin + indent)
    yield f"\n{margin}" if indent and items else ""
    yield ends[1]


def _text(text: str) -> str:
    whole = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    quoted = json.dumps(whole, ensure_ascii=False)
    for character, escaped in _ESCAPED.items():
        quoted = quoted.replace(character, escaped)
    return quoted
