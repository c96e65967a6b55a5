"""What the caller of a load says, on the command line or in Python."""

from __future__ import annotations

import os
from collections.abc import Mapping

import msgspec


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """Which project, and how it is read; what is empty is found out.

    - ``files``: ``-f``; ``-`` is ``stdin``;
    - ``directory``: where the caller is, which relative names are relative to: an absolute path;
    - ``project_directory``: ``--project-directory``; ``name``: ``--project-name``;
    - ``profiles``: ``--profile``; ``env_files``: ``--env-file``;
    - ``interpolate``, ``normalize``, ``resolve_paths``, ``consistency``, ``resolve_environment``:
      the opposites of what ``config`` has flags for.
    """

    files: tuple[str, ...] = ()
    stdin: bytes | None = None
    directory: str
    project_directory: str = ""
    name: str = ""
    profiles: tuple[str, ...] = ()
    env_files: tuple[str, ...] = ()
    interpolate: bool = True
    normalize: bool = True
    resolve_paths: bool = True
    consistency: bool = True
    resolve_environment: bool = True


def caller_directory(environment: Mapping[str, str]) -> str:
    """Where the caller is, by the shell's name for it: with the links by which it was entered."""
    named = environment.get("PWD", "")
    if os.path.isabs(named) and os.path.isdir(named) and os.path.samefile(named, "."):
        return named
    return os.getcwd()
