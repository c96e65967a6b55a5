"""``traffic set``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli.command import define, with_engine
from dockyard.cli.line import argument
from dockyard.cli.output import say
from dockyard.decoding import natural
from dockyard.errors import InvalidInput

if TYPE_CHECKING:
    from dockyard.engine import Engine


def weights(pairs: tuple[str, ...]) -> dict[str, int]:
    """``VARIANT=WEIGHT`` of each.

    Raises:
        InvalidInput: one is of another form, or is there twice.
    """
    found: dict[str, int] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        weight = natural(text)
        if not (name and equals) or weight is None:
            raise InvalidInput(f"not VARIANT=WEIGHT: {pair}", hint="such as embed=90 embed-next=10")
        if name in found:
            raise InvalidInput(f"{name} is there twice", hint="give each variant one weight")
        found[name] = weight
    return found


@define("traffic set", "VARIANT=WEIGHT...")
@argument("pairs", many=True)
@with_engine
def command(engine: Engine, pairs: tuple[str, ...]) -> None:
    """Splits a service's traffic between its variants; those not named get none."""
    declared = engine.services.split(weights(pairs))
    total = sum(declared.weights.values())
    for name, weight in declared.weights.items():
        say(f"{name}: {100 * weight / total:.4g} %")
