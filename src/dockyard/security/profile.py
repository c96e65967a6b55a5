"""The format of a seccomp profile, as Docker's and Podman's files have it. Values only."""

from __future__ import annotations

from typing import Literal

import msgspec

Action = Literal[
    "SCMP_ACT_ALLOW",
    "SCMP_ACT_ERRNO",
    "SCMP_ACT_KILL",
    "SCMP_ACT_KILL_PROCESS",
    "SCMP_ACT_KILL_THREAD",
    "SCMP_ACT_LOG",
    "SCMP_ACT_NOTIFY",
    "SCMP_ACT_TRACE",
    "SCMP_ACT_TRAP",
]
Operator = Literal[
    "SCMP_CMP_NE",
    "SCMP_CMP_LT",
    "SCMP_CMP_LE",
    "SCMP_CMP_EQ",
    "SCMP_CMP_GE",
    "SCMP_CMP_GT",
    "SCMP_CMP_MASKED_EQ",
]


class Argument(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True,
               forbid_unknown_fields=True):  # fmt: skip
    """A comparison of one argument of a call; with ``MASKED_EQ``: ``arg & value == value_two``."""

    index: int
    value: int
    op: Operator
    value_two: int = 0


class Condition(msgspec.Struct, frozen=True, kw_only=True, rename="camel",
                forbid_unknown_fields=True):  # fmt: skip
    """What a rule depends on. ``min_kernel`` is ``"MAJOR.MINOR"``."""

    caps: tuple[str, ...] | None = None
    arches: tuple[str, ...] | None = None
    min_kernel: str | None = None


class Rule(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """One action for some calls, where ``includes`` holds and ``excludes`` does not."""

    action: Action
    names: tuple[str, ...] = ()
    name: str | None = None
    args: tuple[Argument, ...] | None = None
    errno_ret: int | None = None
    errno: str | None = None
    includes: Condition | None = None
    excludes: Condition | None = None
    comment: str | None = None


class SubArchitectures(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The other instruction sets whose calls this processor also takes."""

    architecture: str
    sub_architectures: tuple[str, ...] | None = None


class Profile(msgspec.Struct, frozen=True, kw_only=True, rename="camel",
              forbid_unknown_fields=True):  # fmt: skip
    """A profile file as Docker and Podman define it.

    Unknown fields are refused: a misspelt condition would make a rule hold everywhere.
    """

    default_action: Action
    default_errno_ret: int | None = None
    default_errno: str | None = None
    architectures: tuple[str, ...] | None = None
    arch_map: tuple[SubArchitectures, ...] | None = None
    flags: tuple[str, ...] | None = None
    listener_path: str | None = None
    listener_metadata: str | None = None
    syscalls: tuple[Rule, ...] = ()
