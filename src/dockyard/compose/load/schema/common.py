"""Kinds that several elements of the specification share."""

from __future__ import annotations

import re
from typing import Final

from dockyard.compose.load.schema.kinds import (
    LINE,
    NOTHING,
    NUMBER,
    SOME,
    TEXT,
    TRUTH,
    WHOLE,
    Held,
    Kind,
    Listed,
    Mapped,
    choice,
    either,
    listed,
    mapped,
)

TRUTH_OR_TEXT: Final = either(TRUTH, TEXT)
NUMBER_OR_TEXT: Final = either(NUMBER, TEXT)
WHOLE_OR_TEXT: Final = either(WHOLE, TEXT)
TEXTS: Final = listed(TEXT)
UNIQUE_TEXTS: Final = Listed(of=TEXT, unique=True)
TEXT_OR_TEXTS: Final = either(TEXT, UNIQUE_TEXTS)

PAIRS: Final = either(Mapped(of=either(TEXT, NUMBER, TRUTH, NOTHING), names=SOME), UNIQUE_TEXTS)
"""A mapping, or a list of ``NAME=VALUE``."""

OPTIONS: Final = mapped(either(TEXT, NUMBER), LINE, free=True)
"""Options for a driver."""

HOSTS: Final = either(Mapped(of=either(TEXT, TEXTS), names=SOME), UNIQUE_TEXTS)
"""Addresses of names, as a mapping or as a list of ``NAME=ADDRESS``."""

COMMAND: Final = either(NOTHING, TEXT, TEXTS)

EXTERNAL: Final = either(TRUTH, TEXT, Held(what="external", properties={"name": TEXT}))

ULIMITS: Final = mapped(
    either(
        WHOLE,
        TEXT,
        Held(
            what="a limit",
            properties={"hard": WHOLE_OR_TEXT, "soft": WHOLE_OR_TEXT},
            required=("soft", "hard"),
        ),
    ),
    names=re.compile(r"[a-z]+"),
    free=True,
)

FILE_REFERENCES: Final = listed(
    either(
        TEXT,
        Held(
            what="a reference to a file",
            properties={
                "source": TEXT,
                "target": TEXT,
                "uid": TEXT,
                "gid": TEXT,
                "mode": NUMBER_OR_TEXT,
            },
        ),
    )
)

HOOK: Final = Held(
    what="a hook",
    properties={
        "command": COMMAND,
        "user": TEXT,
        "privileged": TRUTH_OR_TEXT,
        "working_dir": TEXT,
        "environment": PAIRS,
    },
    required=("command",),
)

_DEVICE_PROPERTIES: Final[dict[str, Kind]] = {
    "capabilities": UNIQUE_TEXTS,
    "count": either(TEXT, WHOLE),
    "device_ids": UNIQUE_TEXTS,
    "driver": TEXT,
    "options": PAIRS,
}

RESERVED_DEVICES: Final = listed(
    Held(what="a device", properties=_DEVICE_PROPERTIES, required=("capabilities",))
)

GPUS: Final = either(
    choice("all"), listed(Held(what="a request for GPUs", properties=_DEVICE_PROPERTIES, open=True))
)
