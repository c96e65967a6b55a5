"""What containers mount and reach: volumes, ports, networks, as they may be written."""

from __future__ import annotations

from typing import Final

from dockyard.compose.load.schema.common import (
    NUMBER_OR_TEXT,
    OPTIONS,
    PAIRS,
    TRUTH_OR_TEXT,
    UNIQUE_TEXTS,
    WHOLE_OR_TEXT,
)
from dockyard.compose.load.schema.kinds import (
    NOTHING,
    NUMBER,
    TEXT,
    Held,
    Listed,
    Number,
    choice,
    either,
    mapped,
)

_BIND: Final = Held(
    what="a bind",
    properties={
        "propagation": TEXT,
        "create_host_path": TRUTH_OR_TEXT,
        "recursive": choice("enabled", "disabled", "writable", "readonly"),
        "selinux": choice("z", "Z"),
    },
)

_VOLUME: Final = Held(
    what="a mount",
    properties={
        "type": choice("bind", "volume", "tmpfs", "cluster", "npipe", "image"),
        "source": TEXT,
        "target": TEXT,
        "read_only": TRUTH_OR_TEXT,
        "consistency": TEXT,
        "bind": _BIND,
        "volume": Held(
            what="volume options",
            properties={"labels": PAIRS, "nocopy": TRUTH_OR_TEXT, "subpath": TEXT},
        ),
        "tmpfs": Held(
            what="tmpfs options",
            properties={
                "size": either(Number(whole=True, least=0), TEXT),
                "mode": NUMBER_OR_TEXT,
            },
        ),
        "image": Held(what="image options", properties={"subpath": TEXT}),
    },
    required=("type",),
)

VOLUMES: Final = Listed(of=either(TEXT, _VOLUME), unique=True)

PORTS: Final = Listed(
    of=either(
        NUMBER,
        TEXT,
        Held(
            what="a port",
            properties={
                "name": TEXT,
                "mode": TEXT,
                "host_ip": TEXT,
                "target": WHOLE_OR_TEXT,
                "published": WHOLE_OR_TEXT,
                "protocol": TEXT,
                "app_protocol": TEXT,
            },
        ),
    ),
    unique=True,
)

SERVICE_NETWORKS: Final = either(
    UNIQUE_TEXTS,
    mapped(
        either(
            NOTHING,
            Held(
                what="a service's network",
                properties={
                    "aliases": UNIQUE_TEXTS,
                    "interface_name": TEXT,
                    "ipv4_address": TEXT,
                    "ipv6_address": TEXT,
                    "link_local_ips": UNIQUE_TEXTS,
                    "mac_address": TEXT,
                    "driver_opts": OPTIONS,
                    "priority": NUMBER,
                    "gw_priority": NUMBER,
                },
            ),
        )
    ),
)
