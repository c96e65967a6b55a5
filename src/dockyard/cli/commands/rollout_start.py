"""``rollout start``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli.command import define, with_engine
from dockyard.cli.line import argument, option
from dockyard.cli.output import say
from dockyard.decoding import natural
from dockyard.errors import InvalidInput
from dockyard.serving.decide.model import Criteria, Step

if TYPE_CHECKING:
    from dockyard.engine import Engine

_USUAL = Criteria()


def steps(text: str, pause: float) -> tuple[Step, ...]:
    """``5,25,50,100`` as steps, each of so many seconds at least.

    Raises:
        InvalidInput: it is no such list.
    """
    numbers = [natural(one.strip().removesuffix("%"), 100) for one in text.split(",")]
    if None in numbers:
        raise InvalidInput(f"no such steps: {text}", hint="percents with commas: 5,25,50,100")
    return tuple(Step(weight=one, pause=pause) for one in numbers if one is not None)


def seconds(text: str) -> float:
    """A duration such as ``60s``.

    Raises:
        InvalidInput: it is none.
    """
    from dockyard.oci.durations import parse_go_duration

    found = parse_go_duration(text)
    if found is None or found < 0:
        raise InvalidInput(f"no duration: {text}", hint="such as 30s or 2m")
    return found / 10**9


def fraction(text: str) -> float:
    """A number such as ``0.999``.

    Raises:
        InvalidInput: it is none.
    """
    if not (text.isascii() and text.replace(".", "", 1).isdecimal()):
        raise InvalidInput("it is not a decimal number", hint="such as 0.99")
    return float(text)


@define("rollout start", "[OPTIONS] VARIANT")
@option(
    "--confidence",
    metavar="decimal",
    read=fraction,
    default=_USUAL.confidence,
    help="How sure it has to be that a canary is worse, from 0.5 to below 1 (default 0.999)",
)
@option(
    "--error-margin",
    metavar="decimal",
    read=fraction,
    default=_USUAL.error_margin,
    help="So much more of the canary's requests may fail: 0.01 is one percentage point"
    " (default 0.01)",
)
@option(
    "--latency-factor",
    metavar="decimal",
    read=fraction,
    default=_USUAL.latency_factor,
    help="Requests are slow beyond so many times the stable version's 95th percentile"
    " (default 1.5)",
)
@option("--steps", "given", metavar="string", default="",
        help="Percent of the traffic, step by step, such as 5,25,50,100")  # fmt: skip
@option("--pause", metavar="duration", default="60s",
        help="How long each step has traffic at least")  # fmt: skip
@option("--requests", metavar="int", default="50",
        help="Requests to the canary before any verdict")  # fmt: skip
@argument("variant")
@with_engine
def command(
    engine: Engine, /, variant: str, *, given: str, pause: str, requests: str, **criteria: float
) -> None:
    """Gives a variant more and more of its service's traffic, while it is no worse."""
    from dockyard.serving.decide.rollout import DEFAULT_STEPS

    text = given or ",".join(str(step.weight) for step in DEFAULT_STEPS)
    least = natural(requests)
    if not least:
        raise InvalidInput(f"no number of requests: {requests}", hint="such as 50")
    begun = engine.services.begin_rollout(
        variant, steps(text, seconds(pause)), Criteria(requests=least, **criteria)
    )
    say(f"rollout of {begun.canary} for {begun.service}: {begun.steps[0].weight} % at first")
