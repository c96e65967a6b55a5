"""What to build, as a value; and how a program asks for it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import BinaryIO

import msgspec

from dockyard.build import named
from dockyard.build.grants import StepOptions, granted
from dockyard.build.layering import Layering, parse_layering
from dockyard.build.mounts import agents
from dockyard.build.mounts.agents import AgentSource
from dockyard.build.mounts.secrets import Secret, given
from dockyard.build.named import NamedContext
from dockyard.build.outputs import IMAGE, Output, names_of, parse_output
from dockyard.build.sharing.places import CacheFrom, CacheTo, parse_cache_from, parse_cache_to
from dockyard.errors import NotSupported


class BuildRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What to build; see :meth:`dockyard.engine.Engine.build`."""

    context: str | BinaryIO
    dockerfile: str | BinaryIO | None = None
    tags: tuple[str, ...] = ()
    build_args: dict[str, str | None] = {}
    target: str | None = None
    labels: dict[str, str] = {}
    no_cache: bool = False
    steps: StepOptions = StepOptions()
    secrets: tuple[Secret, ...] = ()
    agents: tuple[AgentSource, ...] = ()
    platform: str | None = None
    contexts: dict[str, NamedContext] = {}
    outputs: tuple[Output, ...] = (IMAGE,)
    no_cache_filter: tuple[str, ...] = ()
    cache_to: tuple[CacheTo, ...] = ()
    cache_from: tuple[CacheFrom, ...] = ()
    layers: Layering = "packages"
    pull: bool = False


def asked(
    context: str | BinaryIO,
    *,
    tag: str | Sequence[str],
    dockerfile: str | BinaryIO | None,
    build_args: Mapping[str, str | None] | None,
    target: str | None,
    labels: Mapping[str, str] | None,
    no_cache: bool,
    platform: str | None,
    contexts: Mapping[str, str] | None,
    secrets: Mapping[str, bytes | str | os.PathLike[str]] | None,
    ssh: Mapping[str, Sequence[str]] | None,
    allow: Iterable[str],
    steps: StepOptions | None,
    outputs: Sequence[Output | str] = (),
    no_cache_filter: Sequence[str] = (),
    cache_to: Sequence[CacheTo | str] = (), cache_from: Sequence[CacheFrom | str] = (),
    layers: str = "packages", pull: bool = False,
) -> BuildRequest:  # fmt: skip
    """The request of :meth:`dockyard.engine.Engine.build`, which says what the arguments mean.

    Raises:
        InvalidInput, NotSupported: one makes no sense, or is to push, which is another step.
    """
    wanted = tuple(map(_output, outputs))
    return BuildRequest(
        context=context,
        dockerfile=dockerfile,
        tags=((tag,) if isinstance(tag, str) else tuple(tag)) or names_of(wanted),
        build_args=dict(build_args or {}),
        target=target, labels=dict(labels or {}), no_cache=no_cache, platform=platform,
        contexts={name: named.context(value) for name, value in (contexts or {}).items()},
        secrets=given(secrets or {}),
        agents=agents.given(ssh or {}, os.environ),
        steps=granted(steps, allow),
        outputs=tuple(IMAGE if each.kind == "image" else each for each in wanted) or (IMAGE,),
        no_cache_filter=tuple(no_cache_filter),
        cache_to=tuple(parse_cache_to(e) if isinstance(e, str) else e for e in cache_to),
        cache_from=tuple(parse_cache_from(e) if isinstance(e, str) else e for e in cache_from),
        layers=parse_layering(layers),
        pull=pull,
    )  # fmt: skip


def _output(given: Output | str) -> Output:
    output = parse_output(given) if isinstance(given, str) else given
    if output.push is not None:
        raise NotSupported(
            "a build doesn't push by itself", hint="build it, then push its tags: Engine.push"
        )
    return output
