"""Makes the mounts of a RUN step: brings each source to a place of the step's own.

What a step mounts lies below its workspace, by bind mounts of what was opened inside the source
(never by a path that somebody could change meanwhile). So whoever clears the workspace, also
after a crash, finds and ends all of it.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from dockyard.build import graph
from dockyard.build.context import Tree
from dockyard.build.mounts.agents import AgentSource, forwarded
from dockyard.build.mounts.caches import CacheMounts, Held, Wanted
from dockyard.build.mounts.secrets import Secret
from dockyard.build.ops.copy import Destination
from dockyard.build.selection import EVERYTHING
from dockyard.containers.parts import Parts
from dockyard.containers.workspace import Workspace
from dockyard.errors import BuildError
from dockyard.oci import digest
from dockyard.oci.runtime import SpecMount
from dockyard.system import copy as copying
from dockyard.system import mounts

_CACHE_MODE = 0o755
_SECRET_MODE = 0o400
_AGENT_MODE = 0o600


class Input(msgspec.Struct, frozen=True):
    """The filesystem of a stage or image: its cache key and its layers, base first."""

    key: str
    lowers: tuple[str, ...]


class Supplies(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line lends to steps, by id."""

    secrets: Mapping[str, Secret] = {}
    agents: Mapping[str, AgentSource] = {}


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """What a step gets.

    ``memory`` is a directory of the step that is never on disk, where ``env`` holds secrets.
    """

    mounts: tuple[SpecMount, ...] = ()
    env: tuple[str, ...] = ()
    memory: str | None = None

    def __repr__(self) -> str:
        """Without values of variables, which must not get into any message."""
        names = [entry.partition("=")[0] for entry in self.env]
        return f"Prepared(mounts={self.mounts!r}, env={names!r}, memory={self.memory!r})"


class StepMounts:
    """Prepares mounts for the steps of one build."""

    def __init__(self, parts: Parts, supplies: Supplies, canceled: Callable[[], bool]) -> None:
        self._parts = parts
        self._supplies = supplies
        self._canceled = canceled
        self._caches = CacheMounts(parts.paths, parts.database)

    def digest(
        self, name: str, operation: graph.Run, inputs: Sequence[Input], context: Tree
    ) -> str:
        """A digest of all that the step's binds show; empty where it has none.

        Content of caches, secrets, agents and memory doesn't count.

        Raises:
            BuildError: a source is missing.
        """
        binds = [mount for mount in operation.mounts if mount.type == "bind"]
        if not binds:
            return ""
        found = []
        with contextlib.ExitStack() as stack:
            workspace: Workspace | None = None
            for position, mount in enumerate(binds):
                tree = context
                if mount.input is not None:
                    workspace = workspace or stack.enter_context(
                        Workspace(self._parts, f"digest for {name}")
                    )
                    lowers = inputs[mount.input].lowers
                    place = workspace.mount_read_only(lowers, f"source-{position}")
                    tree = stack.enter_context(Tree(place, keeps_attributes=True))
                found.append(tree.digest(tree.entry(mount.source)))
        return digest.of(msgspec.json.encode(found))

    @contextlib.contextmanager
    def prepared(
        self, workspace: Workspace, operation: graph.Run, inputs: Sequence[Input], context: Tree
    ) -> Iterator[Prepared]:
        """Everything that the step's mounts need, for as long as the block lasts.

        Raises:
            BuildError: a source, secret or agent is missing.
        """
        if not operation.mounts:
            yield Prepared()
            return
        with contextlib.ExitStack() as stack:
            step = _Step(self._parts, workspace, inputs, stack)
            caches = self._acquire(step, operation.mounts)
            for number, mount in enumerate(operation.mounts):
                place = f"{step.directory}/{number}"
                match mount.type:
                    case "bind":
                        step.bind(mount, place, context)
                    case "cache":
                        step.cache(mount, place, caches[_cache_key(mount, inputs)])
                    case "tmpfs":
                        step.memory(mount)
                    case "secret":
                        step.secret(mount, self._supplies.secrets.get(mount.id), str(number))
                    case "ssh":
                        step.agent(mount, self._supplies.agents.get(mount.id), str(number))
            yield step.result()

    def _acquire(self, step: _Step, wanted: Sequence[graph.Mount]) -> dict[str, Held]:
        """The caches, each once, in an order in which two steps can't wait for each other."""
        by_key: dict[str, list[graph.Mount]] = {}
        for mount in wanted:
            if mount.type == "cache":
                by_key.setdefault(_cache_key(mount, step.inputs), []).append(mount)
        held = {}
        for key in sorted(by_key):
            first = by_key[key][0]
            modes = {mount.sharing for mount in by_key[key]}
            sharing = next(mode for mode in ("locked", "private", "shared") if mode in modes)
            cache = Wanted(key=key, name=first.id, sharing=sharing)

            def fill(directory: str, mount: graph.Mount = first) -> None:
                step.fill_cache(mount, directory)

            held[key] = self._caches.acquire(cache, fill, self._canceled)
            step.stack.callback(held[key].release)
        return held


