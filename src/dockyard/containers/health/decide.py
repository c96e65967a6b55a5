"""Docker's rules for health checks. Pure.

See HEALTHCHECK in the Dockerfile reference. In the start period a failure doesn't count until the
first success; probes follow each other by the start interval then, and by the interval later,
always counted from the end of the one before.
"""

from __future__ import annotations

import msgspec

from dockyard.containers.health.model import Check, Health, Report, Result, Shown
from dockyard.containers.options import HealthOptions
from dockyard.errors import InvalidInput
from dockyard.oci.durations import go_duration
from dockyard.oci.image import Healthcheck
from dockyard.system.host import ProcessIdentity

SECOND = 10**9
DEFAULT_INTERVAL = 30 * SECOND
DEFAULT_TIMEOUT = 30 * SECOND
DEFAULT_START_INTERVAL = 5 * SECOND
DEFAULT_RETRIES = 3
MAX_OUTPUT = 4096
MAX_LOG = 5
SHORTEST = 10**6
LONGEST = 10**18
"""Some 31 years; the moments that follow from it fit the database."""
_LATE = 30 * SECOND
"""How much later than its moment a first probe may come before nobody believes in it."""


def merged(image: Healthcheck | None, asked: HealthOptions) -> Healthcheck | None:
    """The image's check with the user's options on top; ``None`` where there is none.

    Raises:
        InvalidInput: the options contradict each other, or would have no effect.
    """
    own = (asked.command, asked.interval, asked.timeout, asked.start_period, asked.start_interval,
           asked.retries)  # fmt: skip
    given = bool(asked.arguments) or any(value is not None for value in own)
    if asked.disabled:
        if given:
            raise _invalid(
                "--no-healthcheck conflicts with --health-* options",
                hint="leave --no-healthcheck or the others out",
            )
        return None
    base = image if image is not None and image.test[:1] not in {(), ("NONE",)} else None
    test = _asked_test(asked)
    if base is None and not test:
        if given:
            raise _invalid(
                "--health-* options have no effect: neither the image nor --health-cmd has a check",
                "name a command: --health-cmd 'wget -q -O /dev/null localhost:8000'",
            )
        return None
    base = base or Healthcheck()
    found = Healthcheck(
        test=test or base.test,
        interval=asked.interval or base.interval,
        timeout=asked.timeout or base.timeout,
        start_period=asked.start_period or base.start_period,
        start_interval=asked.start_interval or base.start_interval,
        retries=asked.retries or base.retries,
    )
    _require_sensible(found)
    return found


def _asked_test(asked: HealthOptions) -> tuple[str, ...]:
    if asked.arguments:
        return ("CMD", *asked.arguments)
    return ("CMD-SHELL", asked.command) if asked.command else ()


def _require_sensible(check: Healthcheck) -> None:
    """Docker's bounds."""
    for words, value in (
        ("Interval", check.interval), ("Timeout", check.timeout),
        ("StartPeriod", check.start_period), ("StartInterval", check.start_interval),
    ):  # fmt: skip
        if value < 0 or 0 < value < SHORTEST:
            raise _invalid(
                f"{words} in Healthcheck cannot be less than 1ms",
                hint="such as 30s; 0 takes the image's or the default",
            )
        if value > LONGEST:
            raise _invalid(
                f"{words} in Healthcheck is too long: {value} nanoseconds",
                hint="such as 30s; 0 takes the image's or the default",
            )
    if check.retries < 0:
        raise _invalid(
            "Retries in Healthcheck cannot be negative", hint="0 takes the image's number, or 3"
        )
    if check.test[0] not in {"CMD", "CMD-SHELL"} or len(check.test) < 2:
        raise _invalid(
            f"unknown health check: {' '.join(check.test)}", "--no-healthcheck runs it without"
        )


def complete(asked: Healthcheck, shell: tuple[str, ...] | None) -> Check:
    """The check with Docker's defaults.

    Args:
        shell: the image's, for a command that is one string.
    """
    kind, *words = asked.test
    command = tuple(words) if kind == "CMD" else (*(shell or ("/bin/sh", "-c")), words[0])
    return Check(
        command=command,
        interval=asked.interval or DEFAULT_INTERVAL,
        timeout=asked.timeout or DEFAULT_TIMEOUT,
        start_period=asked.start_period,
        start_interval=asked.start_interval or DEFAULT_START_INTERVAL,
        retries=asked.retries or DEFAULT_RETRIES,
    )


def begun(before: Health | None, run: int) -> Health:
    """The record at a container's start; what earlier runs' probes said stays readable."""
    return Health(run=run, log=before.log if before is not None else ())


def after_probe(health: Health, check: Check, result: Result, keeper: ProcessIdentity) -> Health:
    """The record after a probe."""
    status, streak = health.status, health.failing_streak
    if result.exit_code == 0:
        status, streak = "healthy", 0
    elif status != "starting" or result.start - health.run >= check.start_period:
        streak += 1
        status = "unhealthy" if streak >= check.retries else status
    return msgspec.structs.replace(
        health, status=status, failing_streak=streak, keeper=keeper,
        log=(*health.log, result)[-MAX_LOG:],
    )  # fmt: skip


def next_probe(health: Health, check: Check, now: int) -> int:
    """The moment of the probe after one that ended now, or after the start."""
    starting = health.status == "starting" and now - health.run < check.start_period
    return now + (check.start_interval if starting else check.interval)


def timed_out(check: Check, output: str) -> str:
    """What the log says of a probe that was killed."""
    words = f"Health check exceeded timeout ({go_duration(check.timeout)})"
    return f"{words}: {output}" if output else words


def shortened(output: bytes) -> str:
    """A probe's output as it is kept."""
    text = output[:MAX_OUTPUT].decode(errors="replace")
    return f"{text}..." if len(output) > MAX_OUTPUT else text


def report(
    health: Health, *, running: bool, due: int, now: int, keeper: ProcessIdentity | None
) -> Report:
    """A container's health as it is shown.

    Args:
        due: when the next probe is.
        keeper: the controller that lives and does its work.
    """
    shown: Shown = health.status
    if not running:  # Docker's word for a check that has ended
        shown = "unhealthy"
    elif health.keeper is None:  # nothing was probed, which is true without a controller too
        shown = "starting" if now < due + _LATE else "unknown"
    elif health.keeper != keeper:
        shown = "unknown"
    return Report(status=shown, failing_streak=health.failing_streak, log=health.log)


def _invalid(message: str, hint: str) -> InvalidInput:
    return InvalidInput(message, hint=hint, exit_code=125)
