"""Devices that vendors describe (CDI), over harmless nodes of every host."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from tests.support.roots import Command, Root

from dockyard import Engine

YAML = """\
cdiVersion: "0.7.0"
kind: other.org/nic
containerEdits:
  additionalGids: [0, 45]
devices:
  - name: port0
    containerEdits:
      deviceNodes:
        - {path: /dev/port0, hostPath: /dev/zero, permissions: r}
"""


class Host:
    """A root whose engine reads device specifications from a directory of the test's."""

    def __init__(self, root: Root, specs: Path) -> None:
        self.root, self.specs = root, specs
        specs.mkdir()

    def write(self, name: str, kind: str, edits: dict[str, Any], **devices: Any) -> None:
        described = [{"name": key, "containerEdits": value} for key, value in devices.items()]
        document = {"cdiVersion": "1.0.0", "kind": kind, "containerEdits": edits,
                    "devices": described}  # fmt: skip
        (self.specs / name).write_text(json.dumps(document))

    def cli(self, *arguments: str) -> Command:
        return self.root.cli(*arguments, env={"DOCKYARD_CDI_SPEC_DIRS": str(self.specs)})

    def run(self, *flags: str, script: str) -> list[str]:
        done = self.cli("run", "--rm", "--network", "none", *flags, "busybox", "sh", "-c", script)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    def engine(self) -> Engine:
        return self.root.engine(cdi_directories=(str(self.specs),))


@pytest.fixture
def host(root: Root) -> Host:
    return Host(root, root.base / "specs")


@pytest.fixture
def gpus(host: Host) -> Host:
    """Two GPUs with all that a vendor's specification has: library, environment, hook."""
    library, hook, mark = (host.root.base / name for name in ("lib.so", "hook.sh", "mark"))
    library.write_text("library of the driver\n")
    hook.write_text(f'#!/bin/sh\ncat > {mark}.state\necho "$MARK $1" >> {mark}\n')
    hook.chmod(0o755)

    def gpu(number: int, node: str) -> dict[str, Any]:
        return {"deviceNodes": [{"path": f"/dev/gpu{number}", "hostPath": node}],
                "env": [f"GPU{number}=yes"]}  # fmt: skip

    whole = {"deviceNodes": [{"path": "/dev/gpu0", "hostPath": "/dev/null"},
                             {"path": "/dev/gpu1", "hostPath": "/dev/zero"}]}  # fmt: skip
    edits = {
        "env": ["VISIBLE=void"],
        "mounts": [{"hostPath": str(library), "containerPath": "/usr/lib/lib.so",
                    "options": ["ro", "nosuid", "nodev", "rbind", "rprivate"]}],
        "hooks": [{"hookName": "createRuntime", "path": str(hook), "args": ["hook.sh", "made"],
                   "env": ["MARK=cdi"], "timeout": 20}],
    }  # fmt: skip
    devices = {"0": gpu(0, "/dev/null"), "1": gpu(1, "/dev/zero"), "all": whole}
    host.write("nvidia.json", "nvidia.com/gpu", edits, **devices)
    return host


def test_a_gpu_comes_with_all_that_its_vendor_describes(gpus: Host) -> None:
    lines = gpus.run("--gpus", "1", "-e", "VISIBLE=all", script="""
        stat -c '%t:%T %F' /dev/gpu0; [ -e /dev/gpu1 ] || echo "not the other"
        cat /usr/lib/lib.so; echo $VISIBLE $GPU0; echo x > /dev/gpu0 && echo written
        (echo x > /usr/lib/lib.so) 2>/dev/null || echo read-only
    """)  # fmt: skip
    assert lines == [
        "1:3 character special file", "not the other", "library of the driver", "void yes",
        "written", "read-only",
    ]  # fmt: skip
    assert (gpus.root.base / "mark").read_text() == "cdi made\n"


