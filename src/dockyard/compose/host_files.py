"""Files of this host that containers are to have: looked for before anything is done."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

from dockyard.compose.model.parts import BindOptions
from dockyard.compose.model.project import Project
from dockyard.compose.model.service import Service
from dockyard.errors import NotFound


class Needed(NamedTuple):
    """A path of this host, and which value of the project says it."""

    where: str
    path: str
    hint: str
    what: str = ""


def needed(project: Project) -> Iterator[Needed]:
    """What the services mount and nobody makes: files of secrets and configs, some binds. Pure.

    Those that no service has are left out.
    """
    for kind in ("secrets", "configs"):
        known = getattr(project, kind)
        used = dict.fromkeys(
            each.source for one in project.services.values() for each in getattr(one, kind)
        )
        for name in used:
            if name in known and known[name].file:
                yield Needed(
                    f"{kind}.{name}.file", known[name].file,
                    "write the file first, or give environment or content instead",
                )  # fmt: skip
    for service in project.services.values():
        yield from _binds(service)


def _binds(service: Service) -> Iterator[Needed]:
    for index, volume in enumerate(service.volumes):
        if volume.type == "bind" and not (volume.bind or BindOptions()).create_host_path:
            yield Needed(
                f"services.{service.name}.volumes[{index}].source", volume.source,
                "make it first, or let bind.create_host_path: true make a directory",
                "bind source path ",
            )  # fmt: skip


def require(project: Project) -> None:
    """Refuses what isn't there.

    Raises:
        NotFound: the message begins with the value's path, such as ``secrets.token.file``.
    """
    for each in needed(project):
        if not os.path.exists(each.path):
            raise NotFound(
                f"{each.where}: {each.what}does not exist: {each.path}", hint=each.hint,
                reference="no-such-host-path",
            )  # fmt: skip
