"""The typed instructions of a Dockerfile.

Values stand as they were written: variables, quotes and escapes are replaced by
:func:`dockyard.build.dockerfile.substitution.expanded` once the environment is known. None and the
empty tuple mean that something was not given. The meaning of each field is that of
https://docs.docker.com/reference/dockerfile/.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar, TypeAlias

import msgspec

from dockyard.build.dockerfile.lexer import Directive, Heredoc
from dockyard.build.dockerfile.source import Location
from dockyard.build.dockerfile.words import heredoc_word


class ShellForm(msgspec.Struct, frozen=True):
    """A command line that the shell of the stage runs."""

    text: str


class ExecForm(msgspec.Struct, frozen=True):
    """An argument vector that runs without a shell; empty clears an inherited one."""

    arguments: tuple[str, ...]


Command: TypeAlias = ShellForm | ExecForm


class KeyValue(msgspec.Struct, frozen=True):
    """One ``key=value`` of ENV or LABEL."""

    key: str
    value: str


class ArgDefault(msgspec.Struct, frozen=True):
    """One name of an ARG; ``default`` is None where the instruction gives none."""

    name: str
    default: str | None = None


class Instruction(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all; ``text`` is the logical line: continuations joined, without heredocs.

    ``comments`` are those right above.
    """

    keyword: ClassVar[str]

    location: Location
    text: str
    comments: tuple[str, ...] = ()


class From(Instruction, frozen=True, kw_only=True):
    """FROM: the start of a stage; ``name`` is lower case."""

    keyword: ClassVar[str] = "FROM"

    image: str
    name: str | None = None
    platform: str | None = None


class MountType(StrEnum):
    """Kinds of ``RUN --mount``."""

    BIND = "bind"
    CACHE = "cache"
    TMPFS = "tmpfs"
    SECRET = "secret"  # noqa: S105  a kind of mount, not a password
    SSH = "ssh"


class CacheSharing(StrEnum):
    """Who else may use a cache mount at the same time."""

    SHARED = "shared"
    PRIVATE = "private"
    LOCKED = "locked"


class NetworkMode(StrEnum):
    """Networks of a RUN step."""

    DEFAULT = "default"
    NONE = "none"
    HOST = "host"


class SecurityMode(StrEnum):
    """Rights of a RUN step."""

    SANDBOX = "sandbox"
    INSECURE = "insecure"


class Mount(msgspec.Struct, frozen=True, kw_only=True):
    """One ``--mount`` of a RUN.

    ``flag`` is the flag's value as written. Until the instruction is expanded, an option whose
    value holds variables has its text if it is a path or name, and its default otherwise.
    ``size`` is in bytes, ``mode`` holds permission bits, ``env`` names the variable that gets a
    secret (empty: the secret's own name).
    """

    flag: str
    type: MountType = MountType.BIND
    from_: str | None = None
    source: str | None = None
    target: str | None = None
    read_only: bool = True
    id: str | None = None
    sharing: CacheSharing | None = None
    required: bool = False
    size: int | None = None
    mode: int | None = None
    uid: int | None = None
    gid: int | None = None
    env: str | None = None


class Device(msgspec.Struct, frozen=True):
    """One ``--device`` of a RUN: a CDI name such as ``nvidia.com/gpu=all``."""

    name: str
    required: bool = False


_PIPES = "/dev/pipes"
"""Where BuildKit puts programs that a Dockerfile holds."""


class Script(msgspec.Struct, frozen=True):
    """What a RUN in shell form runs.

    ``interpreted`` when it names its own interpreter (``#!``); it is put at ``place`` then.
    """

    text: str
    interpreted: bool = False
    place: str = ""


class Run(Instruction, frozen=True, kw_only=True):
    """RUN; only the shell form has heredocs."""

    keyword: ClassVar[str] = "RUN"

    command: Command
    heredocs: tuple[Heredoc, ...] = ()
    mounts: tuple[Mount, ...] = ()
    devices: tuple[Device, ...] = ()
    network: NetworkMode = NetworkMode.DEFAULT
    security: SecurityMode = SecurityMode.SANDBOX

    def script(self) -> Script:
        """The text for the shell; empty for the exec form.

        A command that is nothing but a heredoc is that heredoc's body, and a program of its own
        where it begins with ``#!``. Otherwise the heredocs follow the command for the shell to
        read.
        """
        if isinstance(self.command, ExecForm):
            return Script("")
        line = self.command.text
        if self.heredocs and heredoc_word(line) is not None:
            body = self.heredocs[0].body
            if body.startswith("#!"):
                return Script(body, interpreted=True, place=f"{_PIPES}/{self.heredocs[0].name}")
            return Script(body)
        return Script("\n".join([line, *map(_as_written, self.heredocs)]))


