"""A service as it may be written."""

from __future__ import annotations

import re
from typing import Final

from dockyard.compose.load.schema.build import BUILD
from dockyard.compose.load.schema.common import (
    COMMAND,
    FILE_REFERENCES,
    GPUS,
    HOOK,
    HOSTS,
    NUMBER_OR_TEXT,
    PAIRS,
    TEXT_OR_TEXTS,
    TEXTS,
    TRUTH_OR_TEXT,
    ULIMITS,
    UNIQUE_TEXTS,
    WHOLE_OR_TEXT,
)
from dockyard.compose.load.schema.deploy import DEPLOY, DEVELOP
from dockyard.compose.load.schema.kinds import (
    ANYTHING,
    LINE,
    NOTHING,
    NUMBER,
    TEXT,
    TRUTH,
    Held,
    Listed,
    Number,
    Text,
    choice,
    either,
    listed,
    mapped,
)
from dockyard.compose.load.schema.mounts import PORTS, SERVICE_NETWORKS, VOLUMES

_RATES: Final = listed(
    Held(what="a rate", properties={"path": TEXT, "rate": WHOLE_OR_TEXT}, extensible=False)
)
_WEIGHTS: Final = listed(
    Held(what="a weight", properties={"path": TEXT, "weight": WHOLE_OR_TEXT}, extensible=False)
)

_BLKIO: Final = Held(
    what="blkio_config",
    properties={
        "device_read_bps": _RATES,
        "device_read_iops": _RATES,
        "device_write_bps": _RATES,
        "device_write_iops": _RATES,
        "weight": WHOLE_OR_TEXT,
        "weight_device": _WEIGHTS,
    },
    extensible=False,
)

_CREDENTIALS: Final = Held(
    what="credential_spec", properties={"config": TEXT, "file": TEXT, "registry": TEXT}
)

_DEPENDENCIES: Final = either(
    UNIQUE_TEXTS,
    mapped(
        Held(
            what="a dependency",
            properties={
                "restart": TRUTH_OR_TEXT,
                "required": TRUTH,
                "condition": choice(
                    "service_started", "service_healthy", "service_completed_successfully"
                ),
            },
            required=("condition",),
        )
    ),
)

_DEVICES: Final = listed(
    either(
        TEXT,
        Held(
            what="a device",
            properties={"source": TEXT, "target": TEXT, "permissions": TEXT},
            required=("source",),
        ),
    )
)

_ENV_FILES: Final = either(
    TEXT,
    listed(
        either(
            TEXT,
            Held(
                what="a file with variables",
                properties={"path": TEXT, "format": TEXT, "required": TRUTH_OR_TEXT},
                required=("path",),
                extensible=False,
            ),
        )
    ),
)

_EXTENDS: Final = either(
    TEXT,
    Held(
        what="extends",
        properties={"service": TEXT, "file": TEXT},
        required=("service",),
        extensible=False,
    ),
)

_PROVIDER_VALUE: Final = either(TEXT, NUMBER, TRUTH)
_PROVIDER: Final = Held(
    what="a provider",
    properties={
        "type": TEXT,
        "options": mapped(
            either(TEXT, NUMBER, TRUTH, listed(_PROVIDER_VALUE)), names=LINE, free=True
        ),
    },
    required=("type",),
)

_HEALTHCHECK: Final = Held(
    what="a health check",
    properties={
        "disable": TRUTH_OR_TEXT,
        "interval": TEXT,
        "retries": NUMBER_OR_TEXT,
        "test": either(TEXT, TEXTS),
        "timeout": TEXT,
        "start_period": TEXT,
        "start_interval": TEXT,
    },
)

_LOGGING: Final = Held(
    what="logging",
    properties={
        "driver": TEXT,
        "options": mapped(either(TEXT, NUMBER, NOTHING), LINE, free=True),
    },
)

_MODELS: Final = either(
    UNIQUE_TEXTS,
    mapped(
        either(
            NOTHING,
            Held(what="a service's model", properties={"endpoint_var": TEXT, "model_var": TEXT}),
        ),
        free=True,
    ),
)

_UNIQUE_TEXTS_OR_NUMBERS: Final = Listed(of=either(TEXT, NUMBER), unique=True)

