"""How an image is built, as it may be written."""

from __future__ import annotations

from typing import Final

from dockyard.compose.load.schema.common import (
    FILE_REFERENCES,
    HOSTS,
    PAIRS,
    TEXTS,
    TRUTH_OR_TEXT,
    ULIMITS,
    WHOLE_OR_TEXT,
)
from dockyard.compose.load.schema.kinds import TEXT, Held, either

BUILD: Final = either(
    TEXT,
    Held(
        what="a build",
        properties={
            "context": TEXT,
            "dockerfile": TEXT,
            "dockerfile_inline": TEXT,
            "entitlements": TEXTS,
            "args": PAIRS,
            "ssh": PAIRS,
            "labels": PAIRS,
            "cache_from": TEXTS,
            "cache_to": TEXTS,
            "no_cache": TRUTH_OR_TEXT,
            "additional_contexts": PAIRS,
            "network": TEXT,
            "provenance": TRUTH_OR_TEXT,
            "sbom": TRUTH_OR_TEXT,
            "pull": TRUTH_OR_TEXT,
            "target": TEXT,
            "shm_size": WHOLE_OR_TEXT,
            "extra_hosts": HOSTS,
            "isolation": TEXT,
            "privileged": TRUTH_OR_TEXT,
            "secrets": FILE_REFERENCES,
            "tags": TEXTS,
            "ulimits": ULIMITS,
            "platforms": TEXTS,
        },
    ),
)
