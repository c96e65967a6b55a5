from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dockyard.audit import containers, host, images
from dockyard.audit.model import FileFacts, HostFacts, ImageFacts
from dockyard.containers.model import Container, Mount, Options
from dockyard.containers.options import (
    Devices,
    Namespaces,
    Networking,
    Resources,
    Restart,
    Security,
)
from dockyard.networks.model import PortMapping
from dockyard.oci.image import ExecutionConfig, Healthcheck, History, ImageConfig

TIGHT = Options(
    read_only=True,
    resources=Resources(memory=1 << 30, cpus=1.0, pids_limit=100),
)


def container(options: Options = TIGHT, **fields: Any) -> Container:
    given: dict[str, Any] = {
        "id": "a" * 64, "name": "subject", "image_id": "sha256:0", "image_name": "image",
        "state": "running", "created": 0, "options": options,
        "healthcheck": Healthcheck(test=("CMD", "true")),
    }  # fmt: skip
    return Container(**given | fields)


def rules_of(subject: Container, **more: bool) -> dict[str, str]:
    return {one.rule: one.level for one in containers.findings(subject, **more)}


def change(**fields: Any) -> Options:
    return msgspec.structs.replace(TIGHT, **fields)


def test_a_tight_container_has_no_findings() -> None:
    assert rules_of(container(), has_apparmor=True) == {}


def test_a_container_by_default() -> None:
    assert rules_of(container(Options(), healthcheck=None)) == {
        "5.11": "medium", "5.12": "low", "5.29": "medium", "5.13": "low", "5.27": "low",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("options", "rule", "level"),
    [
        (change(security=Security(privileged=True)), "5.5", "high"),
        (change(security=Security(cap_add=("NET_BIND_SERVICE",))), "5.4", "low"),
        (change(security=Security(cap_add=("cap_sys_admin",))), "5.4", "high"),
        (change(security=Security(options=("seccomp=unconfined",))), "5.22", "high"),
        (change(security=Security(options=("seccomp:unconfined",))), "5.22", "high"),
        (change(security=Security(options=("no-new-privileges=false",))), "5.26", "medium"),
        (change(devices=Devices(cdi=("example.org/gpu=0",))), "5.18", "medium"),
        (change(namespaces=Namespaces(pid="host")), "5.16", "high"),
        (change(namespaces=Namespaces(ipc="host")), "5.17", "medium"),
        (change(namespaces=Namespaces(uts="host")), "5.21", "medium"),
        (change(networking=Networking(network="host")), "5.10", "medium"),
        (change(networking=Networking(ports=(PortMapping(container_port=80, host_port=8080),))),
         "5.14", "low"),
        (change(networking=Networking(ports=(
            PortMapping(container_port=80, host_port=80, host_ip="127.0.0.1"),))), "5.8", "low"),
        (change(restart=Restart(policy="on-failure")), "5.15", "low"),
        (change(mounts=(Mount(kind="bind", source="/etc", target="/x"),)), "5.6", "high"),
        (change(mounts=(Mount(kind="bind", source="/etc/", target="/x", read_only=True),)),
         "5.6", "medium"),
        (change(mounts=(Mount(kind="bind", source="/run/docker.sock", target="/x"),)),
         "5.32", "high"),
        (change(mounts=(Mount(kind="bind", source="/d", target="/x", options=("rshared",)),)),
         "5.20", "medium"),
    ],
)  # fmt: skip
def test_each_rule_is_broken_alone(options: Options, rule: str, level: str) -> None:
    assert rules_of(container(options)) == {rule: level}


def test_what_is_published_on_one_address_is_fine() -> None:
    port = PortMapping(container_port=80, host_port=8080, host_ip="127.0.0.1")
    assert rules_of(container(change(networking=Networking(ports=(port,))))) == {}


def test_an_ssh_server() -> None:
    assert rules_of(container(args=("/usr/sbin/sshd", "-D"))) == {"5.7": "medium"}


