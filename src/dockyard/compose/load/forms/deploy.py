"""The forms of what says how a service is deployed, developed and looked after."""

from __future__ import annotations

from typing import Final

from dockyard.compose.load.forms.kinds import Rows, always, field, kept, record
from dockyard.compose.load.forms.scalars import (
    COUNT,
    DURATION,
    SIGNED,
    SINGLE,
    SIZE,
    TEXT,
    TRUTH,
    UNSIGNED,
)
from dockyard.compose.load.forms.several import COMMAND, LABELS, TEST, TEXTS, VARIABLES

HOOK: Final = record(
    always("command", COMMAND),
    field("user", TEXT),
    field("privileged", TRUTH),
    field("working_dir", TEXT),
    field("environment", VARIABLES),
)

DEVICE_REQUESTS: Final = Rows(
    of=record(
        field("capabilities", TEXTS),
        field("driver", TEXT),
        field("count", COUNT),
        field("device_ids", TEXTS),
        field("options", LABELS),
    )
)

_CHANGES: Final = record(
    kept("parallelism", UNSIGNED),
    field("delay", DURATION),
    field("failure_action", TEXT),
    field("monitor", DURATION),
    field("max_failure_ratio", SINGLE),
    field("order", TEXT),
)

_GENERIC: Final = record(
    kept("discrete_resource_spec", record(always("kind", TEXT), always("value", SIGNED)))
)

_RESOURCE: Final = record(
    field("cpus", SINGLE),
    field("memory", SIZE),
    field("pids", SIGNED),
    field("devices", DEVICE_REQUESTS),
    field("generic_resources", Rows(of=_GENERIC)),
)

DEPLOY: Final = record(
    field("mode", TEXT),
    kept("replicas", SIGNED),
    field("labels", LABELS),
    kept("update_config", _CHANGES),
    kept("rollback_config", _CHANGES),
    always("resources", record(kept("limits", _RESOURCE), kept("reservations", _RESOURCE))),
    kept(
        "restart_policy",
        record(
            field("condition", TEXT),
            kept("delay", DURATION),
            kept("max_attempts", UNSIGNED),
            kept("window", DURATION),
        ),
    ),
    always(
        "placement",
        record(
            field("constraints", TEXTS),
            field("preferences", Rows(of=record(field("spread", TEXT)))),
            field("max_replicas_per_node", UNSIGNED),
        ),
    ),
    field("endpoint_mode", TEXT),
)

DEVELOP: Final = record(
    field(
        "watch",
        Rows(
            of=record(
                always("path", TEXT),
                always("action", TEXT),
                field("target", TEXT),
                always("exec", HOOK),
                field("include", TEXTS),
                field("ignore", TEXTS),
                field("initial_sync", TRUTH),
            )
        ),
    )
)

HEALTHCHECK: Final = record(
    field("test", TEST),
    kept("timeout", DURATION),
    kept("interval", DURATION),
    kept("retries", UNSIGNED),
    kept("start_period", DURATION),
    kept("start_interval", DURATION),
    field("disable", TRUTH),
)