def test_gpus_are_chosen_by_number_name_or_vendor(gpus: Host) -> None:
    listing = "ls /dev | grep gpu | xargs"
    assert gpus.run("--gpus", "all", script=listing) == ["gpu0 gpu1"]
    assert gpus.run("--gpus", "device=1", script=listing) == ["gpu1"]
    assert gpus.run("--device", "nvidia.com/gpu=1", "--gpus", "1", script=listing) == ["gpu0 gpu1"]
    with (
        gpus.engine() as engine,
        engine.run("busybox", ["sleep", "60"], gpus=2, network="none") as container,
    ):
        assert container.exec(["sh", "-c", listing]) == (0, "gpu0 gpu1\n")
        inspected = gpus.cli("inspect", "-f", "{{json .HostConfig.DeviceRequests}}", container.id)
        container.remove(force=True)
    assert json.loads(inspected.stdout) == [
        {"Driver": "", "Count": 2, "DeviceIDs": None, "Capabilities": [["gpu"]], "Options": {}}
    ]


def test_several_vendors_and_notations(gpus: Host) -> None:
    (gpus.specs / "nic.yaml").write_text(YAML)
    lines = gpus.run("--device", "other.org/nic=port0", "--gpus", "1", "-u", "1000", script="""
        id -G; ls /dev/gpu0; head -c 1 /dev/port0 | od -An -tx1; stat -c %u /dev/port0
    """)  # fmt: skip
    assert lines == ["1001 45 50", "/dev/gpu0", " 00", "1000"]


def test_what_is_not_there_is_an_error_that_says_how_to_get_it(host: Host, gpus: Host) -> None:
    done = host.cli("run", "--rm", "--gpus", "3", "busybox", "true")
    assert (done.returncode, "could not select 3 GPUs" in done.stderr) == (125, True)
    done = host.cli("run", "--rm", "--device", "nvidia.com/gpu=7", "busybox", "true")
    assert done.returncode == 125
    assert "unresolvable CDI devices nvidia.com/gpu=7" in done.stderr
    (host.specs / "nvidia.json").unlink()
    done = host.cli("run", "--rm", "--gpus", "all", "busybox", "true")
    assert done.returncode == 125
    assert "nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml" in done.stderr
    assert host.cli("ps", "-aq").stdout == ""


def test_info_and_doctor_show_the_devices(gpus: Host) -> None:
    info = json.loads(gpus.cli("info", "--format", "json").stdout)
    assert info["CDISpecDirs"] == [str(gpus.specs)]
    names = [one["ID"] for one in info["DiscoveredDevices"]]
    assert names == ["nvidia.com/gpu=0", "nvidia.com/gpu=1", "nvidia.com/gpu=all"]
    (gpus.specs / "broken.json").write_text("{")
    told = gpus.cli("doctor").stdout
    assert "broken.json" in told
    assert os.fspath(gpus.specs) in gpus.cli("info").stdout


def test_a_step_of_a_build_gets_what_the_command_line_allows(gpus: Host, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(
        "FROM busybox\n"
        "RUN --device=nvidia.com/gpu=1,required --device=none.org/x=y "
        "ls /dev | grep gpu > /seen; cat /usr/lib/lib.so >> /seen; echo $VISIBLE $GPU1 >> /seen\n"
        "RUN --device=nvidia.com/gpu ls /dev | grep gpu >> /seen; test -e /usr/lib/lib.so\n"
        "RUN test ! -e /usr/lib && ! ls /dev/gpu*\n"
    )
    refused = gpus.cli("build", "--allow", "device=nvidia.com/gpu=1", str(tmp_path))
    assert 'device "none.org/x=y" is requested by the build but not allowed' in refused.stderr
    built = gpus.cli("build", "--allow", "device", "-t", "made", str(tmp_path))
    assert built.returncode == 0, built.stderr
    seen = gpus.cli("run", "--rm", "--network", "none", "made", "cat", "/seen").stdout
    assert seen.splitlines() == ["gpu1", "library of the driver", "void yes", "gpu0"]

    (tmp_path / "Dockerfile").write_text("FROM busybox\nRUN --device=none.org/x=y,required true\n")
    missing = gpus.cli("build", "--allow", "device", str(tmp_path))
    assert missing.returncode == 1
    assert "unresolvable CDI devices none.org/x=y" in missing.stderr
