"""Pulling the image of a service, and what to do where that fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.compose.model.project import Project
from dockyard.compose.model.service import Service
from dockyard.errors import DockyardError, NotFound
from dockyard.images import resolve

if TYPE_CHECKING:  # the engine is above us
    from dockyard.engine import Engine
    from dockyard.images.model import Image
    from dockyard.observability.transfers import Listener


def pull(
    engine: Engine, project: Project, service: Service, image: str,
    listener: Listener | None = None,
) -> Image:  # fmt: skip
    """Pulls an image, for the platform that the service or the environment names.

    Raises:
        DockyardError: it can't be had. It names image and service; the hint says what else would
            get the image, where something would.
    """
    platform = service.platform or project.environment.get("DOCKER_DEFAULT_PLATFORM")
    try:
        return engine.pull(image, platform=platform or None, listener=listener).image
    except DockyardError as error:
        error.message = f"{image}: {error.message}"
        error.context = "\n".join(filter(None, (f"services.{service.name}.image", error.context)))
        error.hint = _advice(engine, image, error.hint)
        raise


def _advice(engine: Engine, image: str, hint: str | None) -> str | None:
    try:
        here = engine.images.resolve(image)
    except NotFound:
        reference = resolve.pullable(image)
        return hint if reference is None else resolve.remedy(reference, hint)
    return f"{here.reference or image} is here and would do without pull_policy and --pull always"
