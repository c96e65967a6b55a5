"""Does one action with the engine."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

import msgspec

from dockyard.compose import actions, hooks, observe, rolling
from dockyard.compose.actions import Action, ContainerAction
from dockyard.compose.desired import mounts
from dockyard.compose.desired.service import Desired, numbered
from dockyard.compose.model.project import Project
from dockyard.compose.progress import Listener, Step
from dockyard.containers.options import Mount, Options
from dockyard.errors import Conflict, DockyardError, NotFound
from dockyard.images.model import Image

if TYPE_CHECKING:  # the engine is above us
    from dockyard.engine import Engine

_GONE: Final = "No resource found to remove"


class Performer:
    """Does actions, in several threads, and tells of them.

    Args:
        wanted: what the containers of each service are made of; none where nothing is made.
        images: the image of each service.
        printed: gets what hooks print.
    """

    def __init__(
        self, engine: Engine, project: Project, listener: Listener, *,
        wanted: Mapping[str, Desired] | None = None, images: Mapping[str, Image] | None = None,
        printed: hooks.Printed | None = None,
    ) -> None:  # fmt: skip
        self._engine = engine
        self._project = project
        self._listener = listener
        self._wanted = wanted or {}
        self._images = images or {}
        self._printed = printed

    def perform(self, action: Action) -> None:
        """Does one.

        Raises:
            DockyardError: it failed, which was told.
        """
        if isinstance(action, actions.Running):
            self._listener(action.ended())
            return
        self._listener(action.begun())
        try:
            end = self._do(action)
        except DockyardError:
            self._listener(Step(action.subject, "Error", "error"))
            raise
        self._listener(end or action.ended())

    def _do(self, action: Action) -> Step | None:
        """How it ended, where that isn't as usual."""
        match action:
            case actions.MakeNetwork():
                self._engine.parts.catalog.create(action.request)
            case actions.MakeVolume():
                self._engine.volumes.create(
                    action.volume.name, labels=action.volume.labels, options=action.volume.options
                )
            case actions.RemoveNetwork(used=True):
                pass
            case actions.RemoveNetwork():
                return self._remove(action, self._engine.networks.remove, action.name,
                                    must=action.must)  # fmt: skip
            case actions.RemoveVolume():
                return self._remove(action, self._engine.volumes.remove, action.name)
            case actions.RemoveImage():
                return self._remove(action, self._engine.images.remove, action.name)
            case ContainerAction():
                self._with_container(action)
        return None

    def _remove(
        self, action: Action, remove: Callable[[str], object], name: str, *, must: bool = False
    ) -> Step | None:
        try:
            remove(name)
        except Conflict:
            if must:
                raise
            return Step(action.subject, actions.IN_USE, "warning")
        except NotFound:
            return Step(action.subject, _GONE, "warning")
        return None

    def _with_container(self, action: ContainerAction) -> None:
        containers = self._engine.containers
        match action:
            case actions.Create():
                self._create(action.service, action.number, action.donors)
            case actions.Recreate():
                self._recreate(action)
            case actions.Substitute():
                before = containers.get(action.id)
                self._create(
                    action.service, action.number, action.donors, name=action.name,
                    replaces=action.wanted, before=before.mounts if action.inherit else None,
                )  # fmt: skip
            case actions.Rename():
                containers.rename(action.target, action.wanted)
            case actions.Start():
                containers.start(action.target)
                self._run_hooks(action, "post_start")
            case actions.Restart():
                self._stop_hooks(action)
                containers.restart(action.target, action.timeout)
                self._run_hooks(action, "post_start")
            case actions.Stop():
                self._ignoring_gone(functools.partial(self._stop, action))
            case actions.Remove():
                self._ignoring_gone(
                    lambda: containers.remove(action.target, force=True, volumes=action.volumes)
                )

    def _stop(self, action: actions.Stop) -> None:
        if action.hooks:
            self._stop_hooks(action)
        self._engine.containers.stop(action.target, action.timeout)

    def _ignoring_gone(self, act: Callable[[], object]) -> None:
        """Somebody else may remove a container meanwhile: then there is nothing to do."""
        try:
            act()
        except NotFound:
            return

    def _create(
        self, service: str, number: int, donors: Mapping[str, str], *, name: str = "",
        replaces: str = "", before: tuple[Mount, ...] | None = None,
    ) -> str:  # fmt: skip
        wanted, image = self._wanted[service], self._images[service]
        options = numbered(
            self._project, wanted, number, image.id, replaces=replaces, donors=donors
        )
        if name:
            options = msgspec.structs.replace(options, name=name)
        if before is not None:
            options = self._inheriting(options, image, before)
        return self._engine.containers.create(image, wanted.image, options).id

    def _inheriting(self, options: Options, image: Image, before: tuple[Mount, ...]) -> Options:
        """The options with the volumes of the container before; what donors give is theirs."""
        donors = [self._engine.containers.get(entry.partition(":")[0])
                  for entry in options.volumes_from]  # fmt: skip
        given = {
            mount.target for donor in donors for mount in donor.mounts if mount.kind != "tmpfs"
        }
        declared = tuple(path for path in image.config.config.volumes if path not in given)
        return msgspec.structs.replace(
            options, mounts=mounts.inherited(options.mounts, declared, before)
        )

    def _recreate(self, action: actions.Recreate) -> None:
        """The new one first: if it can't be made, the other one stays as it is.

        A kill in between leaves both, or the new one under another name than its own, which the
        next command undoes or finishes.
        """
        containers = self._engine.containers
        before = containers.get(action.id)
        self._create(
            action.service, action.number, action.donors,
            name=rolling.temporary_name(before.id, action.wanted), replaces=action.wanted,
            before=before.mounts if action.inherit else None,
        )  # fmt: skip
        containers.stop(action.id, action.timeout)
        containers.remove(action.id, force=True)
        containers.rename(rolling.temporary_name(before.id, action.wanted), action.wanted)

    def _stop_hooks(self, action: ContainerAction) -> None:
        found = self._engine.containers.get(action.target)
        if found.running and not found.paused:
            self._run_hooks(action, "pre_stop")

    def _run_hooks(self, action: ContainerAction, kind: str) -> None:
        service = self._project.services.get(action.service)
        found = () if service is None else getattr(service, kind)
        if found:
            container = observe.refreshed(self._engine, action.target)
            hooks.run(self._engine, container, found, self._printed)
