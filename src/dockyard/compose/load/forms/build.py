"""The form of builds."""

from __future__ import annotations

from typing import Final

from dockyard.compose.load.forms.kinds import Rows, Table, field, kept, record
from dockyard.compose.load.forms.scalars import MODE, PRINTED, SIZE, TEXT, TRUTH
from dockyard.compose.load.forms.several import (
    HOSTS,
    KEYS,
    LABELS,
    TEXT_OR_TEXTS,
    TEXTS,
    ULIMIT,
    VARIABLES,
)

FILE_REFERENCES: Final = Rows(
    of=record(
        field("source", TEXT),
        field("target", TEXT),
        field("uid", TEXT),
        field("gid", TEXT),
        kept("mode", MODE),
    )
)

ULIMITS: Final = Table(of=ULIMIT)

BUILD: Final = record(
    field("context", TEXT),
    field("dockerfile", TEXT),
    field("dockerfile_inline", TEXT),
    field("entitlements", TEXTS),
    field("args", VARIABLES),
    field("provenance", PRINTED),
    field("sbom", PRINTED),
    field("ssh", KEYS),
    field("labels", LABELS),
    field("cache_from", TEXT_OR_TEXTS),
    field("cache_to", TEXT_OR_TEXTS),
    field("no_cache", TRUTH),
    field("additional_contexts", LABELS),
    field("pull", TRUTH),
    field("extra_hosts", HOSTS),
    field("isolation", TEXT),
    field("network", TEXT),
    field("target", TEXT),
    field("secrets", FILE_REFERENCES),
    field("shm_size", SIZE),
    field("tags", TEXT_OR_TEXTS),
    field("ulimits", ULIMITS),
    field("platforms", TEXT_OR_TEXTS),
    field("privileged", TRUTH),
)
