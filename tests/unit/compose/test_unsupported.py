"""Nothing that a file says is dropped without a word."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.support.compose import made, project

from dockyard.compose import unsupported
from dockyard.compose.model.service import Service
from dockyard.errors import NotSupported

SAMPLES: dict[str, Any] = {
    "credential_spec": {"config": "x"}, "cpu_count": 2, "cpu_percent": 0.5, "isolation": "hyperv",
    "provider": {"type": "x"}, "storage_opt": {"size": "1g"}, "use_api_socket": True,
    "external_links": ["db:other"],
}  # fmt: skip
ELSEWHERE = {
    "name", "image", "build", "pull_policy", "platform", "attach", "develop", "profiles", "scale",
    "container_name", "depends_on", "deploy", "env_file", "label_file", "extensions", "links",
    "post_start", "pre_stop", "mac_address",
}  # fmt: skip
"""What says how images and containers come to be, and is looked at apart from their options."""
GIVEN: dict[str, Any] = {
    "annotations": {"a": "b"}, "blkio_config": {"weight": 10}, "cap_add": ["ALL"],
    "cap_drop": ["ALL"], "cgroup": "host", "cgroup_parent": "/x", "command": ["x"],
    "configs": [{"source": "conf"}], "cpu_period": 5000, "cpu_quota": 5000, "cpu_rt_period": 5,
    "cpu_rt_runtime": 5, "cpu_shares": 5, "cpus": 1.5, "cpuset": "0", "domainname": "d",
    "device_cgroup_rules": ["c 1:3 r"], "devices": [{"source": "/dev/fuse"}], "dns": ["1.1.1.1"],
    "dns_opt": ["x"], "dns_search": ["x"], "entrypoint": ["x"], "environment": {"A": "1"},
    "expose": ["1"], "extra_hosts": ["a=1.1.1.1"], "gpus": [{"count": 1}], "group_add": ["1"],
    "healthcheck": {"test": ["CMD", "x"]}, "hostname": "h", "init": True, "ipc": "host",
    "labels": {"a": "b"}, "logging": {"driver": "none"}, "mem_limit": "9", "mem_reservation": "9",
    "mem_swappiness": "9", "memswap_limit": "9", "models": {"m": None}, "network_mode": "host",
    "networks": {"other": None}, "oom_kill_disable": True, "oom_score_adj": 5, "pid": "host",
    "pids_limit": 5, "ports": [{"target": 1}], "privileged": True, "read_only": True,
    "restart": "always", "runtime": "x", "secrets": [{"source": "conf"}], "security_opt": ["a=b"],
    "shm_size": "9", "stdin_open": True, "stop_grace_period": "3s", "stop_signal": "SIGINT",
    "sysctls": {"net.a": "1"}, "tmpfs": ["/x"], "tty": True, "ulimits": {"nofile": 5}, "user": "1",
    "userns_mode": "host", "uts": "host", "volumes": [{"type": "volume", "target": "/x"}],
    "volumes_from": ["container:x"], "working_dir": "/x",
}  # fmt: skip


def whole(service: dict[str, Any]) -> Any:
    return project(
        {"web": service},
        networks={"default": {"name": "d", "ipam": {}}, "other": {"name": "o", "ipam": {}}},
        models={"m": {"name": "m", "model": "ai/m"}},
        configs={"conf": {"name": "c", "content": "x"}},
        secrets={"conf": {"name": "c", "file": "/f"}},
    )  # fmt: skip


@pytest.mark.parametrize("field", [one.name for one in msgspec.structs.fields(Service)])
def test_each_property_has_an_effect_or_is_refused(field: str) -> None:
    if field in ELSEWHERE:
        return
    if field in unsupported.REFUSED:
        with pytest.raises(NotSupported, match=rf"services\.web\.{field}: ") as caught:
            unsupported.refuse(whole({field: SAMPLES[field]}))
        assert caught.value.hint
        return
    before, after = made(whole({}), "web"), made(whole({field: GIVEN[field]}), "web")
    plain = {"labels": {"a": before.labels.get("a", "")}}
    changed = {"labels": {"a": after.labels.get("a", "")}}
    assert msgspec.to_builtins(before) | plain != msgspec.to_builtins(after) | changed


def test_an_ordinary_project_is_neither_refused_nor_warned_of() -> None:
    ordinary = project({"web": {
        "ports": [{"target": 80, "published": "8080", "mode": "ingress", "protocol": "tcp"}],
        "deploy": {"replicas": 2, "placement": {}, "resources": {"limits": {"cpus": 0.5}},
                   "restart_policy": {"condition": "on-failure", "max_attempts": 3}},
        "isolation": "default", "external_links": ["db"],
        "volumes": [{"type": "volume", "source": "data", "target": "/data", "volume": {}}],
    }})  # fmt: skip

    unsupported.refuse(ordinary)
    assert unsupported.warnings(ordinary) == ()


def test_what_has_no_effect_is_named() -> None:
    found = project(
        {"web": {
            "deploy": {"mode": "global", "endpoint_mode": "vip", "labels": {"a": "b"},
                       "placement": {"constraints": ["x"]}, "update_config": {
                           "monitor": "1s", "max_failure_ratio": 0.5,
                           "failure_action": "rollback", "order": "start-first"},
                       "rollback_config": {"parallelism": 1},
                       "restart_policy": {"delay": "1s", "window": "1s", "max_attempts": 3},
                       "resources": {"reservations": {"cpus": 1.0}}},
            "ports": [{"target": 80, "app_protocol": "http", "published": "80"}],
            "secrets": [{"source": "s", "mode": "0400"}],
            "models": {"llm": {"endpoint_var": "URL"}},
        }},
        networks={"default": {"name": "n", "ipam": {}, "attachable": True}},
        secrets={"s": {"name": "s", "file": "/s"}},
        models={"llm": {"name": "llm", "model": "ai/x", "context_size": 9, "runtime_flags": ["a"]}},
    )  # fmt: skip

    named = {sentence.partition(" ")[0] for sentence in unsupported.warnings(found)}

    deploy = "services.web.deploy."
    assert named == {
        deploy + "mode", deploy + "endpoint_mode", deploy + "labels", deploy + "placement",
        deploy + "update_config.max_failure_ratio",
        deploy + "update_config.failure_action", deploy + "update_config.order",
        deploy + "rollback_config", deploy + "restart_policy.delay",
        deploy + "restart_policy.window", deploy + "restart_policy.max_attempts",
        deploy + "resources.reservations.cpus",
        "services.web.ports[0].app_protocol", "services.web.secrets[0].mode",
        "services.web.models.llm.endpoint_var", "networks.default.attachable",
        "models.llm.context_size", "models.llm.runtime_flags",
    }  # fmt: skip
