"""A tree's texts with the values of variables, made what their paths ask for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from dockyard.compose.load.patterns import Patterns
from dockyard.compose.load.place import Path, Places
from dockyard.compose.load.printed import parse_float, parse_integer, parse_truth
from dockyard.compose.load.problem import problem
from dockyard.compose.load.template import (
    BadTemplate,
    Lookup,
    TooMuch,
    VariableMissing,
    Warn,
    limited,
    substituted,
)

Cast = Callable[[str, Warn], object]


def interpolated(
    tree: dict[str, Any], places: Places, lookup: Lookup, warn: Warn
) -> dict[str, Any]:
    """The tree with its variables' values; keys stay as they are.

    Text where Compose wants a number or a truth value becomes one, variables or not.

    Args:
        warn: told of variables that have no value, and of truth values of old YAML.

    Raises:
        InvalidInput: a text can't be read, a demanded variable is missing, or a value isn't what
            its place asks for.
    """
    scope = _Scope(places, limited(lookup), warn)
    return {key: _interpolated(value, (key,), scope) for key, value in tree.items()}


class _Scope(msgspec.Struct, frozen=True):
    places: Places
    lookup: Lookup
    warn: Warn


def _interpolated(value: Any, path: Path, scope: _Scope) -> Any:  # any tree
    if isinstance(value, dict):
        return {key: _interpolated(item, (*path, key), scope) for key, item in value.items()}
    if isinstance(value, list):
        return [_interpolated(item, (*path, at), scope) for at, item in enumerate(value)]
    if not isinstance(value, str):
        return value
    text = _substituted(value, path, scope)
    cast = _CASTS.find(path)
    if cast is None:
        return text
    try:
        return cast(text, scope.warn)
    except ValueError as error:
        raise problem(scope.places, path, str(error)) from error


def _substituted(value: str, path: Path, scope: _Scope) -> str:
    try:
        return substituted(value, scope.lookup, scope.warn)
    except BadTemplate as error:
        raise problem(
            scope.places,
            path,
            f"invalid interpolation format: {error}",
            hint="write $$ for a dollar sign that begins no variable",
        ) from error
    except TooMuch as error:
        raise problem(scope.places, path, str(error), hint="put long texts into files") from error
    except VariableMissing as error:
        raise problem(
            scope.places, path, str(error), hint="set it in the environment or in .env"
        ) from error


def whole(text: str, _: Warn) -> int:
    """A whole number of 64 bits."""
    number = parse_integer(text)
    if number is None:
        raise ValueError(f"{text!r} is not a whole number")
    return number


def real(text: str, _: Warn) -> float:
    """A number."""
    number = parse_float(text)
    if number is None:
        raise ValueError(f"{text!r} is not a number")
    return number


def truth(text: str, warn: Warn) -> bool:
    """A truth value; those of old YAML too, with a warning."""
    value = parse_truth(text)
    if value is None:
        raise ValueError(f"{text!r} is neither true nor false")
    if text.lower() not in ("true", "false"):
        meant = "true" if value else "false"
        warn(f'"{text}" for boolean is not supported by YAML 1.2, please use `{meant}`')
    return value


_CASTS: Final = Patterns[Cast](
    {
        whole: """
            services.*.cpu_count services.*.cpu_period services.*.cpu_quota
            services.*.cpu_rt_period services.*.cpu_rt_runtime services.*.cpu_shares
            services.*.deploy.replicas services.*.deploy.update_config.parallelism
            services.*.deploy.rollback_config.parallelism
            services.*.deploy.restart_policy.max_attempts
            services.*.deploy.placement.max_replicas_per_node
            services.*.healthcheck.retries services.*.oom_score_adj services.*.pids_limit
            services.*.ports.[].target services.*.scale
            services.*.ulimits.* services.*.ulimits.*.hard services.*.ulimits.*.soft
        """,
        real: """
            services.*.cpu_percent services.*.cpus
            services.*.deploy.update_config.max_failure_ratio
            services.*.deploy.rollback_config.max_failure_ratio
        """,
        truth: """
            services.*.init services.*.healthcheck.disable services.*.oom_kill_disable
            services.*.privileged services.*.read_only services.*.stdin_open services.*.tty
            services.*.volumes.[].read_only services.*.volumes.[].volume.nocopy
            networks.*.external networks.*.internal networks.*.attachable
            networks.*.enable_ipv4 networks.*.enable_ipv6
            volumes.*.external secrets.*.external configs.*.external
        """,
    }
)
"""What texts become."""