GOOD_IMAGE = ImageConfig(
    architecture="amd64",
    config=ExecutionConfig(user="app", healthcheck=Healthcheck(test=("CMD", "true"))),
)
NO_FILES = ImageFacts(name="image", setuid=())


def image_rules(facts: ImageFacts = NO_FILES, *, history: str = "", **fields: Any) -> list[str]:
    config = msgspec.structs.replace(GOOD_IMAGE.config, **fields)
    lines = (History(created_by=history),) if history else ()
    whole = msgspec.structs.replace(GOOD_IMAGE, config=config, history=lines)
    return [one.rule for one in images.findings(whole, facts)]


def test_a_good_image_has_no_findings() -> None:
    assert image_rules() == []


@pytest.mark.parametrize("user", ["", "root", "0:0", "root:staff"])
def test_root_in_an_image(user: str) -> None:
    assert image_rules(user=user) == ["4.1"]


def test_no_health_check() -> None:
    assert image_rules(healthcheck=None) == ["4.6"]
    assert image_rules(healthcheck=Healthcheck(test=("NONE",))) == ["4.6"]


@pytest.mark.parametrize("name", ["DB_PASSWORD", "API_KEY", "APIKEY", "github_token", "AWS_SECRET"])
def test_a_secret_in_the_environment(name: str) -> None:
    assert image_rules(env=(f"{name}=x",)) == ["4.10"]


@pytest.mark.parametrize("entry", ["TOKENIZERS_PARALLELISM=0", "PATH=/bin", "PASSWORD=", "KEY=1"])
def test_what_only_looks_like_a_secret(entry: str) -> None:
    assert image_rules(env=(entry,)) == []


@pytest.mark.parametrize(
    ("line", "rules"),
    [
        ("RUN /bin/sh -c apt-get update", ["4.7"]),
        ("RUN /bin/sh -c apt-get update -y # buildkit", ["4.7"]),
        ("RUN /bin/sh -c apt-get update && apt-get install -y curl", []),
        ("ADD file /", ["4.9"]),
        ("ADD rootfs.tar.gz /", []),
        ("COPY file /", []),
        ("RUN /bin/sh -c curl -H AKIAABCDEFGHIJKLMNOP x", ["4.10"]),
    ],
)
def test_lines_of_the_history(line: str, rules: list[str]) -> None:
    assert image_rules(history=line) == rules


def test_setuid_programs_are_counted() -> None:
    facts = ImageFacts(name="image", setuid=tuple(f"/bin/{n}" for n in range(7)))
    (found,) = images.findings(GOOD_IMAGE, facts)
    assert found.rule == "4.8"
    assert "/bin/4 and 2 more" in found.message


GOOD_HOST = HostFacts(
    files=(FileFacts("/r", 0, 0o700),),
    own_filesystem=True,
    seccomp=True,
    publish_address="127.0.0.1",
    controllers=frozenset({"memory", "cpu", "pids"}),
    sysctls={"kernel.dmesg_restrict": "1"},
)


def test_a_good_host() -> None:
    assert host.findings(GOOD_HOST) == []


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"files": (FileFacts("/r", 1000, 0o700),)}, "3.1"),
        ({"files": (FileFacts("/r", 0, 0o750),)}, "3.2"),
        ({"own_filesystem": False}, "1.1.1"),
        ({"seccomp": False}, "2.16"),
        ({"publish_address": "0.0.0.0"}, "5.14"),
        ({"controllers": frozenset({"cpu"})}, "5.11"),
        ({"sysctls": {"kernel.dmesg_restrict": "0"}}, "1.1.2"),
    ],
)
def test_a_host_with_one_fault(change: dict[str, Any], rule: str) -> None:
    (found,) = host.findings(msgspec.structs.replace(GOOD_HOST, **change))
    assert found.rule == rule
    assert found.mend
