"""What ``up`` and its likes can be asked for. Values only."""

from __future__ import annotations

from typing import Literal

import msgspec

Policy = Literal["diverged", "force", "never"]
"""When a container is made anew: where it differs, always, or never."""


class CreateOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How containers come into being."""

    services: tuple[str, ...] = ()
    """Those that were named; all where none was. What they need is no part of it."""
    recreate: Policy = "diverged"
    recreate_dependencies: Policy = "diverged"
    inherit: bool = True
    """New containers get the volumes without a name of those that they stand in for."""
    remove_orphans: bool = False
    ignore_orphans: bool = False
    timeout: float | None = None
    """Seconds that a container has to stop; its own where ``None``."""
    build: Literal["missing", "always", "never"] = "missing"
    pull: str = ""
    """Instead of the services' own policies: ``always``, ``missing``, ``never``, ``build``."""
    quiet_pull: bool = False
    yes: bool = False
    """Volumes whose description has changed are made anew, and lose what is in them."""
    keep_shared: bool = False
    """Networks and volumes whose description has changed stay as they are, with a warning."""
    dry_run: bool = False
    parallel: int = 0
    """How many things are done at once; 0 for as many as do good."""


class StartOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How containers are started."""

    wait: bool = False
    """Until they are running, or healthy where that is asked."""
    wait_timeout: float | None = None
    """Seconds."""


class DownOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What goes."""

    services: tuple[str, ...] = ()
    volumes: bool = False
    images: Literal["", "local", "all"] = ""
    remove_orphans: bool = False
    timeout: float | None = None
    dry_run: bool = False
    parallel: int = 0
