"""A whole file as it may be written."""

from __future__ import annotations

from typing import Final

from dockyard.compose.load.schema.common import (
    EXTERNAL,
    OPTIONS,
    PAIRS,
    TEXT_OR_TEXTS,
    TEXTS,
    TRUTH_OR_TEXT,
)
from dockyard.compose.load.schema.kinds import (
    LINE,
    NOTHING,
    TEXT,
    TRUTH,
    WHOLE,
    Held,
    Kind,
    Mapped,
    either,
    listed,
    mapped,
)
from dockyard.compose.load.schema.service import SERVICE

_INCLUDE: Final = listed(
    either(
        TEXT,
        Held(
            what="an include",
            properties={
                "path": TEXT_OR_TEXTS,
                "env_file": TEXT_OR_TEXTS,
                "project_directory": TEXT,
            },
            extensible=False,
        ),
    )
)

_LINES: Final = Mapped(of=TEXT, names=LINE)

_IPAM: Final = Held(
    what="ipam",
    properties={
        "driver": TEXT,
        "config": listed(
            Held(
                what="addresses of a network",
                properties={
                    "subnet": TEXT,
                    "ip_range": TEXT,
                    "gateway": TEXT,
                    "aux_addresses": _LINES,
                },
            )
        ),
        "options": _LINES,
    },
)

_NETWORK: Final = Held(
    what="a network",
    properties={
        "name": TEXT,
        "driver": TEXT,
        "driver_opts": OPTIONS,
        "ipam": _IPAM,
        "external": EXTERNAL,
        "internal": TRUTH_OR_TEXT,
        "enable_ipv4": TRUTH_OR_TEXT,
        "enable_ipv6": TRUTH_OR_TEXT,
        "attachable": TRUTH_OR_TEXT,
        "labels": PAIRS,
    },
)

_VOLUME: Final = Held(
    what="a volume",
    properties={
        "name": TEXT,
        "driver": TEXT,
        "driver_opts": OPTIONS,
        "external": EXTERNAL,
        "labels": PAIRS,
    },
)

_OPEN_EXTERNAL: Final = either(
    TRUTH, TEXT, Held(what="external", properties={"name": TEXT}, open=True)
)
_FILE: Final[dict[str, Kind]] = {
    "name": TEXT,
    "environment": TEXT,
    "file": TEXT,
    "external": _OPEN_EXTERNAL,
    "labels": PAIRS,
    "template_driver": TEXT,
}
_SECRET: Final = Held(what="a secret", properties={**_FILE, "driver": TEXT, "driver_opts": OPTIONS})
_CONFIG: Final = Held(what="a config", properties={**_FILE, "content": TEXT})

_MODEL: Final = Held(
    what="a model",
    properties={"name": TEXT, "model": TEXT, "context_size": WHOLE, "runtime_flags": TEXTS},
    required=("model",),
)

PROJECT: Final = Held(
    what="a Compose file",
    properties={
        "version": TEXT,
        "name": TEXT,
        "include": _INCLUDE,
        "services": mapped(SERVICE),
        "models": mapped(_MODEL, free=True),
        "networks": mapped(either(NOTHING, _NETWORK), free=True),
        "volumes": mapped(either(NOTHING, _VOLUME)),
        "secrets": mapped(_SECRET),
        "configs": mapped(_CONFIG),
    },
)
