"""Files of the host that a block names: by their paths, or as secrets of the project. Pure."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Final

from dockyard.compose.load.problem import suggestion
from dockyard.compose.model.project import Project
from dockyard.serving.extension.reading import Values, Wrong

_SECRET: Final = "secret:"  # noqa: S105  # how a name begins, not a password
_NAMED: Final = (("auth", "keys"), ("route", "tls", "cert"), ("route", "tls", "key"))


def located(name: str, project: Project) -> str:
    """The absolute path of a file; the secret is there, and has one."""
    if name.startswith(_SECRET):
        name = project.secrets[name.removeprefix(_SECRET)].file
    return os.path.normpath(os.path.join(project.working_dir, name))


def wrongs(own: Values, project: Project) -> Iterator[Wrong]:
    """Secrets that a block names and that have no file; paths begin in the block."""
    for path in _NAMED:
        value: object = own
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
        if isinstance(value, str) and value.startswith(_SECRET):
            yield from _secret(value.removeprefix(_SECRET), path, project)


def _secret(name: str, path: tuple[str, ...], project: Project) -> Iterator[Wrong]:
    if name not in project.secrets:
        declare = "declare it at the top level: secrets: {NAME: {file: PATH}}"
        hint = suggestion(name, project.secrets) or declare
        yield path, f"there is no secret {name!r}", hint
    elif not project.secrets[name].file:
        hint = "give the secret file: PATH, or name the file here"
        yield path, f"secret {name!r} is in no file", hint
