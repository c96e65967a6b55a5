"""What a container can't do and can't see, and the limits that hold it."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.roots import foreground

from dockyard import Engine, Options, Resources, Security
from dockyard.errors import DockyardError, InvalidInput
from dockyard.security.capabilities import DEFAULT_RUN
from dockyard.system import cgroup_layout, cgroups

STATUS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp")


def status(engine: Engine, **fields: Any) -> dict[str, str]:
    _, output = foreground(engine, "cat", "/proc/self/status", **fields)
    lines = dict(line.split(":", 1) for line in output.text.splitlines())
    return {name: lines[name].strip() for name in STATUS}


def test_root_has_eleven_capabilities_and_no_way_to_more(engine: Engine) -> None:
    found = status(engine)

    assert len(DEFAULT_RUN) == 11
    assert int(found["CapEff"], 16).bit_count() == 11
    assert found["CapEff"] == found["CapPrm"] == found["CapBnd"]
    assert int(found["CapInh"], 16) == int(found["CapAmb"], 16) == 0
    assert (found["NoNewPrivs"], found["Seccomp"]) == ("1", "2")


def test_another_user_has_none(engine: Engine) -> None:
    found = status(engine, user="app")

    assert int(found["CapEff"], 16) == int(found["CapPrm"], 16) == int(found["CapAmb"], 16) == 0
    assert int(found["CapBnd"], 16).bit_count() == 11


def test_capabilities_and_filters_are_what_was_asked_for(engine: Engine) -> None:
    assert int(status(engine, security=Security(cap_drop=("ALL",)))["CapEff"], 16) == 0
    one = status(engine, security=Security(cap_drop=("ALL",), cap_add=("CHOWN",)))
    assert int(one["CapEff"], 16) == 1
    free = status(
        engine, security=Security(options=("seccomp=unconfined", "no-new-privileges=false"))
    )
    assert (free["Seccomp"], free["NoNewPrivs"]) == ("0", "0")


def test_proc_and_sys_are_masked_and_read_only(engine: Engine) -> None:
    script = """
        for file in /proc/kcore /proc/keys /proc/timer_list; do
            [ -e $file ] && [ "$(head -c 1 $file | wc -c)" != 0 ] && echo "open $file"
        done
        [ -d /sys/firmware ] && [ -n "$(ls /sys/firmware)" ] && echo "open /sys/firmware"
        for file in /proc/sys/kernel/hostname /proc/sysrq-trigger /sys/kernel/uevent_helper \
            /sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/*/cgroup.procs /sys/fs/cgroup/memory.max \
            /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/pids/pids.max
        do
            [ -e $file ] || continue  # crun's tmpfs above the hierarchies is the container's own
            value=0; case $file in *limit*|*max) value=900000000000;; esac
            (echo $value > $file) 2>/dev/null && echo "written $file"
        done
        awk '/ - tmpfs / {next} $5 ~ "^/sys" {last[$5] = $6}
            END {for (at in last) if (last[at] !~ /^ro/) print "writable " at}' \
            /proc/self/mountinfo
        mount -o remount,rw /sys 2>/dev/null && echo "remounted /sys"
        umount /proc/kcore 2>/dev/null && echo "uncovered"
        mknod /tmp/disk b 8 0 2>/dev/null && head -c 1 /tmp/disk 2>/dev/null && echo "read a disk"
        echo done
    """
    _, output = foreground(engine, "sh", "-c", script)

    assert output.text == "done\n"


def test_the_host_is_out_of_sight(engine: Engine) -> None:
    _, output = foreground(
        engine, "sh", "-c",
        "ls /proc | grep -c '^[0-9]'; hostname; readlink /proc/1/ns/cgroup; cat /proc/self/cgroup",
    )  # fmt: skip
    lines = output.text.splitlines()

    assert int(lines[0]) <= 4
    assert lines[1] != socket.gethostname()
    assert lines[2] != os.readlink("/proc/self/ns/cgroup")
    assert engine.paths.root_hash not in output.text


def test_a_program_gets_three_descriptors(engine: Engine) -> None:
    """A leaked one of the host's would be a way out (CVE-2024-21626)."""
    extra = os.open("/", os.O_RDONLY)
    os.set_inheritable(extra, True)
    try:
        _, output = foreground(engine, "sh", "-c", "ls /proc/$$/fd; true")
    finally:
        os.close(extra)

    assert output.text.split() == ["0", "1", "2"]


@pytest.mark.parametrize("number", range(3, 12))
def test_a_working_directory_through_a_descriptor_is_refused(engine: Engine, number: int) -> None:
    try:
        container, output = foreground(
            engine, "sh", "-c", "cd -P . && pwd; ls ../../.. 2>/dev/null",
            working_dir=f"/proc/self/fd/{number}",
        )  # fmt: skip
    except DockyardError:
        assert engine.containers.all() == []
        return
    pytest.fail(f"started in {output.text!r} with code {container.exit_code}")


def test_setuid_programs_gain_nothing(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(
        "FROM busybox\nRUN cp /bin/busybox /bin/suid && chmod 4755 /bin/suid\n"
    )
    engine.build(str(tmp_path), tag="suid")
    _, output = foreground(engine, "/bin/suid", "id", "-u", image="suid", user="app")

    assert output.text.strip() in {"1000", ""}


@pytest.fixture(scope="module")
def mode() -> Iterator[str]:
    """The host's cgroup mode: shown in the report, for it decides what ran."""
    layout = cgroups.read_layout()
    yield layout.mode
    print(f"cgroup mode: {layout.mode}, controllers: {', '.join(sorted(layout.controllers))}")


def _needs(engine: Engine, controller: str) -> None:
    if controller not in engine.parts.facts.controllers:
        pytest.skip(f"this host has no {controller} controller")


def test_too_much_memory_is_death(engine: Engine, mode: str) -> None:
    _needs(engine, "memory")
    container = engine.run(
        "busybox", ["sh", "-c", "head -c 100m /dev/zero | tail"], network="none", memory="20m",
        remove=False,
    )  # fmt: skip
    code = container.wait()

    assert code == 137, (mode, container.logs())
    assert container.record.oom_killed


def test_the_number_of_processes_is_bounded(engine: Engine, mode: str) -> None:
    _needs(engine, "pids")
    script = "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do sleep 1 & done; wait"
    _, output = foreground(engine, "sh", "-c", script, resources=Resources(pids_limit=8))

    assert b"can't fork" in output.stderr


def test_processors_are_a_quota(engine: Engine, mode: str) -> None:
    _needs(engine, "cpu")
    with engine.run(
        "busybox", ["sleep", "60"], network="none", cpus=0.5,
        options=Options(stop_signal="SIGKILL"),
    ) as container:  # fmt: skip
        layout, path = engine.parts.cgroup_layout, container.record.cgroup
        directory = cgroup_layout.directory(layout, path, "cpu")
        assert directory is not None
        names = ("cpu.max", "cpu.cfs_quota_us")
        found = [Path(directory, name) for name in names if Path(directory, name).exists()]
        values = [file.read_text().split()[0] for file in found]

    assert values == ["50000"]


@pytest.mark.parametrize(
    ("resources", "message"),
    [
        (Resources(memory=1024), "minimum memory limit"),
        (Resources(cpus=100000.0), "range of CPUs"),
    ],
)
def test_limits_out_of_range_are_refused(
    engine: Engine, resources: Resources, message: str
) -> None:
    with pytest.raises(InvalidInput, match=message) as caught:
        foreground(engine, "true", resources=resources)
    assert caught.value.exit_code == 125


def test_ping_needs_no_capability(engine: Engine) -> None:
    _, output = foreground(engine, "cat", "/proc/sys/net/ipv4/ping_group_range", network="bridge")

    assert output.text.split() == ["0", "2147483647"]


@pytest.mark.parametrize("runtime", ["crun", "runc"])
def test_either_runtime_works_or_says_why(engine: Engine, runtime: str) -> None:
    try:
        container, output = foreground(engine, "echo", "hi", runtime=runtime)
    except DockyardError as error:
        assert engine.containers.all() == []
        pytest.skip(f"{runtime} does not work here: {error}")
    assert (container.exit_code, output.text) == (0, "hi\n")
