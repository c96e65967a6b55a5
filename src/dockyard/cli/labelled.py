"""Rows of lists whose objects have labels. Pure."""

from __future__ import annotations

from collections.abc import Mapping


class LabelledRow(dict[str, str]):
    """An object's fields, its ``Labels``, and Docker's method ``{{.Label "KEY"}}``."""

    def __init__(self, fields: Mapping[str, str], labels: Mapping[str, str]) -> None:
        super().__init__(fields)
        self["Labels"] = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
        self.methods = {"Label": lambda key="": labels.get(key, "")}
