"""How a service is deployed and developed, as it may be written."""

from __future__ import annotations

from typing import Final

from dockyard.compose.load.schema.common import (
    HOOK,
    NUMBER_OR_TEXT,
    PAIRS,
    RESERVED_DEVICES,
    TEXT_OR_TEXTS,
    TEXTS,
    WHOLE_OR_TEXT,
)
from dockyard.compose.load.schema.kinds import NOTHING, TEXT, TRUTH, Held, choice, either, listed

_CHANGES: Final = Held(
    what="a change of containers",
    properties={
        "parallelism": WHOLE_OR_TEXT,
        "delay": TEXT,
        "failure_action": TEXT,
        "monitor": TEXT,
        "max_failure_ratio": NUMBER_OR_TEXT,
        "order": choice("start-first", "stop-first"),
    },
)

_GENERIC: Final = Held(
    what="a generic resource",
    properties={
        "discrete_resource_spec": Held(
            what="a discrete resource", properties={"kind": TEXT, "value": NUMBER_OR_TEXT}
        )
    },
)

_RESOURCES: Final = Held(
    what="resources",
    properties={
        "limits": Held(
            what="limits",
            properties={"cpus": NUMBER_OR_TEXT, "memory": TEXT, "pids": WHOLE_OR_TEXT},
        ),
        "reservations": Held(
            what="reservations",
            properties={
                "cpus": NUMBER_OR_TEXT,
                "memory": TEXT,
                "generic_resources": listed(_GENERIC),
                "devices": RESERVED_DEVICES,
            },
        ),
    },
)

_RESTARTS: Final = Held(
    what="a restart policy",
    properties={
        "condition": TEXT,
        "delay": TEXT,
        "max_attempts": WHOLE_OR_TEXT,
        "window": TEXT,
    },
)

_PLACEMENT: Final = Held(
    what="a placement",
    properties={
        "constraints": TEXTS,
        "preferences": listed(Held(what="a preference", properties={"spread": TEXT})),
        "max_replicas_per_node": WHOLE_OR_TEXT,
    },
)

DEPLOY: Final = either(
    NOTHING,
    Held(
        what="deploy",
        properties={
            "mode": TEXT,
            "endpoint_mode": TEXT,
            "replicas": WHOLE_OR_TEXT,
            "labels": PAIRS,
            "rollback_config": _CHANGES,
            "update_config": _CHANGES,
            "resources": _RESOURCES,
            "restart_policy": _RESTARTS,
            "placement": _PLACEMENT,
        },
    ),
)

DEVELOP: Final = either(
    NOTHING,
    Held(
        what="develop",
        properties={
            "watch": listed(
                Held(
                    what="a watch",
                    properties={
                        "ignore": TEXT_OR_TEXTS,
                        "include": TEXT_OR_TEXTS,
                        "path": TEXT,
                        "action": choice("rebuild", "sync", "restart", "sync+restart", "sync+exec"),
                        "target": TEXT,
                        "exec": HOOK,
                        "initial_sync": TRUTH,
                    },
                    required=("path", "action"),
                )
            )
        },
    ),
)
