"""The form of services."""

from __future__ import annotations

from typing import Final

from dockyard.compose.load.forms.build import BUILD, FILE_REFERENCES, ULIMITS
from dockyard.compose.load.forms.deploy import (
    DEPLOY,
    DEVELOP,
    DEVICE_REQUESTS,
    HEALTHCHECK,
    HOOK,
)
from dockyard.compose.load.forms.kinds import Rows, Table, always, field, kept, record
from dockyard.compose.load.forms.scalars import (
    DURATION,
    SIGNED,
    SINGLE,
    SIZE,
    TEXT,
    TRUTH,
    UNSIGNED_16,
    UNSIGNED_32,
)
from dockyard.compose.load.forms.several import (
    COMMAND,
    ENV_FILE,
    HOSTS,
    LABELS,
    MULTIPLE,
    OPTIONS,
    PLAIN,
    PRINTED_TEXTS,
    TEXT_OR_TEXTS,
    TEXTS,
    VARIABLES,
)

_RATES: Final = Rows(of=record(always("path", TEXT, "Path"), always("rate", SIZE, "Rate")))
_WEIGHTS: Final = Rows(
    of=record(always("path", TEXT, "Path"), always("weight", UNSIGNED_16, "Weight"))
)
_BLKIO: Final = record(
    field("weight", UNSIGNED_16),
    field("weight_device", _WEIGHTS),
    field("device_read_bps", _RATES),
    field("device_read_iops", _RATES),
    field("device_write_bps", _RATES),
    field("device_write_iops", _RATES),
)

_DEPENDENCY: Final = record(
    field("condition", TEXT), field("restart", TRUTH), always("required", TRUTH)
)

_DEVICE: Final = record(field("source", TEXT), field("target", TEXT), field("permissions", TEXT))

_NETWORK: Final = record(
    field("aliases", TEXTS),
    field("driver_opts", OPTIONS),
    field("gw_priority", SIGNED),
    field("interface_name", TEXT),
    field("ipv4_address", TEXT),
    field("ipv6_address", TEXT),
    field("link_local_ips", TEXTS),
    field("mac_address", TEXT),
    field("priority", SIGNED),
)

_PORT: Final = record(
    field("name", TEXT),
    field("mode", TEXT),
    field("host_ip", TEXT),
    field("target", UNSIGNED_32),
    field("published", TEXT),
    field("protocol", TEXT),
    field("app_protocol", TEXT),
)

_VOLUME: Final = record(
    field("type", TEXT),
    field("source", TEXT),
    field("target", TEXT),
    field("read_only", TRUTH),
    field("consistency", TEXT),
    kept(
        "bind",
        record(
            field("selinux", TEXT),
            field("propagation", TEXT),
            field("create_host_path", TRUTH),
            field("recursive", TEXT),
        ),
    ),
    kept("volume", record(field("labels", LABELS), field("nocopy", TRUTH), field("subpath", TEXT))),
    kept("tmpfs", record(field("size", SIZE), field("mode", UNSIGNED_32))),
    kept("image", record(field("subpath", TEXT))),
)

SERVICE: Final = record(
    field("profiles", TEXTS),
    field("annotations", LABELS),
    kept("attach", TRUTH),
    kept("build", BUILD),
    kept("develop", DEVELOP),
    kept("blkio_config", _BLKIO),
    field("cap_add", TEXTS),
    field("cap_drop", TEXTS),
    field("cgroup_parent", TEXT),
    field("cgroup", TEXT),
    field("cpu_count", SIGNED),
    field("cpu_percent", SINGLE),
    field("cpu_period", SIGNED),
    field("cpu_quota", SIGNED),
    field("cpu_rt_period", SIGNED),
    field("cpu_rt_runtime", SIGNED),
    field("cpus", SINGLE),
    field("cpuset", TEXT),
    field("cpu_shares", SIGNED),
    always("command", COMMAND),
    field("configs", FILE_REFERENCES),
    field("container_name", TEXT),
    kept(
        "credential_spec",
        record(field("config", TEXT), field("file", TEXT), field("registry", TEXT)),
    ),
    field("depends_on", Table(of=_DEPENDENCY)),
    kept("deploy", DEPLOY),
    field("device_cgroup_rules", TEXTS),
    field("devices", Rows(of=_DEVICE)),
    field("dns", TEXT_OR_TEXTS),
    field("dns_opt", TEXTS),
    field("dns_search", TEXT_OR_TEXTS),
    field("domainname", TEXT),
    always("entrypoint", COMMAND),
    kept("provider", record(field("type", TEXT), field("options", MULTIPLE))),
    field("environment", VARIABLES),
    field("env_file", Rows(of=ENV_FILE)),
    field("expose", PRINTED_TEXTS),
    kept("extends", record(field("file", TEXT), field("service", TEXT))),
    field("external_links", TEXTS),
    field("extra_hosts", HOSTS),
    field("group_add", TEXTS),
    field("gpus", DEVICE_REQUESTS),
    field("hostname", TEXT),
    kept("healthcheck", HEALTHCHECK),
    field("image", TEXT),
    kept("init", TRUTH),
    field("ipc", TEXT),
    field("isolation", TEXT),
    field("labels", LABELS),
    field("label_file", TEXTS),
    field("links", TEXTS),
    kept("logging", record(field("driver", TEXT), field("options", OPTIONS))),
    field("mem_limit", SIZE),
    field("mem_reservation", SIZE),
    field("memswap_limit", SIZE),
    field("mem_swappiness", SIZE),
    field("mac_address", TEXT),
    field(
        "models",
        Table(of=record(field("endpoint_var", TEXT), field("model_var", TEXT)), nullable=True),
    ),
    field("network_mode", TEXT),
    field("networks", Table(of=_NETWORK, nullable=True)),
    field("oom_kill_disable", TRUTH),
    field("oom_score_adj", SIGNED),
    field("pid", TEXT),
    field("pids_limit", SIGNED),
    field("platform", TEXT),
    field("ports", Rows(of=_PORT)),
    field("privileged", TRUTH),
    field("pull_policy", TEXT),
    field("read_only", TRUTH),
    field("restart", TEXT),
    field("runtime", TEXT),
    kept("scale", SIGNED),
    field("secrets", FILE_REFERENCES),
    field("security_opt", TEXTS),
    field("shm_size", SIZE),
    field("stdin_open", TRUTH),
    kept("stop_grace_period", DURATION),
    field("stop_signal", TEXT),
    field("storage_opt", PLAIN),
    field("sysctls", LABELS),
    field("tmpfs", TEXT_OR_TEXTS),
    field("tty", TRUTH),
    field("ulimits", ULIMITS),
    field("use_api_socket", TRUTH),
    field("user", TEXT),
    field("userns_mode", TEXT),
    field("uts", TEXT),
    field("volumes", Rows(of=_VOLUME)),
    field("volumes_from", TEXTS),
    field("working_dir", TEXT),
    field("post_start", Rows(of=HOOK)),
    field("pre_stop", Rows(of=HOOK)),
)
