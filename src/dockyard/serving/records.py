"""What is written down of services: what was declared, what commands said, how variants stand."""

from __future__ import annotations

from typing import Literal

import msgspec

from dockyard.compose import labels
from dockyard.containers.options import Options
from dockyard.serving.decide.backoff import Failures
from dockyard.serving.decide.model import History
from dockyard.serving.decide.refusals import Refusals
from dockyard.serving.gateway.model import Key
from dockyard.serving.model import Scale, Service, Variant

TEMPLATE = "dev.dockyard.serving.template"
"""Label of a replica: the hash of what it was made from."""

Condition = Literal["idle", "starting", "serving", "failed", "suspended"]
"""``idle`` has no replica and needs none."""


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """What the replicas of a variant are made from."""

    options: Options
    """Of the first one; see :func:`numbered`."""
    image_id: str
    image_name: str
    hash: str
    """Replicas with another one are replaced."""
    base: str = ""
    """Hash of all that; the same as ``hash``, unless a command wanted new replicas of the same."""


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """A service as its file says, and what commands have said since."""

    service: Service
    templates: dict[str, Template]
    """By variant."""
    keys: tuple[Key, ...] = ()
    weights: dict[str, int] = {}
    """By variant, where ``traffic set`` or a rollout has spoken; else the file's."""
    scales: dict[str, Scale] = {}
    """By variant, where ``scale`` has spoken."""
    since: float = 0.0
    """When it was first declared, in seconds since 1970: of two that want one route, the earlier
    has it."""
    suspended: bool = False
    """``compose stop``: no replicas, and no requests that start one."""

    def variant(self, name: str) -> Variant:
        """A variant, with what ``scale`` has said of it."""
        own = next(one for one in self.service.variants if one.name == name)
        if name not in self.scales:
            return own
        return msgspec.structs.replace(own, scale=self.scales[name])


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How a variant stands. Times are seconds since 1970."""

    wanted: int = 0
    """Replicas."""
    why: str = ""
    condition: Condition = "idle"
    reason: str = ""
    """Why it failed, why it has fewer than wanted, or what went wrong lately: one line."""
    ever_ready: bool = False
    """It once had a ready replica, so that it may have traffic."""
    failures: Failures = Failures()
    last_words: str = ""
    """What the replica that failed last printed last: for operators, not for clients."""
    refusals: Refusals = Refusals()
    """Requests that found its queue full."""
    history: History = History()
    memory_peak: int = 0
    """Bytes that a replica of this template was seen to use, at most."""
    ready: int = 0
    """Replicas that were ready when this was written."""
    template: str = ""
    """Of what was declared then."""
    current: int = 0
    """Ready replicas of that template."""
    replicas: int = 0
    """All there were then."""


class Decided(msgspec.Struct, frozen=True):
    """A line of ``explain``."""

    at: float
    """Seconds since 1970."""
    project: str
    variant: str
    kind: str
    """``scale``, ``start``, ``ready``, ``drain``, ``fail``, ``traffic``, ``rollout``..."""
    text: str


def numbered(template: Template, project: str, variant: str, number: int) -> Options:
    """The options of one replica: with its name and labels. Pure."""
    own = {labels.NUMBER: str(number), TEMPLATE: template.hash}
    return msgspec.structs.replace(
        template.options,
        name=f"{project}-{variant}-{number}",
        labels=template.options.labels | own,
    )
