"""From a service to what the engine is asked for."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.compose import ROOM, hash_of, made, project

from dockyard.compose import labels
from dockyard.compose.desired import files, mounts, shared
from dockyard.compose.desired.service import desired
from dockyard.containers.options import (
    DeviceMapping,
    DeviceRate,
    Mount,
    Options,
    Restart,
    Ulimit,
)
from dockyard.devices.request import GpuRequest
from dockyard.errors import InvalidInput, NotSupported
from dockyard.networks.model import Connection, PortMapping


def options(service: dict[str, Any], **more: Any) -> Options:
    return made(project({"web": service}, **more), "web")


def test_a_container_has_dockers_names_and_labels() -> None:
    found = made(
        project({"web": {"depends_on": {"db": {"condition": "service_healthy", "restart": True}}},
                 "db": {}}, working_dir="/app", files=["/app/compose.yaml", "/app/more.yaml"]),
        "web", 2,
    )  # fmt: skip

    assert found.name == "demo-web-2"
    own = {name.removeprefix(labels.PREFIX): value for name, value in found.labels.items()}
    assert own | {"config-hash": "", "image": ""} == {
        "project": "demo", "service": "web", "container-number": "2", "oneoff": "False",
        "config-hash": "", "image": "", "version": "2.40.3",
        "depends_on": "db:service_healthy:true", "project.working_dir": "/app",
        "project.config_files": "/app/compose.yaml,/app/more.yaml",
    }  # fmt: skip
    assert len(found.labels[labels.HASH]) == 64


def test_a_name_of_its_own_is_kept() -> None:
    assert options({"container_name": "db"}).name == "db"


def test_plain_properties_are_taken_over() -> None:
    found = options({
        "command": ["sleep", "9"], "entrypoint": [], "environment": {"A": "1", "GONE": None},
        "hostname": "h", "domainname": "d", "user": "1:2", "group_add": ["7"],
        "working_dir": "/w", "read_only": True, "init": True, "stop_signal": "SIGINT",
        "stop_grace_period": "1m30s", "tty": True, "stdin_open": True, "privileged": True,
        "cap_add": ["NET_ADMIN"], "cap_drop": ["ALL"], "security_opt": ["no-new-privileges"],
        "runtime": "crun", "platform": "linux/amd64", "annotations": {"a": "b"},
        "labels": {"mine": "yes"}, "pid": "host", "ipc": "shareable", "uts": "host",
        "userns_mode": "host", "cgroup": "private", "sysctls": {"net.core.somaxconn": "9"},
        "logging": {"driver": "none", "options": {}}, "volumes_from": ["container:x:ro"],
    })  # fmt: skip

    assert (found.command, found.entrypoint) == (("sleep", "9"), ())
    assert found.env == ("A=1", "GONE")
    assert (found.hostname, found.domainname, found.user, found.groups) == ("h", "d", "1:2", ("7",))
    assert (found.working_dir, found.read_only, found.init) == ("/w", True, True)
    assert (found.stop_signal, found.stop_timeout) == ("SIGINT", 90)
    assert (found.console.tty, found.console.interactive) == (True, True)
    assert found.security.privileged
    assert (found.security.cap_add, found.security.cap_drop) == (("NET_ADMIN",), ("ALL",))
    assert found.security.options == ("no-new-privileges",)
    assert (found.runtime, found.platform) == ("crun", "linux/amd64")
    assert (found.annotations, found.labels["mine"]) == ({"a": "b"}, "yes")
    spaces = found.namespaces
    assert (spaces.pid, spaces.ipc, spaces.uts, spaces.user, spaces.cgroup) == (
        "host", "shareable", "host", "host", "private",
    )  # fmt: skip
    assert spaces.sysctls == {"net.core.somaxconn": "9"}
    assert (found.logging.driver, found.volumes_from) == ("none", ("x:ro",))


def test_limits_of_deploy_come_before_those_of_the_service() -> None:
    found = options({
        "mem_limit": "100", "cpus": 2.0, "pids_limit": 5, "mem_reservation": "7",
        "memswap_limit": "-1", "shm_size": "67108865", "oom_score_adj": 3, "cpuset": "0-1",
        "cpu_shares": 9, "ulimits": {"nofile": {"soft": 1, "hard": 2}, "nproc": 3},
        "blkio_config": {"weight": 10, "device_read_bps": [{"Path": "/dev/sda", "Rate": "9"}]},
        "deploy": {"placement": {}, "resources": {
            "limits": {"memory": "200", "cpus": 0.5, "pids": 6}, "reservations": {"memory": "8"},
        }},
    }).resources  # fmt: skip

    assert (found.memory, found.cpus, found.pids_limit) == (200, 0.5, 6)
    assert (found.memory_reservation, found.memory_swap, found.shm_size) == (8, -1, 67108865)
    assert (found.oom_score_adj, found.cpuset_cpus, found.cpu_shares) == (3, "0-1", 9)
    assert found.ulimits == (Ulimit("nofile", 1, 2), Ulimit("nproc", 3, 3))
    assert (found.blkio_weight, found.device_read_bps) == (10, (DeviceRate("/dev/sda", 9),))


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({}, Restart()),
        ({"restart": "on-failure:3"}, Restart(policy="on-failure", max_retries=3)),
        ({"restart": "no", "deploy": {"restart_policy": {"condition": "any"}}},
         Restart(policy="always")),
        ({"deploy": {"restart_policy": {"condition": "on-failure", "max_attempts": 2}}},
         Restart(policy="on-failure", max_retries=2)),
        ({"deploy": {"restart_policy": {}}}, Restart(policy="always")),
        ({"deploy": {"restart_policy": {"condition": "none", "max_attempts": 2}}}, Restart()),
    ],
)  # fmt: skip
def test_restart_policies(given: dict[str, Any], wanted: Restart) -> None:
    assert options(given).restart == wanted


@pytest.mark.parametrize(
    ("given", "command", "arguments", "disabled"),
    [
        ({"test": ["CMD", "true", "x y"]}, None, ("true", "x y"), False),
        ({"test": ["CMD-SHELL", "exit 1"]}, "exit 1", (), False),
        ({"test": ["NONE"]}, None, (), True),
        ({"disable": True}, None, (), True),
        ({"interval": "5s"}, None, (), False),
    ],
)
def test_health_checks(
    given: dict[str, Any], command: str | None, arguments: tuple[str, ...], disabled: bool
) -> None:
    found = options({"healthcheck": given}).health

    assert (found.command, found.arguments, found.disabled) == (command, arguments, disabled)
    assert found.interval == (5 * 10**9 if "interval" in given else None)


def test_networks_and_their_names() -> None:
    found = options(
        {"networks": {"front": {"aliases": ["www"], "gw_priority": 5, "interface_name": "up0",
                                "ipv4_address": "10.0.0.5"},
                      "back": {"priority": 10}},
         "mac_address": "02:42:ac:11:00:03"},
        networks={"front": {"name": "demo_front", "ipam": {}},
                  "back": {"name": "other", "ipam": {}, "external": True}},
    ).networking  # fmt: skip

    assert found.network == "other"
    assert found.connections == (
        Connection(network="other", aliases=("web",), mac="02:42:ac:11:00:03"),
        Connection(network="demo_front", aliases=("web", "www"), ip="10.0.0.5", interface="up0",
                   priority=5),
    )  # fmt: skip


def test_others_are_found_by_the_names_of_links() -> None:
    found = project({"db": {}, "web": {"links": ["db:database"]}, "api": {"links": ["db"]}})

    connections = made(found, "db").networking.connections or ()

    assert connections[0].aliases == ("db", "database")


@pytest.mark.parametrize(
    ("mode", "network"),
    [("none", "none"), ("host", "host"), ("bridge", "bridge"), ("container:x", "container:x"),
     ("service:db", "container:demo-db-1")],
)  # fmt: skip
def test_network_modes(mode: str, network: str) -> None:
    found = made(project({"web": {"network_mode": mode}, "db": {}}), "web").networking

    assert (found.network, found.connections) == (network, None)


def test_namespaces_and_volumes_of_other_services() -> None:
    found = made(
        project({"web": {"pid": "service:db", "ipc": "service:db", "volumes_from": ["db:ro"]},
                 "db": {"container_name": "mine"}}), "web",
    )  # fmt: skip

    assert (found.namespaces.pid, found.namespaces.ipc) == ("container:mine",) * 2
    assert found.volumes_from == ("mine:ro",)


def test_ports_and_hosts() -> None:
    found = options({
        "ports": [{"target": 80, "published": "8080", "host_ip": "127.0.0.1", "protocol": "tcp"},
                  {"target": 53, "published": "5000-5010", "protocol": "udp"}, {"target": 9}],
        "expose": ["3000", "4000-4001/udp"], "extra_hosts": ["db=10.0.0.1", "up=host-gateway"],
        "dns": ["1.1.1.1"], "dns_search": ["x"], "dns_opt": ["ndots:1"],
    }).networking  # fmt: skip

    assert found.ports == (
        PortMapping(container_port=80, host_port=8080, host_ip="127.0.0.1"),
        PortMapping(container_port=53, host_port=5000, last_host_port=5010, protocol="udp"),
        PortMapping(container_port=9),
    )
    assert found.exposed_ports == ("3000/tcp", "4000/udp", "4001/udp")
    assert found.extra_hosts == ("db:10.0.0.1", "up:host-gateway")
    assert (found.dns, found.dns_search, found.dns_options) == (("1.1.1.1",), ("x",), ("ndots:1",))


def test_mounts() -> None:
    found = options(
        {"volumes": [
            {"type": "bind", "source": "/here", "target": "/a", "read_only": True,
             "bind": {"create_host_path": True}},
            {"type": "bind", "source": "/here", "target": "/b",
             "bind": {"propagation": "rshared"}},
            {"type": "volume", "source": "data", "target": "/c", "volume": {"nocopy": True}},
            {"type": "volume", "target": "/d"},
            {"type": "tmpfs", "target": "/e", "tmpfs": {"size": "64", "mode": 0o1777}}],
         "tmpfs": ["/f:size=1m"]},
        volumes={"data": {"name": "demo_data"}},
    ).mounts  # fmt: skip

    assert found[:5] == (
        Mount(kind="bind", source="/here", target="/a", read_only=True, create_source=True),
        Mount(kind="bind", source="/here", target="/b", options=("rbind", "rshared")),
        Mount(kind="volume", source="demo_data", target="/c", no_copy=True),
        Mount(kind="volume", target="/d"),
        Mount(kind="tmpfs", target="/e", size=64, mode=0o1777),
    )
    assert (found[5].kind, found[5].target, found[5].size) == ("tmpfs", "/f", 1 << 20)


def test_gpus_and_devices() -> None:
    found = options({
        "gpus": [{"count": -1}],
        "deploy": {"placement": {}, "resources": {"reservations": {"devices": [
            {"capabilities": ["gpu", "utility"], "driver": "nvidia", "device_ids": ["0", "1"]},
            {"capabilities": ["x"], "driver": "cdi", "device_ids": ["vendor.com/net=eth0"]},
        ]}}},
        "devices": [{"source": "/dev/fuse", "target": "/dev/fuse", "permissions": "rw"},
                    {"source": "vendor.com/gpu=0", "target": "vendor.com/gpu=0"}],
        "device_cgroup_rules": ["c 1:3 r"],
    }).devices  # fmt: skip

    assert found.gpus == (
        GpuRequest(count=-1),
        GpuRequest(ids=("0", "1"), driver="nvidia", capabilities=("utility",)),
        GpuRequest(ids=("vendor.com/net=eth0",), driver="cdi", capabilities=("x",)),
    )
    assert found.mappings == (DeviceMapping("/dev/fuse", "/dev/fuse", "rw"),)
    assert (found.cdi, found.cgroup_rules) == (("vendor.com/gpu=0",), ("c 1:3 r",))


def test_models_are_mounted_and_named_by_variables() -> None:
    found = options(
        {"models": {"my-llm": None, "other": {"model_var": "WHICH"}}},
        models={"my-llm": {"name": "my-llm", "model": "ai/smol:1"},
                "other": {"name": "other", "model": "ai/big"}},
    )  # fmt: skip

    assert found.mounts == (
        Mount(kind="model", source="ai/smol:1", target="/models/my-llm", read_only=True),
        Mount(kind="model", source="ai/big", target="/models/other", read_only=True),
    )
    assert found.env == (
        "MY_LLM_MODEL=ai/smol:1", "MY_LLM_PATH=/models/my-llm", "OTHER_PATH=/models/other",
        "WHICH=ai/big",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("service", "message"),
    [
        ({"volumes": [{"type": "image", "source": "x", "target": "/x"}]},
         r"services\.web\.volumes\[0\]\.type: mounts of type image are not supported"),
        ({"volumes": [{"type": "volume", "target": "x"}]},
         r"services\.web\.volumes\[0\]\.target: mount path must be absolute"),
        ({"ports": [{"target": 1, "protocol": "sctp"}]}, r"services\.web\.ports\[0\]\.protocol"),
        ({"ports": [{"target": 1, "published": "x"}]}, r"services\.web\.ports\[0\]\.published"),
        ({"expose": ["x"]}, r"services\.web\.expose\[0\]: invalid range"),
        ({"restart": "sometimes"}, r"services\.web\.restart: invalid restart policy"),
        ({"healthcheck": {"test": ["true"]}}, r"services\.web\.healthcheck\.test"),
        ({"gpus": [{"count": 1, "device_ids": ["0"]}]}, r"services\.web\.gpus\[0\]"),
        ({"networks": {"default": {"mac_address": "x"}}}, r"services\.web\.networks\.default: x"),
        ({"networks": {"default": {"link_local_ips": ["169.254.1.1"]}}}, "link_local_ips"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_named_by_its_path(service: dict[str, Any], message: str) -> None:
    with pytest.raises((InvalidInput, NotSupported), match=message):
        options(service)


def secretive(**more: Any) -> Any:
    return desired(
        found := project(
            {"web": {"secrets": [{"source": "token"}, {"source": "file", "target": "here"}],
                     "configs": [{"source": "conf", "target": "/etc/conf", "mode": "0400",
                                  "uid": "7"}]}},
            secrets={"token": {"name": "t", "environment": "TOKEN"},
                     "file": {"name": "f", "file": "/host/file"}},
            configs={"conf": {"name": "c", "content": "a=1"}},
            environment=more.get("environment", {"TOKEN": "hunter2"}),
        ), found.services["web"], ROOM,
    )  # fmt: skip


def test_secrets_and_configs_are_files_that_say_nothing_in_their_names() -> None:
    found = secretive()

    token, conf = found.files
    assert (token.content, token.uid, token.gid, token.mode) == (b"hunter2", 0, 0, 0o444)
    assert (conf.content, conf.uid, conf.mode) == (b"a=1", 7, 0o400)
    assert found.options.mounts == (
        Mount(kind="bind", source=token.path, target="/run/secrets/token", read_only=True),
        Mount(kind="bind", source="/host/file", target="/run/secrets/here", read_only=True),
        Mount(kind="bind", source=conf.path, target="/etc/conf", read_only=True),
    )
    assert "hunter2" not in f"{found}{token}"
    other = secretive(environment={"TOKEN": "other"})
    assert (other.files[1], other.hash != found.hash) == (conf, True)


def test_a_secret_without_its_variable_is_refused() -> None:
    with pytest.raises(InvalidInput, match='secret token: environment variable "TOKEN" is not set'):
        secretive(environment={})


def test_external_secrets_are_refused() -> None:
    found = project(
        {"web": {"secrets": [{"source": "x"}]}}, secrets={"x": {"name": "x", "external": True}}
    )
    with pytest.raises(NotSupported, match=r"secrets\.x\.external"):
        files.mounted(found, found.services["web"], ROOM)


def test_what_was_mounted_without_a_name_is_mounted_again() -> None:
    wanted = (
        Mount(kind="volume", target="/own"),
        Mount(kind="volume", source="n", target="/named"),
    )
    before = (
        Mount(kind="volume", source="a" * 64, target="/own"),
        Mount(kind="volume", source="b" * 64, target="/image"),
        Mount(kind="volume", source="c" * 64, target="/old"),
        Mount(kind="volume", source="d", target="/named"),
        Mount(kind="tmpfs", target="/tmp"),
    )

    assert mounts.inherited(wanted, ("/image", "/named"), before) == (
        Mount(kind="volume", source="a" * 64, target="/own"),
        Mount(kind="volume", source="n", target="/named"),
        Mount(kind="volume", source="b" * 64, target="/image"),
    )


def test_networks_and_volumes_as_the_engine_is_asked_for_them() -> None:
    found = project(
        {"web": {"networks": {"inner": None}, "volumes": [
            {"type": "volume", "source": "data", "target": "/data"}]}},
        networks={
            "inner": {"name": "demo_inner", "internal": True, "enable_ipv6": True,
                      "labels": {"a": "b"},
                      "driver_opts": {"com.docker.network.driver.mtu": "1400"},
                      "ipam": {"config": [{"subnet": "10.9.0.0/24", "gateway": "10.9.0.9",
                                           "ip_range": "10.9.0.128/25",
                                           "aux_addresses": {"x": "10.9.0.5"}}]}},
            "unused": {"name": "demo_unused", "ipam": {}},
        },
        volumes={"data": {"name": "demo_data", "labels": {"c": "d"}}, "unused": {"name": "u"}},
    )  # fmt: skip

    network, volume = shared.network(found, "inner"), shared.volume(found, "data")

    assert (shared.used_networks(found), shared.used_volumes(found)) == (("inner",), ("data",))
    assert (network.name, network.internal, network.ipv6) == ("demo_inner", True, True)
    assert (network.subnets, network.gateways) == (("10.9.0.0/24",), ("10.9.0.9",))
    assert (network.ip_ranges, network.auxiliary) == (("10.9.0.128/25",), {"x": "10.9.0.5"})
    assert network.labels["a"] == "b"
    assert (network.labels[labels.PROJECT], network.labels[labels.NETWORK]) == ("demo", "inner")
    assert (volume.name, volume.labels["c"], volume.labels[labels.VOLUME]) == (
        "demo_data", "d", "data",
    )  # fmt: skip
    assert volume.hash


@pytest.mark.parametrize(
    "change",
    [{"environment": {"A": "2"}}, {"image": "other"}, {"command": ["x"]}, {"cpus": 1.0},
     {"ports": [{"target": 80}]}, {"post_start": [{"command": ["x"]}]}, {"container_name": "n"},
     {"labels": {"a": "b"}}, {"networks": {"default": {"aliases": ["y"]}}}],
)  # fmt: skip
def test_the_hash_changes_with_what_a_container_is_made_of(change: dict[str, Any]) -> None:
    base = {"environment": {"A": "1"}}

    assert hash_of(project({"web": base}), "web") != hash_of(project({"web": base | change}), "web")


@pytest.mark.parametrize(
    "change",
    [{"build": {"context": "."}}, {"pull_policy": "always"}, {"scale": 3}, {"profiles": ["x"]},
     {"depends_on": ["db"]}, {"deploy": {"replicas": 3, "placement": {}}}, {"attach": False},
     {"develop": {"watch": []}}, {"environment": {"B": "2", "A": "1"}}, {"x-note": "y"}],
)  # fmt: skip
def test_the_hash_stays_with_what_only_says_how_it_comes_up(change: dict[str, Any]) -> None:
    base = {"environment": {"A": "1", "B": "2"}}
    services = {"web": base, "db": {}}

    assert hash_of(project(services), "web") == hash_of(
        project(services | {"web": base | change}), "web"
    )