SERVICE: Final = Held(
    what="a service",
    properties={
        "develop": DEVELOP,
        "deploy": DEPLOY,
        "annotations": PAIRS,
        "attach": TRUTH_OR_TEXT,
        "build": BUILD,
        "blkio_config": _BLKIO,
        "cap_add": UNIQUE_TEXTS,
        "cap_drop": UNIQUE_TEXTS,
        "cgroup": choice("host", "private"),
        "cgroup_parent": TEXT,
        "command": COMMAND,
        "configs": FILE_REFERENCES,
        "container_name": Text(
            pattern=re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+"),
            form="a letter or digit, then at least one letter, digit, _, . or -",
        ),
        "cpu_count": either(TEXT, Number(whole=True, least=0)),
        "cpu_percent": either(TEXT, Number(whole=True, least=0, most=100)),
        "cpu_shares": NUMBER_OR_TEXT,
        "cpu_quota": NUMBER_OR_TEXT,
        "cpu_period": NUMBER_OR_TEXT,
        "cpu_rt_period": NUMBER_OR_TEXT,
        "cpu_rt_runtime": NUMBER_OR_TEXT,
        "cpus": NUMBER_OR_TEXT,
        "cpuset": TEXT,
        "credential_spec": _CREDENTIALS,
        "depends_on": _DEPENDENCIES,
        "device_cgroup_rules": UNIQUE_TEXTS,
        "devices": _DEVICES,
        "dns": TEXT_OR_TEXTS,
        "dns_opt": UNIQUE_TEXTS,
        "dns_search": TEXT_OR_TEXTS,
        "domainname": TEXT,
        "entrypoint": COMMAND,
        "env_file": _ENV_FILES,
        "label_file": either(TEXT, TEXTS),
        "environment": PAIRS,
        "expose": _UNIQUE_TEXTS_OR_NUMBERS,
        "extends": _EXTENDS,
        "provider": _PROVIDER,
        "external_links": UNIQUE_TEXTS,
        "extra_hosts": HOSTS,
        "gpus": GPUS,
        "group_add": _UNIQUE_TEXTS_OR_NUMBERS,
        "healthcheck": _HEALTHCHECK,
        "hostname": TEXT,
        "image": TEXT,
        "init": TRUTH_OR_TEXT,
        "ipc": TEXT,
        "isolation": TEXT,
        "labels": PAIRS,
        "links": UNIQUE_TEXTS,
        "logging": _LOGGING,
        "mac_address": TEXT,
        "mem_limit": NUMBER_OR_TEXT,
        "mem_reservation": WHOLE_OR_TEXT,
        "mem_swappiness": WHOLE_OR_TEXT,
        "memswap_limit": NUMBER_OR_TEXT,
        "network_mode": TEXT,
        "models": _MODELS,
        "networks": SERVICE_NETWORKS,
        "oom_kill_disable": TRUTH_OR_TEXT,
        "oom_score_adj": either(TEXT, Number(whole=True, least=-1000, most=1000)),
        "pid": either(TEXT, NOTHING),
        "pids_limit": NUMBER_OR_TEXT,
        "platform": TEXT,
        "ports": PORTS,
        "post_start": listed(HOOK),
        "pre_stop": listed(HOOK),
        "privileged": TRUTH_OR_TEXT,
        "profiles": UNIQUE_TEXTS,
        "pull_policy": Text(
            pattern=re.compile(
                r"always|never|build|if_not_present|missing|refresh|daily|weekly"
                r"|every_([0-9]+[wdhms])+"
            ),
            form="always, never, build, if_not_present, missing, refresh, daily, weekly"
            " or every_ with a duration",
        ),
        "pull_refresh_after": TEXT,
        "read_only": TRUTH_OR_TEXT,
        "restart": TEXT,
        "runtime": TEXT,
        "scale": WHOLE_OR_TEXT,
        "security_opt": UNIQUE_TEXTS,
        "shm_size": NUMBER_OR_TEXT,
        "secrets": FILE_REFERENCES,
        "sysctls": PAIRS,
        "stdin_open": TRUTH_OR_TEXT,
        "stop_grace_period": TEXT,
        "stop_signal": TEXT,
        "storage_opt": mapped(ANYTHING, LINE, free=True),
        "tmpfs": TEXT_OR_TEXTS,
        "tty": TRUTH_OR_TEXT,
        "ulimits": ULIMITS,
        "use_api_socket": TRUTH,
        "user": TEXT,
        "uts": TEXT,
        "userns_mode": TEXT,
        "volumes": VOLUMES,
        "volumes_from": UNIQUE_TEXTS,
        "working_dir": TEXT,
    },
)
