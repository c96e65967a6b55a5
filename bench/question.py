"""What a question is: something that is prepared once and timed many times for each tool."""

from __future__ import annotations

import abc
import resource
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from bench.tools import Tool

IMAGE = "localhost/python:3.11"
"""The same image, by its ID, in every tool."""


def build_options(tool: Tool) -> tuple[str, ...]:
    """What a tool's ``build`` needs beside the usual.

    Podman asks for higher limits than a host grants where they can't be raised.
    """
    if tool.name != "podman":
        return ()
    _, files = resource.getrlimit(resource.RLIMIT_NOFILE)
    _, processes = resource.getrlimit(resource.RLIMIT_NPROC)
    return ("--ulimit", f"nofile={files}:{files}", "--ulimit", f"nproc={processes}:{processes}")


class Figures(msgspec.Struct, frozen=True):
    """Another row that the same repetitions gave: samples by the tool's name."""

    title: str
    unit: Literal["seconds", "bytes"]
    samples: Mapping[str, Sequence[float]]


class Question(abc.ABC):
    """One row of the table."""

    title: str
    repeat: int = 15
    """How often each tool answers, unless the command line says otherwise."""
    unit: Literal["seconds", "bytes"] = "seconds"

    def prepare(self, tool: Tool) -> None:  # noqa: B027  # most have nothing to prepare
        """What a tool needs before the first repetition; not timed."""

    @abc.abstractmethod
    def measure(self, tool: Tool) -> float:
        """One repetition, in the question's unit."""

    def more(self) -> Sequence[Figures]:
        """What else was seen."""
        return ()

    def clean(self, tool: Tool) -> None:  # noqa: B027  # most leave nothing
        """Removes what the repetitions left; not timed."""
