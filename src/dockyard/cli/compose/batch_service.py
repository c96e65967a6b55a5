"""A service of a Compose file as what a batch runs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec.structs import replace

from dockyard.batch.model import Http
from dockyard.cli.compose import board, build_view
from dockyard.cli.compose import project as projects
from dockyard.cli.compose.flags import Flags
from dockyard.cli.line import UsageProblem
from dockyard.cli.run_options import BATCH_FLAGS
from dockyard.compose import labels, oneoff
from dockyard.compose.model.project import Project
from dockyard.compose.oneoff import RunOptions
from dockyard.compose.options import CreateOptions
from dockyard.compose.running import OneOff
from dockyard.errors import DockyardError, NotFound
from dockyard.serving import block

if TYPE_CHECKING:
    from dockyard.containers.options import Options
    from dockyard.engine import Engine
    from dockyard.images.model import Image

_TAKEN = frozenset({"env", "pull"})
_BARE = frozenset(":/@")
"""What makes a word more than a bare name."""


class Chosen(NamedTuple):
    """What a batch runs."""

    image: Image
    image_name: str
    options: Options
    http: Http | None
    """Where the service answers, if its ``x-dockyard`` says so."""


def file_of(name: str) -> str:
    """The Compose file of the current directory, or above it, with a service of this name; empty
    where there is none: then the name is an image's.

    It depends on files alone, not on the images that are here: the same command means the same
    after a build or a pull, and goes on with its batch. A tag makes a name an image's.

    Raises:
        InvalidInput, NotSupported: the file makes no sense, so nobody can tell.
    """
    if not _BARE.isdisjoint(name):
        return ""
    from dockyard.compose.load import options, reading
    from dockyard.compose.load.request import Request, caller_directory

    request = Request(directory=caller_directory(os.environ), interpolate=False)
    try:
        files = options.found(request, os.environ, _silent).files
    except NotFound:
        return ""
    try:
        services = reading.read(request, os.environ).tree.get("services", {})
    except DockyardError as error:
        error.hint = f"mend it, or say {name}:latest if the image is meant"
        raise
    return files[0] if name in services else ""


def _silent(_: str) -> None:
    """What there is to warn about is said when the project is read."""


def prepare(engine: Engine, service: str, words: tuple[str, ...], values: dict[str, Any]) -> Chosen:
    """What a service's containers are made of; brings up what it needs.

    Raises:
        UsageProblem: something is asked of its containers that the file has to say.
        NotFound: there is no such file or service.
    """
    for each in BATCH_FLAGS:
        if values[each.key] != each.default and each.key not in _TAKEN:
            raise UsageProblem(
                f"{each.long_name} can't be given for a service",
                hint="the Compose file says it; an image is named with its tag, and without -f:"
                f" {service}:latest",
            )
    flags = Flags(files=values["files"], progress="quiet" if values["quiet"] else "auto")
    project = projects.load(flags, (service,), resolved=True)
    env = {name: value if equals else None
           for name, equals, value in (each.partition("=") for each in values["env"])}  # fmt: skip
    asked = RunOptions(
        command=words, env=oneoff.environment(project, env, ()), interactive=True,
    )  # fmt: skip
    with (
        build_view.shown(flags, quiet=values["quiet"]) as built,
        board.shown("Running", flags) as listener,
    ):
        create = CreateOptions(pull="" if values["pull"] == "missing" else values["pull"],
                               ignore_orphans=True)  # fmt: skip
        whole = OneOff(engine=engine, project=project, create=create, listener=listener,
                       built=built)  # fmt: skip
        prepared = whole.prepare(service, asked)
    assert prepared is not None, "it is no dry run"  # noqa: S101
    own = {key: value for key, value in prepared.options.labels.items() if key != labels.SLUG}
    return Chosen(
        prepared.image, prepared.image_name, replace(prepared.options, labels=own),
        None if words else _http(projects.load_project(flags), service),
    )  # fmt: skip


def _http(project: Project, service: str) -> Http | None:
    """Another command is no server; of the service's own one the block says how it is reached."""
    variants = (each for one in block.declared(project) for each in one.variants)
    found = next((each for each in variants if each.name == service), None)
    if found is None:
        return None
    usual = Http(port=found.port)
    return replace(
        usual, ready=found.ready.path or usual.ready, ready_seconds=found.ready.deadline,
        concurrency=found.concurrency or usual.concurrency,
    )  # fmt: skip
