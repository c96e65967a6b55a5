"""The models of a service: mounted, and named by variables. Pure.

Docker has a program that serves models, and gives services its address. Here the files of a model
are mounted, read-only, at ``/models/`` and the model's name in the project.
"""

from __future__ import annotations

from typing import Final

import msgspec

from dockyard.compose.model.parts import ServiceModel
from dockyard.compose.model.project import Project
from dockyard.compose.model.service import Service
from dockyard.containers.options import Mount
from dockyard.errors import InvalidInput

DIRECTORY: Final = "/models/"


class Models(msgspec.Struct, frozen=True):
    """What a service's models add to its containers."""

    mounts: tuple[Mount, ...] = ()
    env: dict[str, str] = {}


def models(project: Project, service: Service) -> Models:
    """Mounts and variables of a service's models.

    ``NAME_MODEL``, or what ``model_var`` says, is the model's reference, as in Docker;
    ``NAME_PATH`` is the directory with its files.

    Raises:
        InvalidInput: the project has no such model.
    """
    mounts: list[Mount] = []
    env: dict[str, str] = {}
    for key, asked in sorted(service.models.items()):
        model = project.models.get(key)
        if model is None:
            raise InvalidInput(
                f'service "{service.name}" refers to undefined model {key}',
                hint="describe it under models",
            )
        target = DIRECTORY + key
        mounts.append(Mount(kind="model", source=model.model, target=target, read_only=True))
        prefix = key.upper().replace("-", "_")
        variable = (asked or ServiceModel()).model_var or f"{prefix}_MODEL"
        env |= {variable: model.model, f"{prefix}_PATH": target}
    return Models(tuple(mounts), env)


def references(project: Project) -> tuple[str, ...]:
    """The references of the models that services use."""
    used = {key for service in project.services.values() for key in service.models}
    return tuple(dict.fromkeys(
        project.models[key].model for key in sorted(used) if key in project.models
    ))  # fmt: skip