class _Step:
    """The mounts of one step while they are made."""

    def __init__(
        self,
        parts: Parts,
        workspace: Workspace,
        inputs: Sequence[Input],
        stack: contextlib.ExitStack,
    ) -> None:
        self.inputs = inputs
        self.stack = stack
        self.directory = f"{workspace.path}/mounts"
        self._parts = parts
        self._workspace = workspace
        self._roots: dict[int, str] = {}
        self._mounts: list[SpecMount] = []
        self._env: list[str] = []
        self._memory: str | None = None
        os.makedirs(self.directory, mode=0o700, exist_ok=True)

    def result(self) -> Prepared:
        """All that was made."""
        return Prepared(mounts=tuple(self._mounts), env=tuple(self._env), memory=self._memory)

    def bind(self, mount: graph.Mount, place: str, context: Tree) -> None:
        """Files of the context, a stage or an image; what is written to them is discarded."""
        source = mount.source
        if mount.input is None:
            root, source = self._copied(context, mount.source, f"{place}.context")
        elif mount.read_only:
            root = self._root(mount.input)
        else:
            lowers, name = self.inputs[mount.input].lowers, os.path.basename(place)
            root = self._workspace.mount_discarded(lowers, f"written-{name}")
        self._show(mount, root, source, place)

    def cache(self, mount: graph.Mount, place: str, held: Held) -> None:
        """A cache, or what ``source`` leads to in it, whoever else changes it meanwhile."""
        self._show(mount, held.directory, mount.source, place)

    def fill_cache(self, mount: graph.Mount, directory: str) -> None:
        """A new cache: a copy of what it begins with, or empty."""
        if mount.input is not None:
            copying.copy_tree(self._root(mount.input), ".", directory)
        own = (mount.uid, mount.gid, mount.mode) != (None, None, None)
        if own or mount.input is None:
            os.chown(directory, mount.uid or 0, mount.gid or 0)
            os.chmod(directory, _CACHE_MODE if mount.mode is None else mount.mode)

    def memory(self, mount: graph.Mount) -> None:
        """A tmpfs."""
        size = () if mount.size is None else (f"size={mount.size}",)
        self._mounts.append(SpecMount(mount.target, "tmpfs", "tmpfs", ("nosuid", *size)))

    def secret(self, mount: graph.Mount, secret: Secret | None, name: str) -> None:
        """A secret as a file, a variable or both; nothing where it wasn't given."""
        if secret is None:
            if mount.required:
                raise BuildError(
                    f"secret {mount.id}: not found",
                    hint=f"give it with --secret id={mount.id},src=PATH (or env=NAME)",
                    reference="secret-missing",
                )
            return
        directory = self._private()
        if mount.env:
            self._env.append(f"{mount.env}={_text(secret)}")
        if mount.target:
            path = f"{directory}/secret-{name}"
            with open(path, "xb") as stream:
                stream.write(secret.value)
            _own(path, mount, _SECRET_MODE)
            self._mounts.append(_bound(path, mount))

    def agent(self, mount: graph.Mount, source: AgentSource | None, name: str) -> None:
        """A socket that speaks to an agent; nothing but the variable where none was given."""
        if not any(entry.startswith("SSH_AUTH_SOCK=") for entry in self._env):
            self._env.append(f"SSH_AUTH_SOCK={mount.target}")
        if source is None:
            if mount.required:
                raise BuildError(
                    f"unset ssh forward key {mount.id}",
                    hint=f"forward an agent or a key: --ssh {mount.id}[=SOCKET|KEY]",
                    reference="agent-missing",
                )
            return
        path = self.stack.enter_context(forwarded(source, self.directory, f"agent-{name}"))
        _own(path, mount, _AGENT_MODE)
        self._mounts.append(_bound(path, mount))

    def _show(self, mount: graph.Mount, root: str, source: str, place: str) -> None:
        try:
            mounts.bind_below(root, source, place)
        except OSError as error:
            reason = os.strerror(error.errno or 0).lower()
            raise BuildError(
                f"failed to mount {mount.target}: open {source}: {reason}",
                hint="the mount's source= names it",
                reference="source-not-found",
            ) from error
        self.stack.callback(mounts.unmount, place)
        self._mounts.append(_bound(place, mount))

    def _root(self, number: int) -> str:
        """An input, mounted read-only."""
        if number not in self._roots:
            lowers = self.inputs[number].lowers
            self._roots[number] = self._workspace.mount_read_only(lowers, f"from-{number}")
        return self._roots[number]

    def _copied(self, context: Tree, source: str, place: str) -> tuple[str, str]:
        """A copy of a part of the context without what ``.dockerignore`` leaves out, all root's
        as COPY would make it; the directory that holds it and the path in it."""
        entry = context.entry(source)
        os.makedirs(place)
        with Destination(place, None, "") as target:
            if not stat.S_ISDIR(entry.mode):
                target.copy_entry(context, entry, "/file")
                return place, "file"
            os.chmod(place, stat.S_IMODE(entry.mode))
            target.copy_directory(context, entry, "/", EVERYTHING)
        return place, "."

    def _private(self) -> str:
        """A directory in memory, for this step alone."""
        if self._memory is None:
            self._memory = f"{self._workspace.path}/memory"
            os.makedirs(self._memory, mode=0o700)
            mounts.mount_memory(self._memory)
            self.stack.callback(mounts.unmount, self._memory)
        return self._memory


def _cache_key(mount: graph.Mount, inputs: Sequence[Input]) -> str:
    """What a cache is found by: its id, what it began with, and whose it is."""
    base = "" if mount.input is None else inputs[mount.input].key
    return digest.of(msgspec.json.encode([mount.id, base, mount.mode, mount.uid, mount.gid]))


def _text(secret: Secret) -> str:
    """A secret that a variable can hold."""
    try:
        text = secret.value.decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise BuildError(
            f"secret {secret.id} is no text, so it can't be a variable",
            hint="mount it as a file: leave out env=",
        )
    return text


def _own(path: str, mount: graph.Mount, mode: int) -> None:
    os.chown(path, mount.uid or 0, mount.gid or 0)
    os.chmod(path, mode if mount.mode is None else mount.mode)


def _bound(path: str, mount: graph.Mount) -> SpecMount:
    access = "ro" if mount.read_only else "rw"
    return SpecMount(mount.target, "bind", path, ("bind", "rprivate", access))
