"""Names of models where images are meant, and the other way round: the hint says so."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dockyard.errors import DockyardError, InvalidInput, NotFound

if TYPE_CHECKING:
    from dockyard.engine import Engine


@contextlib.contextmanager
def or_model(engine: Engine, name: str, command: str) -> Iterator[None]:
    """What looks for an image of that name; a model that has it has a command of its own."""
    try:
        yield
    except NotFound as error:
        if _is_model(engine, name):
            error.hint = f"it is a model: dockyard model {command} {name}"
        raise


@contextlib.contextmanager
def or_image(engine: Engine, name: str, advice: str) -> Iterator[None]:
    """What looks for a model of that name; there may be an image that has it.

    Args:
        advice: what to do then.
    """
    try:
        yield
    except DockyardError as error:
        if _is_image(engine, name):
            error.hint = f"it is an image: {advice}"
        raise


def _is_model(engine: Engine, name: str) -> bool:
    try:
        return engine.models.has(name)
    except InvalidInput:
        return False


def _is_image(engine: Engine, name: str) -> bool:
    try:
        engine.images.find(name)
    except (NotFound, InvalidInput):
        return False
    return True
