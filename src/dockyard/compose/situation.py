"""All that a plan is made from: what should be, and what there is. Values only."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from dockyard.compose.desired.service import Desired
from dockyard.compose.model.project import Project
from dockyard.compose.observe import Stack
from dockyard.networks.model import Network
from dockyard.volumes.model import Volume


class ImageFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What of an image matters to the containers made from it."""

    id: str
    volumes: tuple[str, ...] = ()
    """Targets that it declares."""


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """What should be, and what there is."""

    project: Project
    wanted: Mapping[str, Desired]
    """By service."""
    images: Mapping[str, ImageFacts]
    """By service; one that isn't there yet is missing."""
    stack: Stack
    networks: Mapping[str, Network] = {}
    """All of the engine's, by name, as ``volumes``."""
    volumes: Mapping[str, Volume] = {}
