"""The form of a project."""

from __future__ import annotations

from typing import Final

from dockyard.compose.load.forms.kinds import Rows, Table, always, field, kept, record
from dockyard.compose.load.forms.scalars import SIGNED, TEXT, TRUTH
from dockyard.compose.load.forms.service import SERVICE
from dockyard.compose.load.forms.several import LABELS, OPTIONS, PLAIN, TEXTS

_POOL: Final = record(
    field("subnet", TEXT),
    field("gateway", TEXT),
    field("ip_range", TEXT),
    field("aux_addresses", LABELS),
)

NETWORK: Final = record(
    field("name", TEXT),
    field("driver", TEXT),
    field("driver_opts", OPTIONS),
    always("ipam", record(field("driver", TEXT), field("config", Rows(of=_POOL)))),
    field("external", TRUTH),
    field("internal", TRUTH),
    field("attachable", TRUTH),
    field("labels", LABELS),
    kept("enable_ipv4", TRUTH),
    kept("enable_ipv6", TRUTH),
)

VOLUME: Final = record(
    field("name", TEXT),
    field("driver", TEXT),
    field("driver_opts", OPTIONS),
    field("external", TRUTH),
    field("labels", LABELS),
)

FILE_OBJECT: Final = record(
    field("name", TEXT),
    field("file", TEXT),
    field("environment", TEXT),
    field("content", TEXT),
    field("external", TRUTH),
    field("labels", LABELS),
    field("driver", TEXT),
    field("driver_opts", PLAIN),
    field("template_driver", TEXT),
)

MODEL: Final = record(
    field("name", TEXT),
    field("model", TEXT),
    field("context_size", SIGNED),
    field("runtime_flags", TEXTS),
)

PROJECT: Final = record(
    field("name", TEXT),
    always("services", Table(of=SERVICE)),
    field("networks", Table(of=NETWORK)),
    field("volumes", Table(of=VOLUME)),
    field("secrets", Table(of=FILE_OBJECT)),
    field("configs", Table(of=FILE_OBJECT)),
    field("models", Table(of=MODEL)),
)
