"""Health checks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dockyard.cli.run_flags.declare import notation, number, parsed, switch, text
from dockyard.containers.options import HealthOptions
from dockyard.errors import InvalidInput


def _duration(name: str, help: str) -> Any:  # noqa: A002  # the reader's word
    def read(value: str) -> object:
        if value.startswith("-"):
            raise InvalidInput(
                f"{name} cannot be negative",
                hint="such as 30s; 0 takes the image's or the default",
                exit_code=125,
            )
        return duration(value)

    duration = notation("parse_duration")
    return parsed(name, kind="duration", read=read, help=help)


DECLARED = (
    text("--health-cmd", help="Command to run to check health"),
    _duration("--health-interval", "Time between running the check (ms|s|m|h) (default 30s)"),
    number("--health-retries", help="Consecutive failures needed to report unhealthy (default 3)"),
    _duration("--health-start-interval",
              "Time between running the check during the start period (ms|s|m|h) (default 5s)"),
    _duration("--health-start-period", "Start period for the container to initialize before"
              " starting health-retries countdown (ms|s|m|h) (default 0s)"),
    _duration("--health-timeout",
              "Maximum time to allow one check to run (ms|s|m|h) (default 30s)"),
    switch("--no-healthcheck", help="Disable any container-specified HEALTHCHECK"),
)  # fmt: skip


def make(values: Mapping[str, Any]) -> HealthOptions:
    """The health check asked for.

    Raises:
        InvalidInput: a negative number of retries.
    """
    retries: int | None = values["health_retries"]
    if retries is not None and retries < 0:
        raise InvalidInput(
            "--health-retries cannot be negative",
            hint="0 takes the image's number, or 3",
            exit_code=125,
        )
    return HealthOptions(
        command=values["health_cmd"] or None,
        interval=values["health_interval"],
        timeout=values["health_timeout"],
        start_period=values["health_start_period"],
        start_interval=values["health_start_interval"],
        retries=retries,
        disabled=values["no_healthcheck"],
    )
