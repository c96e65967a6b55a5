"""A project from its files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec

from dockyard.compose.load.consistency import require_different_names
from dockyard.compose.load.finish import finished, narrowed, project
from dockyard.compose.load.place import Places
from dockyard.compose.load.profiles import Selection
from dockyard.compose.load.reading import read
from dockyard.compose.load.request import Request
from dockyard.compose.model.project import Project


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """A project, and what it was made from.

    - ``selection``: its tree, of which hashes are made and which ``config`` prints;
    - ``env_files``: the named files of variables that it was read with, absolute paths;
    - ``warnings``: words for the user, each once.
    """

    project: Project
    selection: Selection
    env_files: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


Check = Callable[[Project, Places], None]
"""Checks what a whole project says in an extension.

Raises:
    InvalidInput: it makes no sense; the places say where.
"""


def load(
    request: Request,
    environment: Mapping[str, str],
    services: Iterable[str] = (),
    *,
    all_resources: bool = False,
    extensions: Mapping[str, Check] | None = None,
) -> Loaded:
    """Reads the project that a request is about.

    Args:
        environment: the caller's variables.
        services: those that a command names; they and what they need are left, whatever their
            profiles. None names all.
        all_resources: networks, volumes, … that no service uses stay.
        extensions: by its name (``x-…``), what is asked where a service has it.

    Raises:
        NotFound: a file, or a named service, isn't there.
        InvalidInput: a file makes no sense; the message says where.
        NotSupported: a file is on another machine.
    """
    merged = read(request, environment)
    warnings = dict.fromkeys(merged.warnings)
    whole = finished(merged, request, warnings.setdefault)
    if request.consistency:
        for name, check in (extensions or {}).items():
            if any(name in service for service in whole.all_services.values()):
                check(project(whole, merged), merged.places)
    selection = narrowed(whole, services, all_resources=all_resources)
    if request.consistency:
        require_different_names(selection, merged.places)
    return Loaded(
        project=project(selection, merged),
        selection=selection,
        env_files=merged.env_files,
        warnings=tuple(warnings),
    )