class Copy(Instruction, frozen=True, kw_only=True):
    """COPY; ``contents`` are the sources given as heredocs, named by their delimiters."""

    keyword: ClassVar[str] = "COPY"

    sources: tuple[str, ...]
    contents: tuple[Heredoc, ...] = ()
    destination: str
    from_: str | None = None
    chown: str | None = None
    chmod: str | None = None
    link: bool = False
    parents: bool = False
    exclude: tuple[str, ...] = ()


class Add(Instruction, frozen=True, kw_only=True):
    """ADD; ``keep_git_dir`` and ``unpack`` are None where the source decides."""

    keyword: ClassVar[str] = "ADD"

    sources: tuple[str, ...]
    contents: tuple[Heredoc, ...] = ()
    destination: str
    chown: str | None = None
    chmod: str | None = None
    link: bool = False
    exclude: tuple[str, ...] = ()
    checksum: str | None = None
    keep_git_dir: bool | None = None
    unpack: bool | None = None


class Env(Instruction, frozen=True, kw_only=True):
    """ENV; ``legacy`` is the form ``ENV name value`` without an equals sign."""

    keyword: ClassVar[str] = "ENV"

    variables: tuple[KeyValue, ...]
    legacy: bool = False


class Label(Instruction, frozen=True, kw_only=True):
    """LABEL; ``legacy`` is the form ``LABEL name value`` without an equals sign."""

    keyword: ClassVar[str] = "LABEL"

    labels: tuple[KeyValue, ...]
    legacy: bool = False


class Arg(Instruction, frozen=True, kw_only=True):
    """ARG, with one or more names."""

    keyword: ClassVar[str] = "ARG"

    arguments: tuple[ArgDefault, ...]


class Workdir(Instruction, frozen=True, kw_only=True):
    """WORKDIR."""

    keyword: ClassVar[str] = "WORKDIR"

    path: str


class User(Instruction, frozen=True, kw_only=True):
    """USER."""

    keyword: ClassVar[str] = "USER"

    user: str


class Expose(Instruction, frozen=True, kw_only=True):
    """EXPOSE; each port is ``number[-number][/protocol]`` once expanded."""

    keyword: ClassVar[str] = "EXPOSE"

    ports: tuple[str, ...]


class Volume(Instruction, frozen=True, kw_only=True):
    """VOLUME."""

    keyword: ClassVar[str] = "VOLUME"

    paths: tuple[str, ...]


class Cmd(Instruction, frozen=True, kw_only=True):
    """CMD."""

    keyword: ClassVar[str] = "CMD"

    command: Command


class Entrypoint(Instruction, frozen=True, kw_only=True):
    """ENTRYPOINT."""

    keyword: ClassVar[str] = "ENTRYPOINT"

    command: Command


class Shell(Instruction, frozen=True, kw_only=True):
    """SHELL: the argument vector that shell forms are appended to."""

    keyword: ClassVar[str] = "SHELL"

    arguments: tuple[str, ...]


class Stopsignal(Instruction, frozen=True, kw_only=True):
    """STOPSIGNAL."""

    keyword: ClassVar[str] = "STOPSIGNAL"

    signal: str


class Healthcheck(Instruction, frozen=True, kw_only=True):
    """HEALTHCHECK; ``command`` is None for NONE. Times are nanoseconds, 0 means the default."""

    keyword: ClassVar[str] = "HEALTHCHECK"

    command: Command | None
    interval: int = 0
    timeout: int = 0
    start_period: int = 0
    start_interval: int = 0
    retries: int = 0


class Onbuild(Instruction, frozen=True, kw_only=True):
    """ONBUILD; ``expression`` is what an image configuration stores, heredocs included."""

    keyword: ClassVar[str] = "ONBUILD"

    expression: str
    trigger: Instruction


class Maintainer(Instruction, frozen=True, kw_only=True):
    """MAINTAINER (deprecated)."""

    keyword: ClassVar[str] = "MAINTAINER"

    name: str


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """A FROM and the instructions up to the next one; ``index`` counts from 0."""

    index: int
    base: From
    instructions: tuple[Instruction, ...] = ()

    @property
    def name(self) -> str | None:
        """The name that ``AS`` gives, in lower case."""
        return self.base.name


class Dockerfile(msgspec.Struct, frozen=True, kw_only=True):
    """A whole file; ``meta_args`` are the ARGs before the first FROM.

    ``blank_continuations`` are the instructions that have an empty line in their continuation.
    """

    filename: str
    directives: tuple[Directive, ...] = ()
    escape: str = "\\"
    meta_args: tuple[Arg, ...] = ()
    stages: tuple[Stage, ...]
    blank_continuations: tuple[Location, ...] = ()


def _as_written(heredoc: Heredoc) -> str:
    return heredoc.content + heredoc.name
