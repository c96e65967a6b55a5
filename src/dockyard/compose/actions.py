"""What is to be done to bring a project to where it should be: values that say what they do."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from dockyard.compose.desired.shared import WantedVolume
from dockyard.compose.progress import Step, container
from dockyard.networks.request import NetworkRequest

Condition = Literal[
    "service_started", "service_healthy", "service_completed_successfully", "running_or_healthy"
]
"""What is waited for; the last one is healthy where that is asked, else running."""

IN_USE: Final = "Resource is still in use"
"""How it is told that something stays."""


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """Something to do.

    ``subject`` and the words are those of its progress, as Docker Compose has them.
    """

    key: str
    """Tells it from the others of its plan."""
    after: tuple[str, ...] = ()
    """Keys of those that must be done before."""

    @property
    def subject(self) -> str:
        """What is worked on: ``Container demo-web-1``."""
        raise NotImplementedError

    @property
    def words(self) -> tuple[str, str]:
        """How it is told of while it goes on, and when it is done."""
        raise NotImplementedError

    def begun(self) -> Step:
        """Its progress when it begins."""
        return Step(self.subject, self.words[0])

    def ended(self) -> Step:
        """Its progress when it is done."""
        return Step(self.subject, self.words[1], "done")


class MakeNetwork(Action, frozen=True, kw_only=True):
    """Makes a network."""

    request: NetworkRequest

    @property
    def subject(self) -> str:
        return f"Network {self.request.name}"

    @property
    def words(self) -> tuple[str, str]:
        return "Creating", "Created"


class RemoveNetwork(Action, frozen=True, kw_only=True):
    """Removes a network; one that is in use stays, and that is told."""

    name: str
    must: bool = False
    """It fails where it is in use."""
    used: bool = False
    """A container has it that stays, though it may not run: so does the network."""

    @property
    def subject(self) -> str:
        return f"Network {self.name}"

    @property
    def words(self) -> tuple[str, str]:
        return "Removing", "Removed"

    def ended(self) -> Step:
        return Step(self.subject, IN_USE, "warning") if self.used else Action.ended(self)


class MakeVolume(Action, frozen=True, kw_only=True):
    """Makes a volume."""

    volume: WantedVolume

    @property
    def subject(self) -> str:
        return f"Volume {self.volume.name}"

    @property
    def words(self) -> tuple[str, str]:
        return "Creating", "Created"


class RemoveVolume(Action, frozen=True, kw_only=True):
    """Removes a volume; one that is in use stays, and that is told."""

    name: str

    @property
    def subject(self) -> str:
        return f"Volume {self.name}"

    @property
    def words(self) -> tuple[str, str]:
        return "Removing", "Removed"


class RemoveImage(Action, frozen=True, kw_only=True):
    """Removes an image; one that is in use stays, and that is told."""

    name: str

    @property
    def subject(self) -> str:
        return f"Image {self.name}"

    @property
    def words(self) -> tuple[str, str]:
        return "Removing", "Removed"


class ContainerAction(Action, frozen=True, kw_only=True):
    """Something to do with a container."""

    service: str
    name: str
    """What it is called, or will be."""
    id: str = ""
    """Of one that is there already."""

    @property
    def subject(self) -> str:
        return container(self.name)

    @property
    def target(self) -> str:
        """What the engine finds it by."""
        return self.id or self.name


class Create(ContainerAction, frozen=True, kw_only=True):
    """Makes a container."""

    number: int
    donors: dict[str, str] = {}
    """What the first containers of other services are called, where it isn't what is expected."""

    @property
    def words(self) -> tuple[str, str]:
        return "Creating", "Created"


class Recreate(ContainerAction, frozen=True, kw_only=True):
    """Makes a container that stands in for another one, which is stopped and removed."""

    number: int
    wanted: str
    """What the new one is called."""
    donors: dict[str, str] = {}
    """See :class:`Create`."""
    inherit: bool = True
    """It gets the other one's volumes that have no name."""
    timeout: float | None = None

    @property
    def words(self) -> tuple[str, str]:
        return "Recreate", "Recreated"


class Substitute(ContainerAction, frozen=True, kw_only=True):
    """Makes a container that is to stand in for another one (``id``), which runs on meanwhile."""

    number: int
    wanted: str
    """What it is called in the end."""
    inherit: bool = True
    donors: dict[str, str] = {}
    """See :class:`Create`."""

    @property
    def words(self) -> tuple[str, str]:
        return "Creating", "Created"


class Pause(Action, frozen=True, kw_only=True):
    """Lets some time pass."""

    service: str
    seconds: float

    @property
    def names(self) -> tuple[str, ...]:
        """Who waits, as :attr:`Await.names`."""
        return (self.service,)

    @property
    def subject(self) -> str:
        return f"Service {self.service}"

    @property
    def words(self) -> tuple[str, str]:
        return "Waiting", "Waited"

    def steps(self, *, done: bool) -> tuple[Step, ...]:
        """Its progress."""
        return (self.ended() if done else self.begun(),)


class Rename(ContainerAction, frozen=True, kw_only=True):
    """Gives a container the name that a killed command had yet to give it."""

    wanted: str

    @property
    def words(self) -> tuple[str, str]:
        return "Recreate", "Recreated"


class Start(ContainerAction, frozen=True, kw_only=True):
    """Starts a container, and runs what is to follow its start."""

    @property
    def words(self) -> tuple[str, str]:
        return "Starting", "Started"


class Restart(ContainerAction, frozen=True, kw_only=True):
    """Stops a container and starts it again."""

    timeout: float | None = None

    @property
    def words(self) -> tuple[str, str]:
        return "Restarting", "Started"


class Stop(ContainerAction, frozen=True, kw_only=True):
    """Runs what is to come before a container's stop, and stops it."""

    timeout: float | None = None
    hooks: bool = True

    @property
    def words(self) -> tuple[str, str]:
        return "Stopping", "Stopped"


class Remove(ContainerAction, frozen=True, kw_only=True):
    """Removes a container that was stopped."""

    volumes: bool = False
    """Its volumes without a name as well."""

    @property
    def words(self) -> tuple[str, str]:
        return "Removing", "Removed"


class Running(ContainerAction, frozen=True, kw_only=True):
    """Nothing to do: it runs."""

    @property
    def words(self) -> tuple[str, str]:
        return "Running", "Running"


class Await(Action, frozen=True, kw_only=True):
    """Waits until the containers of a service have come to a condition."""

    dependent: str
    """Who waits for it."""
    service: str
    condition: Condition
    targets: tuple[str, ...]
    """Names or ids of the containers."""
    names: tuple[str, ...]
    required: bool = True
    """Otherwise what waits goes on without it."""
    monitor: float = 0.0
    """Seconds that the containers must have run, at least."""

    @property
    def subject(self) -> str:
        return container(self.names[0]) if self.names else f"Service {self.service}"

    @property
    def words(self) -> tuple[str, str]:
        """The second one says what came of it."""
        done = "Exited" if self.condition == "service_completed_successfully" else "Healthy"
        return "Waiting", done

    def steps(self, *, done: bool) -> tuple[Step, ...]:
        """Its progress, for each container."""
        word = self.words[done]
        return tuple(Step(container(name), word, "done" if done else "working")
                     for name in self.names)  # fmt: skip


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Actions, stage by stage: all of one are done before the next one begins."""

    stages: tuple[tuple[Action, ...], ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def actions(self) -> tuple[Action, ...]:
        return tuple(action for stage in self.stages for action in stage)
