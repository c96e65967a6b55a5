"""What an image's history says of the instructions: BuildKit's words. Pure.

Only the author of the line differs: BuildKit adds ``# buildkit`` to those of its steps.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from dockyard.build.dockerfile import instructions as ins
from dockyard.build.dockerfile.source import redacted
from dockyard.oci.image import History


def copied(step: ins.Copy | ins.Add) -> str:
    """A COPY or ADD whose variables are replaced: owner and mode, sources, destination.

    Where the files came from, and what else was said of them, is not shown.
    """
    words = [step.keyword]
    if step.chown:
        words.append(f"--chown={step.chown}")
    if step.chmod:
        words.append(f"--chmod={step.chmod}")
    words += [redacted(source) for source in step.sources]
    words += [f"<<{each.name}" for each in step.contents]
    return " ".join([*words, step.destination])


def declared(values: Iterable[tuple[str, str | None]]) -> str:
    """An ARG: the names with the values that they have now."""
    return " ".join(
        ["ARG", *(name if value is None else f"{name}={value}" for name, value in values)]
    )


def exposed(ports: Iterable[str]) -> str:
    """An EXPOSE, with ranges taken apart."""
    return f"EXPOSE [{' '.join(ports)}]"


def ran(args: Iterable[str], declared_: Mapping[str, str]) -> str:
    """A RUN: the ARGs that it saw, as ``|1 NAME=value``, and the command."""
    shown = [f"{name}={value}" for name, value in declared_.items()]
    prefix = f"|{len(shown)} {' '.join(shown)} " if shown else ""
    return f"RUN {prefix}{' '.join(args)}"


def lines_of(line: History, layers: int, notes: Sequence[str]) -> list[History]:
    """The lines of an instruction: one a layer, with what is said of the layer as its comment."""
    if layers == 0:
        return [msgspec.structs.replace(line, empty_layer=True)]
    said = notes or ("",) * layers
    return [
        msgspec.structs.replace(line, comment=note or line.comment, empty_layer=False)
        for note in said
    ]
