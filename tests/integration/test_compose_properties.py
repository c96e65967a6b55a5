"""Properties of a Compose file's services, seen from within a container."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.roots import Command, Root

FILE = """
name: kept
services:
  app:
    image: busybox
    command: sleep 300
    init: true
    hostname: inside
    working_dir: /tmp
    user: "1000:1001"
    group_add: ["50"]
    tmpfs: /scratch:size=1m
    shm_size: 2mb
    sysctls: {net.ipv4.ip_unprivileged_port_start: 99}
    ulimits: {nofile: {soft: 1234, hard: 2345}}
    cap_drop: [ALL]
    read_only: true
    dns: [192.0.2.53]
    dns_search: [example.org]
    extra_hosts: ["other:192.0.2.1"]
    environment: {A: "1"}
    env_file: [app.env]
    gpus: [{driver: nvidia, device_ids: ["0"]}]
    devices: ["/dev/zero:/dev/nought:r", "other.org/nic=port0"]
    models: {llm: {model_var: MODEL}}
    deploy: {resources: {limits: {memory: 64M, pids: 50}}}
models: {llm: {model: "hf-like/tiny:1"}}
"""
SCRIPT = """
hostname; pwd; id -u; id -g; id -G
awk '/open files/ {print $4, $5}' /proc/1/limits; cat /proc/sys/net/ipv4/ip_unprivileged_port_start
df -k /scratch /dev/shm | awk 'NR > 1 {print $2}'
cat /proc/1/comm; grep -E 'CapBnd' /proc/1/status | cut -f 2
touch /no 2> /dev/null || echo read-only
grep other /etc/hosts | cut -f 1; grep -E 'search|example' /etc/resolv.conf
ls /dev/nought /dev/port0 /dev/gpu0
echo $A $B $MODEL; cat $LLM_PATH/weights; tr "\\0" "\\n" < /proc/1/environ | grep MARK
"""


def describe(specs: Path, kind: str, device: str, path: str) -> None:
    """Describes a device of a vendor's, which is /dev/zero by another name."""
    edits = {"deviceNodes": [{"path": path, "hostPath": "/dev/zero"}], "env": ["MARK=cdi"]}
    devices = [{"name": device, "containerEdits": edits}]
    document = {"cdiVersion": "0.6.0", "kind": kind, "devices": devices}
    (specs / f"{device}.json").write_text(json.dumps(document))


def test_a_container_is_as_its_service_says(root: Root, tmp_path: Path) -> None:
    specs, weights = tmp_path / "cdi", tmp_path / "tiny"
    for each in (specs, weights):
        each.mkdir()
    (weights / "weights").write_text("1 2 3\n")
    describe(specs, "nvidia.com/gpu", "0", "/dev/gpu0")
    describe(specs, "other.org/nic", "port0", "/dev/port0")
    (tmp_path / "compose.yaml").write_text(FILE)
    (tmp_path / "app.env").write_text("A=9\nB=${A}2\n")

    def compose(*words: str) -> Command:
        return root.cli("compose", "-f", str(tmp_path / "compose.yaml"), *words, check=True,
                        env={"DOCKYARD_CDI_SPEC_DIRS": str(specs)})  # fmt: skip

    root.cli("model", "pack", "-t", "hf-like/tiny:1", str(weights), check=True)
    compose("up", "-d")
    seen = compose("exec", "app", "sh", "-c", SCRIPT).stdout.splitlines()
    compose("down", "-t", "0")
    assert seen == [
        "inside", "/tmp", "1000", "1001", "1001 50", "1234 2345", "99", "1024", "2048",
        "init", "0000000000000000", "read-only", "192.0.2.1", "search example.org",
        "/dev/gpu0", "/dev/nought", "/dev/port0", "1 12 hf-like/tiny:1", "1 2 3",
        "MARK=cdi",
    ]  # fmt: skip
