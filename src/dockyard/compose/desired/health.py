"""How a service's containers are asked for their health, and when they are restarted. Pure."""

from __future__ import annotations

from dockyard.arguments.restart import parse_restart
from dockyard.compose.desired import names
from dockyard.compose.model.service import Service
from dockyard.containers.options import HealthOptions, Restart
from dockyard.errors import InvalidInput

_POLICIES = {
    "none": "no", "no": "no", "": "no", "any": "always", "always": "always",
    "on-failure": "on-failure", "unless-stopped": "unless-stopped",
}  # fmt: skip
"""Conditions of ``deploy.restart_policy`` as policies of the engine."""


def health(service: Service) -> HealthOptions:
    """The health check on top of the image's.

    Raises:
        InvalidInput: the test is of no known form.
    """
    asked = service.healthcheck
    if asked is None:
        return HealthOptions()
    test = asked.test or ()
    if asked.disable or test[:1] == ("NONE",):
        return HealthOptions(disabled=True)
    where = f"services.{service.name}.healthcheck"
    if test and test[0] not in {"CMD", "CMD-SHELL"}:
        raise InvalidInput(
            f"{where}.test: must start either by CMD, CMD-SHELL or NONE: {test[0]!r}",
            hint='such as ["CMD", "curl", "-f", "http://localhost"]',
        )
    if test[:1] == ("CMD",) and len(test) < 2:
        raise InvalidInput(f"{where}.test: CMD names no program", hint='such as ["CMD", "true"]')
    return HealthOptions(
        command=" ".join(test[1:]) if test[:1] == ("CMD-SHELL",) else None,
        arguments=test[1:] if test[:1] == ("CMD",) else (),
        interval=_positive(asked.interval),
        timeout=_positive(asked.timeout),
        start_period=_positive(asked.start_period),
        start_interval=_positive(asked.start_interval),
        retries=asked.retries or None,
    )


def _positive(value: int | None) -> int | None:
    return int(value) if value else None


def restart(service: Service) -> Restart:
    """The restart policy; that of ``deploy`` has precedence, as in Compose.

    Raises:
        InvalidInput: there is no such policy.
    """
    policy = None if service.deploy is None else service.deploy.restart_policy
    if policy is None:
        with names.at(f"services.{service.name}.restart"):
            return parse_restart(service.restart)
    condition = _POLICIES.get(policy.condition or "any", policy.condition)
    retries = policy.max_attempts if condition == "on-failure" else None
    with names.at(f"services.{service.name}.deploy.restart_policy.condition"):
        return parse_restart(f"{condition}:{retries}" if retries else condition)
