"""ONBUILD: what images and stages ask of those that build on them. Pure.

The instructions that a base left are done right after FROM, in their order, as if they stood in
the Dockerfile there. They are not passed on to the next generation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from dockyard.build.dockerfile import instructions as ins
from dockyard.build.dockerfile.parser import parse_trigger
from dockyard.build.dockerfile.source import located
from dockyard.build.names import Names, Settings


def with_triggers(
    dockerfile: ins.Dockerfile, left: Mapping[str, Sequence[str]], settings: Settings
) -> ins.Dockerfile:
    """The file with the instructions that its bases left put into their places.

    Args:
        left: the triggers of existing images, by the name that the Dockerfile uses.

    Raises:
        BuildError: one can't be a trigger; the error shows the FROM that it comes by.
    """
    names = Names(dockerfile, settings)
    stages = tuple(
        msgspec.structs.replace(
            stage, instructions=(*_triggers(stage, dockerfile, names, left), *stage.instructions)
        )
        for stage in dockerfile.stages
    )
    return msgspec.structs.replace(dockerfile, stages=stages)


def _triggers(
    stage: ins.Stage, dockerfile: ins.Dockerfile, names: Names, left: Mapping[str, Sequence[str]]
) -> Iterator[ins.Instruction]:
    if stage.index not in names.reachable():
        return
    image = names.base_of(stage.base).image
    parent = names.stage(image, stage.index)
    if parent is None:
        expressions = left.get(names.image_of(image), ())
    else:
        expressions = [
            step.expression
            for step in dockerfile.stages[parent].instructions
            if isinstance(step, ins.Onbuild)
        ]
    for expression in expressions:
        with located(stage.base.location):
            trigger = parse_trigger(expression)
        yield msgspec.structs.replace(trigger, location=stage.base.location)
