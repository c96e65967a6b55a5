"""What an engine builds: images from Dockerfiles, and the cache that this leaves."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, BinaryIO, Literal

from dockyard.containers.parts import Parts
from dockyard.state.database import Database

if TYPE_CHECKING:  # building is not on the path of run, nor are programs that use the library
    from dockyard.build.checking import Description, Report
    from dockyard.build.grants import StepOptions
    from dockyard.build.outputs import Output
    from dockyard.build.progress import Listener
    from dockyard.build.request import BuildRequest
    from dockyard.build.sharing.places import CacheFrom, CacheTo
    from dockyard.build.usage import Policy, Pruned, Record
    from dockyard.images.model import Image


class Builder:
    """The part of :class:`dockyard.Engine` that builds."""

    parts: Parts
    database: Database

    def build(
        self,
        context: str | BinaryIO,
        *,
        tag: str | Sequence[str] = (),
        dockerfile: str | BinaryIO | None = None,
        build_args: Mapping[str, str | None] | None = None,
        target: str | None = None,
        labels: Mapping[str, str] | None = None,
        no_cache: bool = False,
        platform: str | None = None,
        contexts: Mapping[str, str] | None = None,
        secrets: Mapping[str, bytes | str | os.PathLike[str]] | None = None,
        ssh: Mapping[str, Sequence[str]] | None = None,
        allow: Iterable[str] = (),
        steps: StepOptions | None = None,
        outputs: Sequence[Output | str] = (),
        no_cache_filter: Sequence[str] = (),
        cache_to: Sequence[CacheTo | str] = (),
        cache_from: Sequence[CacheFrom | str] = (),
        layers: Literal["packages", "plain"] | None = None,
        pull: bool = False,
        listener: Listener | None = None,
    ) -> Image:
        """Builds an image from a Dockerfile.

        Args:
            context: the directory whose files COPY and ADD may use, the address of a git
                repository or of an archive, or a stream with an archive or a Dockerfile.
            tag: one name or several for the image.
            dockerfile: its path, or a stream; ``Dockerfile`` in the context where ``None``. In a
                context that is no directory of this host it is relative to its top.
            build_args: values for ARG; ``None`` takes the variable of this process.
            target: the stage to build; the last one where ``None``.
            labels: added to the image's.
            no_cache: do every step again.
            platform: what the image is for, such as ``linux/arm64``; this host where ``None``.
            contexts: what stands in place of stages and images, by their names: a directory,
                ``docker-image://NAME`` or an address.
            secrets: id to value, or to the path of the file that has it.
            ssh: id to the path of an agent's socket or to those of keys; none: ``SSH_AUTH_SOCK``.
            allow: entitlements for RUN steps, ``network.host`` and ``security.insecure``.
            steps: network, hosts and limits of RUN steps.
            outputs: where the result goes, as ``--output`` says it; this root where none is given.
                None is pushed: :meth:`Engine.push` does that afterwards.
            no_cache_filter: stages that are built without cache.
            cache_to, cache_from: as ``--cache-to`` and ``--cache-from`` say it.
            layers: ``packages`` gives Python distributions layers of their own, ``plain`` makes
                one layer a step; as the configuration says where ``None``.
            pull: base images that are here as well; those that are missing are pulled anyway.
            listener: gets the progress; nothing is printed where ``None``.

        Raises:
            BuildError: the Dockerfile is wrong or a step failed; the context names the line.
            NotFound: a base image isn't there, nor in its registry.
            RegistryError: one is missing, and its registry can't be reached or refuses.
        """
        from dockyard.build.apply import build
        from dockyard.build.request import asked

        request = asked(
            context, tag=tag, dockerfile=dockerfile, build_args=build_args, target=target,
            labels=labels, no_cache=no_cache, platform=platform, contexts=contexts,
            secrets=secrets, ssh=ssh, allow=allow, steps=steps, outputs=outputs,
            no_cache_filter=no_cache_filter, cache_to=cache_to, cache_from=cache_from,
            layers=layers or self.parts.config.layers, pull=pull,
        )  # fmt: skip
        return build(self.parts, request, listener)

    def check_dockerfile(
        self,
        context: str | BinaryIO,
        *,
        dockerfile: str | BinaryIO | None = None,
        build_args: Mapping[str, str | None] | None = None,
        target: str | None = None,
    ) -> Report:
        """Checks a Dockerfile by BuildKit's rules, without building anything.

        Raises:
            BuildError, InvalidInput: it is no Dockerfile, can't be read, or has no such target.
        """
        from dockyard.build.checking import check
        from dockyard.build.request import BuildRequest

        request = BuildRequest(context=context, dockerfile=dockerfile, target=target,
                               build_args=dict(build_args or {}))  # fmt: skip
        return check(self.parts, request)

    def describe_dockerfile(self, request: BuildRequest) -> Description:
        """The targets of a Dockerfile, and what the one asked for takes; nothing is built."""
        from dockyard.build.checking import describe

        return describe(self.parts, request)

    def build_cache(self) -> tuple[Record, ...]:
        """What builds keep: results of steps and cache mounts, the least recently used first."""
        from dockyard.build.keeping import records

        return records(self.parts)

    def prune_build_cache(self, policy: Policy | None = None) -> Pruned:
        """Removes what builds keep, but nothing that a running build uses.

        Args:
            policy: what to remove; all that no image shares where ``None``.
        """
        from dockyard.build.keeping import prune
        from dockyard.build.usage import Policy
        from dockyard.observability import events

        pruned = prune(self.parts, policy or Policy())
        events.record(self.database, "builder", "prune", "", {"reclaimed": str(pruned.freed)})
        return pruned
