"""A Dockerfile's text to its stages."""

from __future__ import annotations

from collections.abc import Iterable

from dockyard.build.dockerfile.grammar import instruction
from dockyard.build.dockerfile.instructions import (
    Arg,
    Dockerfile,
    From,
    Instruction,
    Maintainer,
    Onbuild,
    Stage,
)
from dockyard.build.dockerfile.lexer import lex
from dockyard.build.dockerfile.source import Location, invalid, syntax_error


def parse(text: str, *, filename: str = "Dockerfile") -> Dockerfile:
    """Parse a whole file.

    ``filename`` is only for locations. Raises :class:`dockyard.errors.BuildError` whose context
    names file and line and shows the line, for anything that is no Dockerfile.
    """
    lexed = lex(text, filename=filename)
    if not lexed.lines:
        top = Location(filename, 1, 1, text.partition("\n")[0])
        raise syntax_error(top, "file with no instructions", "begin with FROM image")
    found = [instruction(line, lexed.escape) for line in lexed.lines]
    first = next((n for n, each in enumerate(found) if isinstance(each, From)), len(found))
    if first == len(found):
        _meta_args(found)
        message = "dockerfile contains no stages to build"
        raise syntax_error(found[-1].location, message, "add FROM image below the ARGs")
    return Dockerfile(
        filename=filename,
        directives=lexed.directives,
        escape=lexed.escape,
        meta_args=_meta_args(found[:first]),
        stages=_stages(found[first:]),
        blank_continuations=tuple(line.location for line in lexed.lines if line.blank_inside),
    )


def parse_trigger(expression: str, *, filename: str = "ONBUILD") -> Instruction:
    """The instruction of an ONBUILD trigger that an image's configuration stores."""
    lines = lex(expression, filename=filename).lines
    if len(lines) != 1:
        raise invalid(
            f"an ONBUILD trigger holds one instruction, not {len(lines)}: {expression}",
            hint="the image with this ONBUILD has to be built anew",
        )
    trigger = instruction(lines[0], "\\")
    if isinstance(trigger, From | Onbuild | Maintainer):
        message = f"{trigger.keyword} isn't allowed as an ONBUILD trigger"
        raise syntax_error(trigger.location, message)
    return trigger


def _meta_args(before_from: Iterable[Instruction]) -> tuple[Arg, ...]:
    args: list[Arg] = []
    for each in before_from:
        if not isinstance(each, Arg):
            raise syntax_error(
                each.location,
                "no build stage in current context",
                f"only ARG may stand before the first FROM; put FROM above this {each.keyword}",
            )
        args.append(each)
    return tuple(args)


def _stages(found: Iterable[Instruction]) -> tuple[Stage, ...]:
    groups: list[tuple[From, list[Instruction]]] = []
    for each in found:
        if isinstance(each, From):
            groups.append((each, []))
        else:
            groups[-1][1].append(each)
    return tuple(
        Stage(index=index, base=base, instructions=tuple(instructions))
        for index, (base, instructions) in enumerate(groups)
    )
