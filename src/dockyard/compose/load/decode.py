"""From what was written to the form that a normalised tree has."""

from __future__ import annotations

from typing import Any

from dockyard.compose.load.environment import with_contents
from dockyard.compose.load.forms.kinds import Form, Record, Rows, Scalar, Table, Unfit
from dockyard.compose.load.forms.project import PROJECT
from dockyard.compose.load.place import Path, Places
from dockyard.compose.load.printed import printed
from dockyard.compose.load.problem import problem


def decoded(tree: dict[str, Any], places: Places) -> dict[str, Any]:
    """A canonical tree with each value in its form, in the order in which it is printed.

    Durations are texts such as ``1m30s``, sizes texts of digits, lists of ``NAME=VALUE``
    mappings; what is empty isn't there. What begins with ``x-`` stays as it is, at the end.

    Raises:
        InvalidInput: a value can't be read as what it should be.
    """
    whole: dict[str, Any] = _Decoder(places).decode(PROJECT, with_contents(tree), ())
    return whole


def extensions(record: dict[str, Any]) -> dict[str, Any]:
    """What begins with ``x-``."""
    return {name: value for name, value in record.items() if name.startswith("x-")}


class _Decoder:
    def __init__(self, places: Places) -> None:
        self._places = places

    def decode(self, form: Form, value: Any, path: Path) -> Any:
        if isinstance(form, Record):
            return self._record(form, value, path)
        if isinstance(form, Table):
            return self._table(form, value, path)
        if isinstance(form, Rows):
            return self._rows(form, value, path)
        if isinstance(form, Scalar):
            return self._scalar(form, value, path)
        raise TypeError(f"no such form: {form}")

    def _scalar(self, form: Scalar, value: Any, path: Path) -> Any:
        try:
            return form.read(value)
        except Unfit as error:
            raise problem(self._places, path, error.message, error.hint) from None

    def _rows(self, form: Rows, value: Any, path: Path) -> list[Any]:
        items = [] if value is None else value
        if not isinstance(items, list):
            raise problem(self._places, path, f"must be a list, not {printed(value)}")
        return [self.decode(form.of, item, (*path, index)) for index, item in enumerate(items)]

    def _table(self, form: Table, value: Any, path: Path) -> dict[str, Any]:
        return {
            name: None
            if item is None and form.nullable
            else self.decode(form.of, item, (*path, name))
            for name, item in sorted(self._mapping(value, path).items())
        }

    def _record(self, form: Record, value: Any, path: Path) -> dict[str, Any]:
        given = self._mapping(value, path)
        found = {}
        for field in form.fields:
            if field.always or (field.kept and given.get(field.name) is not None):
                found[field.printed] = self._field(field.form, given, path, field.name)
            elif field.name in given and not field.kept:
                item = self._field(field.form, given, path, field.name)
                if not _is_empty(field.form, item):
                    found[field.printed] = item
        return found | dict(sorted(extensions(given).items()))

    def _field(self, form: Form, given: dict[str, Any], path: Path, name: str) -> Any:
        return self.decode(form, given.get(name), (*path, name))

    def _mapping(self, value: Any, path: Path) -> dict[str, Any]:
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise problem(self._places, path, f"must be a mapping, not {printed(value)}")
        return value


def _is_empty(form: Form, value: object) -> bool:
    if isinstance(form, Scalar):
        return bool(value == form.empty and type(value) is type(form.empty))
    return not value
