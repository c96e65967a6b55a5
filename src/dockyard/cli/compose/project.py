"""The project that the flags of ``compose`` mean: from its files, or by its name alone."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from dockyard.cli.compose.flags import Flags
from dockyard.cli.render import print_warning
from dockyard.compose import choice, observe, project_name, selection
from dockyard.compose.model.project import Project
from dockyard.compose.selection import Along
from dockyard.errors import DockyardError

if TYPE_CHECKING:  # reading files is for commands that need them
    from dockyard.compose.load.loader import Loaded
    from dockyard.compose.load.place import Places
    from dockyard.compose.load.request import Request
    from dockyard.compose.observe import Stack
    from dockyard.engine import Engine

_NAME = "COMPOSE_PROJECT_NAME"


def loaded(
    flags: Flags,
    services: Collection[str] = (),
    *,
    all_resources: bool = False,
    **switches: bool,
) -> Loaded:
    """What the files say that the flags name, or that are found; warnings of it are printed.

    Args:
        services: those that are meant, with what they need; all where none is named.
        all_resources: what no service uses is kept.
        switches: fields of :class:`dockyard.compose.load.request.Request`.

    Raises:
        NotFound: there is no file, or no such service.
        InvalidInput, NotSupported: a file makes no sense; the message says where.
    """
    from dockyard.compose.load import loader

    request = _request(flags, switches)
    found = loader.load(
        request, os.environ, services, all_resources=all_resources, extensions=EXTENSIONS
    )
    for sentence in found.warnings:
        print_warning(sentence)
    if not flags.compatible(found.project.environment):
        return found
    return replace(found, project=replace(found.project, separator="_"))


def _check_block(project: Project, places: Places) -> None:
    from dockyard.serving import block  # few files have one

    block.check(project, places)


EXTENSIONS = {"x-dockyard": _check_block}
"""What is checked of files beside Compose's own."""


def plain_tree(flags: Flags, **switches: bool) -> dict[str, Any]:
    """The merged tree with variables as they are written; see :func:`loaded`."""
    from dockyard.compose.load import finish, reading

    request = _request(flags, {**switches, "interpolate": False})
    merged = reading.read(request, os.environ)
    for sentence in merged.warnings:
        print_warning(sentence)
    return finish.normalised(merged, request)


def _request(flags: Flags, switches: Mapping[str, bool]) -> Request:
    from dockyard.compose.load.request import Request, caller_directory

    return Request(
        files=flags.files,
        stdin=sys.stdin.buffer.read() if "-" in flags.files else None,
        directory=caller_directory(os.environ),
        project_directory=flags.project_directory or "",
        name=flags.project_name or "",
        profiles=flags.profiles,
        env_files=flags.env_files,
        **switches,
    )


def load_project(flags: Flags, *, resolved: bool = False) -> Project:
    """The whole project of the files; see :func:`loaded` for what is raised.

    Args:
        resolved: services have the variables of their ``env_file``, which must be there then.
    """
    found = loaded(flags, all_resources=True, resolve_environment=resolved)
    return replace(found.project, env_files=flags.env_files)


def load(
    flags: Flags, services: Collection[str] = (), *, along: Along = "dependencies",
    resolved: bool = False,
) -> Project:  # fmt: skip
    """The project with the named services, and what comes along; all of them where none is named.

    Naming a service activates its profiles. Without ``--all-resources``, networks, volumes,
    secrets and configs that no service uses are left out.

    Raises:
        NotFound: there is no such service; and see :func:`load_project`, as for its argument.
    """
    return _part(load_project(flags, resolved=resolved), flags, services, along)


def _part(project: Project, flags: Flags, services: Collection[str], along: Along) -> Project:
    project = selection.selected(selection.enabled(project, services), services, along)
    return project if flags.all_resources else selection.needed(project)


def find(flags: Flags, services: Collection[str] = ()) -> tuple[Project | None, str]:
    """The project, if there are files, and its name, which ``--project-name`` gives without any.

    Raises:
        InvalidInput, NotFound: as :func:`load`; files that can't be read don't matter where a
            variable names the project; or no project can have that name.
    """
    if flags.project_name and not flags.files:
        return None, _checked(flags.project_name)
    try:
        project = load_project(flags)
    except DockyardError:
        name = os.environ.get(_NAME, "")
        if not name:
            raise
        return None, _checked(name)
    return _part(project, flags, services, "dependencies"), project.name


def name_of(flags: Flags) -> str:
    """The project's name; files are read only where neither flag nor variable says it."""
    given = flags.project_name or os.environ.get(_NAME, "")
    return _checked(given) if given else load_project(flags).name


def _checked(name: str) -> str:
    """A name that no file was read with; capitals mean small letters, as Docker has it."""
    return project_name.checked(name.lower())


def present(
    engine: Engine, flags: Flags, services: Collection[str]
) -> tuple[Project | None, Stack]:
    """The project, if there are files, and what there is of it; services that are named exist.

    Raises:
        NotFound: one is neither in the files nor has it a container.
    """
    project, name = find(flags)
    stack = observe.observed(engine, name)
    known = set(stack.services)
    if project is not None:
        known |= {*project.services, *project.disabled}
    for each in services:
        if each not in known:
            raise choice.no_such_service(each, known)
    return project, stack


def found(engine: Engine, flags: Flags, services: Collection[str] = ()) -> tuple[Project, Stack]:
    """The project, of its files or else of its containers' labels, and what there is of it.

    Raises:
        NotFound: there are neither files nor containers, or no such service.
    """
    project, name = find(flags, services)
    stack = observe.observed(engine, name)
    if project is None:
        project = selection.selected(selection.of_stack(stack), services, "nothing")
    return project, stack
