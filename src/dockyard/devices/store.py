"""Reads the specification directories: ``*.json`` and ``*.yaml`` directly in them."""

from __future__ import annotations

import os
from collections.abc import Sequence

import msgspec

from dockyard.devices.model import Spec
from dockyard.devices.registry import Loaded, Problem, Registry, combine
from dockyard.devices.rules import BadSpec, parse

_SUFFIXES = (".json", ".yaml")


def read(directories: Sequence[str]) -> Registry:
    """The devices that these directories describe; a later directory takes precedence.

    A file that can't be read, or is no valid specification, is a problem of the registry's and
    doesn't keep others from being used.
    """
    loaded, problems = [], []
    for priority, directory in enumerate(directories):
        for path in _files(directory):
            try:
                loaded.append(Loaded(path, priority, load(path)))
            except BadSpec as error:
                problems.append(Problem(path, str(error)))
            except OSError as error:
                problems.append(Problem(path, error.strerror or str(error)))
    return combine(loaded, problems)


def load(path: str) -> Spec:
    """One specification.

    Raises:
        BadSpec: the file holds none that is valid.
        OSError: it can't be read.
    """
    with open(path, "rb") as stream:
        content = stream.read()
    if path.endswith(".json"):
        try:
            return parse(msgspec.json.decode(content))
        except msgspec.DecodeError as error:
            raise BadSpec(str(error)) from error
    return parse(_yaml(content))


def _yaml(content: bytes) -> object:
    import yaml  # only where such a file is; it costs more than all else here

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return yaml.load(content, Loader=loader)  # noqa: S506  # a safe loader, in C or not
    except yaml.YAMLError as error:
        raise BadSpec(f"not YAML: {' '.join(str(error).split())}") from error


def _files(directory: str) -> list[str]:
    try:
        names = sorted(os.listdir(directory))
    except OSError:
        return []
    paths = [f"{directory}/{name}" for name in names if name.endswith(_SUFFIXES)]
    return [path for path in paths if os.path.isfile(path)]
