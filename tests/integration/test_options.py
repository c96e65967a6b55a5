"""Limits, namespaces, devices and rights, as a container sees them from inside."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.support import waiting
from tests.support.roots import Root

from dockyard import Options
from dockyard.system import cgroup_layout, cgroups


@pytest.fixture
def sleeper(root: Root) -> Iterator[str]:
    """A running container with IPC that others may join."""
    line = "run -d --name donor --network none --ipc shareable --stop-signal KILL --shm-size 3m"
    root.cli(*line.split(), "-v", "given:/given", "busybox", "sleep", "60", check=True)
    yield "donor"
    root.cli("rm", "-f", "-v", "donor")


def inside(root: Root, flags: Sequence[str], script: str) -> list[str]:
    """The lines that a script in a container prints."""
    done = root.cli("run", "--rm", "--network", "none", *flags, "busybox", "sh", "-c", script)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def refused(root: Root, *flags: str) -> str:
    done = root.cli("run", "--rm", "--network", "none", *flags, "busybox", "true")
    assert done.returncode == 125, done.stderr
    return done.stderr


def own_namespace(kind: str) -> str:
    return os.readlink(f"/proc/self/ns/{kind}")


def pid_of(root: Root, name: str) -> int:
    pid: int = document(root, name)["State"]["Pid"]
    return pid


def document(root: Root, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(root.cli("inspect", name, check=True).stdout)[0]
    return found


def read_limit(directories: Sequence[str], *names: str) -> str:
    """The file of that name, in the words of v1 or v2, whichever there is."""
    found = [Path(top, name) for top in directories for name in names]
    return next(path.read_text().strip() for path in found if path.exists())


def test_limits_are_in_the_cgroup_and_in_inspect(root: Root) -> None:
    flags = (
        "-m 64m --memory-swap 96m --memory-reservation 32m --cpu-shares 512 --cpu-period 50000"
        " --cpu-quota 25000 --cpuset-cpus 0 --cpuset-mems 0 --pids-limit 33 --oom-score-adj 500"
        " --device-read-bps /dev/loop0:1mb"
    )
    line = f"run -d --name box --network none --stop-signal KILL {flags} busybox sleep 60"
    done = root.cli(*line.split(), check=True)
    assert "not support" not in done.stderr
    with root.engine() as engine:
        record = engine.containers.get("box")
        places = cgroups.directories(cgroup_layout.read_layout(), record.cgroup)
        assert read_limit(places, "memory.limit_in_bytes", "memory.max") == str(64 << 20)
        assert read_limit(places, "memory.soft_limit_in_bytes", "memory.low") == str(32 << 20)
        swap = read_limit(places, "memory.memsw.limit_in_bytes", "memory.swap.max")
        assert swap in {str(96 << 20), str(32 << 20)}  # v1 counts both together, v2 swap alone
        assert read_limit(places, "cpu.cfs_quota_us", "cpu.max").split()[0] == "25000"
        assert read_limit(places, "cpuset.cpus") == "0"
        assert read_limit(places, "pids.max") == "33"
        assert read_limit(places, "blkio.throttle.read_bps_device", "io.max").startswith("7:0 ")
        assert record.process is not None
        score = Path(f"/proc/{record.process.pid}/oom_score_adj").read_text()
        assert score.strip() == "500"
    host = document(root, "box")["HostConfig"]
    assert {key: host[key] for key in (
        "Memory", "MemorySwap", "MemoryReservation", "CpuShares", "CpuPeriod", "CpuQuota",
        "CpusetCpus", "CpusetMems", "PidsLimit", "OomScoreAdj", "BlkioDeviceReadBps",
    )} == {
        "Memory": 64 << 20, "MemorySwap": 96 << 20, "MemoryReservation": 32 << 20,
        "CpuShares": 512, "CpuPeriod": 50000, "CpuQuota": 25000, "CpusetCpus": "0",
        "CpusetMems": "0", "PidsLimit": 33, "OomScoreAdj": 500,
        "BlkioDeviceReadBps": [{"Path": "/dev/loop0", "Rate": 1 << 20}],
    }  # fmt: skip
    root.cli("rm", "-f", "box", check=True)


def test_a_container_may_lie_in_another_cgroup(root: Root) -> None:
    layout = cgroup_layout.read_layout()
    if layout.systemd:
        pytest.skip("systemd's slices are made by systemd")
    parent = f"dockyardtest-{os.getpid()}"
    try:
        line = f"run -d --name box --network none --cgroup-parent {parent} --stop-signal KILL"
        root.cli(*line.split(), "busybox", "sleep", "60", check=True)
        pid = pid_of(root, "box")
        assert f"/{parent}/" in Path(f"/proc/{pid}/cgroup").read_text()
        root.cli("rm", "-f", "box", check=True)
        left = [path for path in cgroups.directories(layout, f"/{parent}") if os.path.isdir(path)]
        assert all(not entry.is_dir() for path in left for entry in os.scandir(path))
    finally:
        cgroups.remove(layout, f"/{parent}")


def test_a_run_step_may_lie_in_another_cgroup(root: Root, tmp_path: Path) -> None:
    layout = cgroup_layout.read_layout()
    if layout.systemd:
        pytest.skip("systemd's slices are made by systemd")
    parent = f"dockyardtest-step-{os.getpid()}"
    places = cgroups.directories(layout, f"/{parent}")
    (tmp_path / "Dockerfile").write_text("FROM busybox\nRUN sleep 60\n")
    build = ("build", "--cgroup-parent", parent, str(tmp_path))
    try:
        process = root.start(*build)
        waiting.until(lambda: any(list(Path(path).glob("w-*")) for path in places))
        process.kill()
        process.wait()
        root.cli("images", check=True)  # clears what the killed build left
        assert not [found for path in places for found in Path(path).glob("w-*")]
        (tmp_path / "Dockerfile").write_text("FROM busybox\nRUN sleep 0\n")
        root.cli(*build, check=True)
        assert not [found for path in places for found in Path(path).glob("w-*")]
        refused = root.cli("build", "--cgroup-parent", "../..", str(tmp_path))
        assert refused.returncode != 0
    finally:
        cgroups.remove(layout, f"/{parent}")


def test_privileged_is_everything(root: Root) -> None:
    bounds = next(line.split()[1] for line in Path("/proc/self/status").read_text().splitlines()
                  if line.startswith("CapBnd"))  # fmt: skip
    lines = inside(
        root,
        ["--privileged"],
        """
        grep -E '^(CapEff|NoNewPrivs|Seccomp):' /proc/self/status
        [ -c /dev/full ] && [ -e /dev/loop-control ] && echo devices
        [ -w /sys/kernel ] && grep -q ' /sys sysfs rw' /proc/mounts && echo sys
        grep -c ' /proc/' /proc/mounts
        mount -t tmpfs tmpfs /tmp && echo mounted
    """,
    )
    values = dict(line.split(":\t") for line in lines[:3])
    assert values == {"CapEff": bounds, "NoNewPrivs": "0", "Seccomp": "0"}
    assert lines[3:] == ["devices", "sys", "0", "mounted"]
    flags = ["--privileged", "--cap-drop", "ALL", "--cap-add", "CHOWN"]
    assert inside(root, flags, "grep CapBnd /proc/self/status")[0].split()[1] == f"{1:016x}"


def test_exec_may_be_privileged_in_a_container_that_is_not(root: Root, sleeper: str) -> None:
    script = "grep CapEff /proc/self/status; id -u; echo $X; pwd"
    plain = root.cli("exec", sleeper, "sh", "-c", script, check=True).stdout.split()
    strong = root.cli("exec", "--privileged", "-e", "X=1", "-w", "/tmp", sleeper, "sh", "-c",
                      script, check=True).stdout.split()  # fmt: skip
    assert int(plain[1], 16).bit_count() == 11
    assert int(strong[1], 16).bit_count() > 30
    assert strong[2:] == ["0", "1", "/tmp"]


def test_a_program_says_how_its_command_runs(root: Root) -> None:
    options = Options(stop_signal="SIGKILL")
    script = "id -u; echo $X; pwd; grep CapBnd /proc/self/status"
    with (
        root.engine() as engine,
        engine.run("busybox", ["sleep", "60"], network="none", options=options) as container,
    ):
        plain = container.exec(["sh", "-c", script])
        code, text = container.exec(
            ["sh", "-c", script], user="app", env={"X": "y"}, working_dir="/tmp", privileged=True
        )
    assert plain[1].split()[:2] == ["0", "/"]
    lines = text.split()
    assert (code, lines[:3]) == (0, ["1000", "y", "/tmp"])
    assert int(lines[4], 16).bit_count() > int(plain[1].split()[3], 16).bit_count()


@pytest.mark.parametrize(
    ("flag", "kind"), [("--pid", "pid"), ("--ipc", "ipc"), ("--uts", "uts"),
                       ("--cgroupns", "cgroup")],
)  # fmt: skip
def test_a_namespace_of_the_host_is_shared(root: Root, flag: str, kind: str) -> None:
    link = f"readlink /proc/self/ns/{kind}"
    assert inside(root, [], link) != [own_namespace(kind)]
    assert inside(root, [flag, "host"], link) == [own_namespace(kind)]
    assert inside(root, ["--userns", "host"], "readlink /proc/self/ns/user") == [
        own_namespace("user")
    ]


def test_what_comes_with_a_shared_namespace(root: Root) -> None:
    assert inside(root, ["--uts", "host"], "hostname") == [os.uname().nodename]
    name = f"dockyard-test-{os.getpid()}"
    try:
        inside(root, ["--ipc", "host"], f"echo here > /dev/shm/{name}")
        assert Path(f"/dev/shm/{name}").read_text() == "here\n"
    finally:
        Path(f"/dev/shm/{name}").unlink(missing_ok=True)
    assert inside(root, ["--ipc", "none"], "[ -e /dev/shm ] || echo none") == ["none"]


def test_namespaces_of_another_container_are_joined(root: Root, sleeper: str) -> None:
    pid = pid_of(root, sleeper)
    root.cli("exec", sleeper, "sh", "-c", "echo hello > /dev/shm/word", check=True)
    lines = inside(
        root,
        ["--pid", "container:donor", "--ipc", "container:donor"],
        """
        readlink /proc/self/ns/pid; readlink /proc/self/ns/ipc
        cat /dev/shm/word; tr '\\0' ' ' < /proc/1/cmdline; echo
        df -k /dev/shm | tail -1
    """,
    )
    assert lines[:2] == [os.readlink(f"/proc/{pid}/ns/{kind}") for kind in ("pid", "ipc")]
    assert lines[2:4] == ["hello", "sleep 60 "]
    assert lines[4].split()[1] == "3072"
    assert document(root, sleeper)["HostConfig"]["IpcMode"] == "shareable"


def test_a_namespace_that_cannot_be_joined_says_why(root: Root) -> None:
    line = "run -d --name closed --network none --stop-signal KILL busybox sleep 60"
    root.cli(*line.split(), check=True)
    assert "non-shareable IPC" in refused(root, "--ipc", "container:closed")
    root.cli("kill", "closed", check=True)
    assert "is not running" in refused(root, "--pid", "container:closed")
    assert "no such container: nobody" in refused(root, "--pid", "container:nobody")


def test_settings_of_its_namespaces_and_of_nothing_else(root: Root) -> None:
    flags = "--sysctl net.core.somaxconn=77 --sysctl kernel.msgmax=9999 --domainname d.org"
    lines = inside(
        root,
        flags.split(),
        """
        cat /proc/sys/net/core/somaxconn /proc/sys/kernel/msgmax /proc/sys/kernel/domainname
    """,
    )
    assert lines == ["77", "9999", "d.org"]
    assert "sysctl 'kernel.pid_max' is not allowed" in refused(root, "--sysctl", "kernel.pid_max=5")


def test_devices_are_those_given_and_as_far_as_given(root: Root) -> None:
    flags = "--device /dev/loop-control:/dev/mine:r --device /dev/full --cap-add MKNOD"
    script = """
        (: < /dev/mine) && echo "mine can be read"
        (: > /dev/mine) 2>/dev/null || echo "mine is read-only"
        (echo x > /dev/full) 2>&1 | grep -o 'No space left on device'
        mknod /dev/in b 7 0 && (: < /dev/in) && echo "ruled in"
        (mknod /dev/out b 7 1 && : < /dev/out) 2>/dev/null || echo "ruled out"
    """
    lines = inside(root, [*flags.split(), "--device-cgroup-rule", "b 7:0 rwm"], script)
    assert lines == [
        "mine can be read", "mine is read-only", "No space left on device", "ruled in", "ruled out",
    ]  # fmt: skip
    assert 'custom device "/dev/nosuch": no such file' in refused(root, "--device", "/dev/nosuch")


def test_groups_hosts_labels_and_annotations(root: Root, tmp_path: Path) -> None:
    labels = tmp_path / "labels"
    labels.write_text("from=file\n")
    flags = ["--group-add", "44", "--group-add", "app", "--add-host", "db:10.1.2.3", "--expose",
             "80-81/udp", "--annotation", "org.example=1", "--label-file", str(labels),
             "--stop-timeout", "7", "--name", "box", "--shm-size", "5m", "--read-only",
             "--tmpfs", "/scratch:size=1m,mode=700", "--ulimit", "core=0"]  # fmt: skip
    script = """
        id -G; grep db /etc/hosts; df -k /dev/shm | tail -1 | awk '{print $2}'
        touch /x 2>/dev/null || echo read-only; stat -c %a /scratch; ulimit -c
    """
    done = root.cli("run", "--network", "none", *flags, "busybox", "sh", "-c", script, check=True)
    groups, *lines = done.stdout.splitlines()
    assert "44" in groups.split()
    assert lines == ["10.1.2.3\tdb", "5120", "read-only", "700", "0"]
    found = document(root, "box")
    assert found["HostConfig"]["GroupAdd"] == ["44", "app"]
    assert found["HostConfig"]["ExtraHosts"] == ["db:10.1.2.3"]
    assert found["HostConfig"]["Annotations"] == {"org.example": "1"}
    assert found["Config"]["Labels"]["from"] == "file"
    assert found["Config"]["StopTimeout"] == 7
    assert {"80/udp", "81/udp"} <= set(found["Config"]["ExposedPorts"])


def test_volumes_of_another_container(root: Root, sleeper: str) -> None:
    root.cli("exec", sleeper, "sh", "-c", "echo kept > /given/file", check=True)
    script = "cat /given/file; touch /given/x 2>/dev/null || echo read-only"
    assert inside(root, ["--volumes-from", "donor:ro"], script) == ["kept", "read-only"]
    assert inside(root, ["--volumes-from", "donor"], script) == ["kept"]


def test_a_part_of_a_volume_stays_in_it(root: Root, sleeper: str) -> None:
    make = "mkdir -p /given/a/b; echo deep > /given/a/b/file; ln -s /etc /given/out"
    root.cli("exec", sleeper, "sh", "-c", make, check=True)
    mount = "type=volume,source=given,target=/part,volume-subpath"
    assert inside(root, ["--mount", f"{mount}=a/b"], "cat /part/file") == ["deep"]
    assert inside(root, ["--mount", f"{mount}=a/b/file"], "cat /part") == ["deep"]
    assert "cannot access path out" in refused(root, "--mount", f"{mount}=out")
    assert "cannot access path nosuch" in refused(root, "--mount", f"{mount}=nosuch")


def test_an_empty_volume_need_not_take_the_images_content(root: Root) -> None:
    listing = "ls /etc | wc -l"
    assert inside(root, ["-v", "one:/etc:nocopy"], listing) != inside(
        root, ["-v", "two:/etc"], listing
    )
    inside(root, ["-v", "four:/data:nocopy"], "echo mine > /data/passwd")
    assert inside(root, ["-v", "four:/etc"], "cat /etc/passwd") == ["mine"]
    labelled = "type=volume,source=three,target=/v,volume-nocopy,volume-label=a=b"
    assert inside(root, ["--mount", labelled], "ls /v") == []
    volume = json.loads(root.cli("volume", "inspect", "three", check=True).stdout)[0]
    assert volume["Labels"] == {"a": "b"}


def test_a_platform_has_to_be_the_images(root: Root) -> None:
    assert inside(root, ["--platform", "linux"], "echo ran") == ["ran"]
    other = "linux/s390x"
    assert "does not match the specified platform" in refused(root, "--platform", other)


def test_system_paths_are_open_when_asked(root: Root) -> None:
    script = "grep -c ' /proc/' /proc/mounts; true"
    assert int(inside(root, [], script)[0]) > 3
    assert inside(root, ["--security-opt", "systempaths=unconfined"], script) == ["0"]


def test_a_container_that_fills_its_shared_memory_is_told_how_to_mend_it(root: Root) -> None:
    def told(script: str, *flags: str) -> str:
        line = ["run", "--rm", "--network", "none", *flags, "busybox", "sh", "-c", script]
        return root.cli(*line).stderr

    fill = "dd if=/dev/zero of=/dev/shm/x bs=1M count=9"
    told_words = "ran out of shared memory (/dev/shm has 4 MB): --shm-size=1g"
    assert told_words in told(fill, "--shm-size", "4m")
    assert told_words in told(f"{fill}; rm /dev/shm/x; exit 3", "--shm-size", "4m")
    assert "shared memory" not in told(fill, "--shm-size", "20m")


FULL = "ran out of shared memory (/dev/shm has 4 MB): --shm-size=1g"


def running(root: Root, name: str, script: str, *flags: str) -> None:
    line = ["run", "-d", "--name", name, "--network", "none", "--shm-size", "4m", *flags]
    root.cli(*line, "busybox", "sh", "-c", script, check=True)


def shm_state(root: Root, name: str) -> tuple[str, bool]:
    """What ``inspect`` says of it, and whether it told the user."""
    done = root.cli("inspect", "-f", "{{.State.ShmFull}}", name, check=True)
    return done.stdout.strip(), FULL in done.stderr


@pytest.mark.parametrize("ipc", ["private", "shareable"])
def test_a_full_shared_memory_of_a_service_is_told_by_who_looks_at_it(root: Root, ipc: str) -> None:
    running(root, "web", "sleep 600", "--ipc", ipc)
    assert shm_state(root, "web") == ("false", False)
    fill = ("exec", "web", "sh", "-c", "cat /dev/zero > /dev/shm/x 2> /dev/null; true")
    assert FULL in root.cli(*fill, check=True).stderr
    assert FULL in root.cli("exec", "web", "true", check=True).stderr
    assert FULL in root.cli("logs", "web", check=True).stderr
    assert shm_state(root, "web") == ("true", True)

    root.cli("stop", "-t", "0", "web", check=True)
    assert shm_state(root, "web") == ("true", True)
    assert FULL in root.cli("logs", "web", check=True).stderr
    assert FULL in root.cli("start", "web", check=True).stderr
    assert shm_state(root, "web") == ("false", False)
    assert FULL not in root.cli("exec", "web", "ls", "/dev/shm", check=True).stderr


def test_a_service_that_ended_for_want_of_shared_memory_is_known_by_its_log(root: Root) -> None:
    script = "dd if=/dev/zero of=/dev/shm/x bs=1M count=9; rm /dev/shm/x; exit 3"
    running(root, "gone", script)
    assert root.cli("wait", "gone", check=True).stdout == "3\n"
    assert shm_state(root, "gone") == ("true", True)
    assert FULL in root.cli("logs", "gone", check=True).stderr


def test_who_joins_a_full_shared_memory_is_told_too(root: Root) -> None:
    running(root, "donor", "sleep 600", "--ipc", "shareable")
    line = ["run", "-d", "--name", "guest", "--network", "none", "--ipc", "container:donor"]
    root.cli(*line, "busybox", "sh", "-c", "cat /dev/zero > /dev/shm/x; sleep 600", check=True)
    waiting.until(lambda: shm_state(root, "donor") == ("true", True))
    done = root.cli("exec", "guest", "true", check=True)
    assert "container guest ran out of shared memory: --shm-size=1g" in done.stderr


def test_an_image_with_pytorch_is_warned_for_while_it_has_the_default(
    root: Root, tmp_path: Path
) -> None:
    (tmp_path / "Dockerfile").write_text(
        "FROM busybox\nRUN mkdir -p /usr/local/lib/python3.11/site-packages/torch\n"
    )
    root.cli("build", "-q", "-t", "ml", str(tmp_path), check=True)
    warned = root.cli("run", "--rm", "--network", "none", "ml", "true", check=True).stderr
    assert "the image has PyTorch" in warned
    assert "--ipc=host" in warned
    for flag in ("--shm-size=1g", "--ipc=host"):
        line = ("run", "--rm", "--network", "none", flag, "ml", "true")
        assert "PyTorch" not in root.cli(*line, check=True).stderr
