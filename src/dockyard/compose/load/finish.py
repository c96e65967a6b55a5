"""From the merged tree of a project's files to the project."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dockyard.compose.load.consistency import consistent
from dockyard.compose.load.decode import decoded
from dockyard.compose.load.dotenv import read_text
from dockyard.compose.load.environment import Outside, with_environments, with_labels
from dockyard.compose.load.normalize import normalize
from dockyard.compose.load.profiles import Selection, needed, only, select, with_named
from dockyard.compose.load.reading import Merged
from dockyard.compose.load.request import Request
from dockyard.compose.load.template import Warn
from dockyard.compose.model.project import Project, from_tree
from dockyard.errors import NotFound


def normalised(merged: Merged, request: Request) -> dict[str, Any]:
    """The tree in which nothing is implied, its values as they were written.

    Where variables aren't replaced, none gets a value.
    """
    tree = {**merged.tree, "name": merged.name}
    variables = merged.environment if request.interpolate else {}
    return normalize(tree, variables) if request.normalize else tree


def finished(merged: Merged, request: Request, warn: Warn) -> Selection:
    """The whole project, checked, with all variables and labels of its active services.

    Raises:
        InvalidInput: it isn't consistent, or a file of variables makes no sense.
        NotFound: a file of variables or labels isn't there.
    """
    tree = decoded(normalised(merged, request), merged.places)
    selection = select(tree, merged.profiles)
    if request.consistency:
        selection = consistent(selection, merged.places)
    outside = Outside(merged.environment, _read, warn, merged.places)
    if request.resolve_environment:
        selection = selection.with_services(with_environments(selection.services, outside))
    return selection.with_services(with_labels(selection.services, outside))


def narrowed(selection: Selection, names: Iterable[str], *, all_resources: bool) -> Selection:
    """What a command is about that names services: them and what they need.

    Args:
        all_resources: networks, volumes, … that no service uses stay.

    Raises:
        NotFound: there is no such service.
    """
    wanted = tuple(names)
    chosen = only(with_named(selection, wanted), wanted)
    return chosen if all_resources else needed(chosen)


def project(selection: Selection, merged: Merged) -> Project:
    """The selection as typed values."""
    others = {name: {**each, "name": name} for name, each in selection.disabled.items()}
    return from_tree(
        selection.tree,
        working_dir=merged.working_dir,
        files=merged.files,
        disabled=from_tree({"name": merged.name, "services": others}).services,
        environment=merged.environment,
        profiles=selection.profiles,
    )


def _read(path: str) -> str | None:
    try:
        return read_text(path)
    except NotFound:
        return None
