"""Known ways out of a container, tried for real. Each test names the fault that others had."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import socket
import subprocess
import sys
import tarfile
import time
from io import BytesIO
from pathlib import Path

import pytest
from tests.support import waiting
from tests.support.roots import Root
from tests.support.waiting import until

from dockyard.security.paths import MASKED
from dockyard.state.paths import HOST_LOCK_DIRECTORY, Paths
from dockyard.system import process


def built(root: Root, context: Path, dockerfile: str, tag: str = "hostile") -> str:
    (context / "Dockerfile").write_text(dockerfile)
    root.cli("build", "-q", "-t", tag, str(context), check=True)
    return tag


def archive(path: Path, *members: tarfile.TarInfo) -> None:
    with tarfile.open(path, "w") as tar:
        for member in members:
            tar.addfile(member, BytesIO() if member.isreg() else None)


def link(name: str, target: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = tarfile.SYMTYPE, target
    return member


def programs() -> dict[str, str]:
    """Digests of the programs that come near a container."""
    paths = [process.find(name) for name in ("crun", "runc", "conmon", "catatonit", "busybox")]
    return {path: hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in paths if path}


def test_a_container_cannot_overwrite_the_runtime(root: Root, tmp_path: Path) -> None:
    """CVE-2019-5736: whoever enters shows itself in /proc/PID/exe for a moment."""
    script = (
        "own=$(readlink /proc/1/exe); while :; do for exe in /proc/[0-9]*/exe; do"
        ' [ "$(readlink $exe)" != "$own" ] && echo owned >$exe && echo wrote; done; done'
    )
    (tmp_path / "enter").write_text("#!/proc/self/exe\n")
    tag = built(root, tmp_path, "FROM busybox\nCOPY --chmod=755 enter /bin/enter\n")
    before = programs()
    root.cli("run", "-d", "--name", "hunter", "--network", "none", "--user", "0", tag,
             "sh", "-c", f"({script}) 2>/dev/null", check=True)  # fmt: skip
    for _ in range(5):
        root.cli("exec", "hunter", "true")
        root.cli("exec", "hunter", "enter")
        root.cli("exec", "hunter", "/proc/self/exe")
        root.cli("run", "--rm", "--network", "none", "--pid", "container:hunter", tag, "true")
    assert "wrote" not in root.cli("logs", "hunter").stdout
    assert programs() == before
    assert root.cli("run", "--rm", "--network", "none", "busybox", "echo", "works").returncode == 0


def test_a_program_that_is_the_runtime_itself(root: Root) -> None:
    """CVE-2019-5736: an image whose program is /proc/self/exe."""
    before = programs()
    done = root.cli("run", "--rm", "--network", "none", "busybox", "/proc/self/exe", "--version")
    assert done.returncode != 0
    assert programs() == before


@pytest.mark.parametrize("number", [3, 7, 8, 9, 10])
def test_a_working_directory_is_never_a_descriptor_of_the_host(root: Root, number: int) -> None:
    """CVE-2024-21626, by run and by exec."""
    place = f"/proc/self/fd/{number}"
    words = ("sh", "-c", "ls ../../../etc/dockyard-host 2>/dev/null; pwd")
    ran = root.cli("run", "--rm", "--network", "none", "-w", place, "busybox", *words)
    assert ran.returncode != 0
    if number == 7:  # once is enough: it takes a container
        root.cli("run", "-d", "--name", "target", "--network", "none", "busybox", "sleep", "60",
                 check=True)  # fmt: skip
        for each in range(3, 12):
            done = root.cli("exec", "-w", f"/proc/self/fd/{each}", "target", *words)
            assert done.returncode != 0


def test_a_mount_target_that_becomes_a_link_stays_inside(root: Root, tmp_path: Path) -> None:
    """CVE-2021-30465: one container swaps the target while another is being started."""
    marker, deep = tmp_path / "marker", f"deep-{os.getpid()}"
    marker.write_text("the host's")
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "sign").write_text("mounted\n")
    swap = (
        "cd /v; while :; do mkdir -p target; rm -rf target; ln -s /../../../../../.. target;"
        " rm -f target; done"
    )
    root.cli("run", "-d", "--name", "swapper", "--network", "none", "-v", "shared:/v", "busybox",
             "sh", "-c", swap, check=True)  # fmt: skip
    look = f"cat {marker}; cat /{deep}/sign && grep -o ' /{deep} ' /proc/mounts; echo ran"
    before = mounts_with(str(tmp_path), deep)
    outputs: list[str] = []
    while len(outputs) < 8 or f"mounted\n /{deep} \nran\n" not in outputs:
        done = root.cli(
            "run", "--rm", "--network", "none", "-v", "shared:/v",
            "-v", f"{tmp_path}/source:/v/target/{deep}", "busybox", "sh", "-c", look,
        )  # fmt: skip
        assert not os.path.lexists(f"/{deep}"), "made outside of the container"
        assert "the host's" not in done.stdout
        if done.returncode:
            assert done.stderr.startswith("dockyard: failed to create container")
        else:
            assert done.stdout.endswith("ran\n")
        outputs.append(done.stdout)
        assert len(outputs) < 80, f"the link was never followed: {outputs}"
    root.cli("rm", "-f", "swapper", check=True)
    assert mounts_with(str(tmp_path), deep) == before == []
    assert sorted(os.listdir(tmp_path)) == ["marker", "source"]
    assert os.listdir(tmp_path / "source") == ["sign"]


def mounts_with(*words: str) -> list[str]:
    """This host's mounts that have to do with any of these."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [line for line in lines if any(word in line for word in words)]


def begins(path: str) -> bool:
    """Whether there is a byte to read; such files are endless, or change while they are read."""
    with open(path, "rb") as stream:
        return bool(stream.read(1))


@pytest.fixture(scope="module")
def masked() -> list[str]:
    """Files that must be empty in a container, and say something to root on this host."""
    found = [path for path in MASKED if os.path.isfile(path) and begins(path)]
    assert found, "this kernel has none of them: nothing can be shown here"
    return found


def length_of(paths: list[str]) -> str:
    """A script that prints how much of each can be read: 0 or 1."""
    return "; ".join(f"head -c 1 {path} | wc -c" for path in paths)


def test_what_is_masked_could_be_read_otherwise(root: Root, masked: list[str]) -> None:
    """So that an empty file in the next tests is the mask's doing."""
    words = ("busybox", "sh", "-c", length_of(masked))
    bare = root.cli("run", "--rm", "--network", "none", "--security-opt",
                    "systempaths=unconfined", *words, check=True)  # fmt: skip
    assert "1" in bare.stdout.split()
    ordinary = root.cli("run", "--rm", "--network", "none", *words, check=True)
    assert ordinary.stdout.split() == ["0"] * len(masked)


def test_an_image_cannot_put_links_under_what_the_engine_mounts(
    root: Root, tmp_path: Path, masked: list[str]
) -> None:
    """CVE-2025-31133, -52565, -52881: /dev/null and /dev/console as links, to unmask /proc."""
    archive(
        tmp_path / "devices.tar",
        link("dev/null", "/proc/sysrq-trigger"),
        link("dev/console", "/proc/sys/kernel/core_pattern"),
        link("dev/shm", "/proc/sys"),
        link("dev/pts", "/sys"),
        link("etc/resolv.conf", "/proc/sys/kernel/hostname"),
    )
    tag = built(root, tmp_path, "FROM busybox\nADD devices.tar /\n")
    pattern = Path("/proc/sys/kernel/core_pattern").read_text()
    done = root.cli(
        "run", "--rm", tag, "sh", "-c",
        f"stat -c %t:%T /dev/null; {length_of(masked)};"
        " echo x > /dev/null; (echo x > /proc/sysrq-trigger) 2>&1;"
        " (echo x > /proc/sys/kernel/core_pattern) 2>&1",
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert lines[: 1 + len(masked)] == ["1:3", *["0"] * len(masked)], done.stderr
    assert sum("Read-only" in line or "nonexistent" in line for line in lines) == 2
    assert Path("/proc/sys/kernel/core_pattern").read_text() == pattern


@pytest.mark.parametrize("target", ["/tmp/fake", "/", "/etc"])
def test_an_image_cannot_replace_proc(
    root: Root, tmp_path: Path, target: str, masked: list[str]
) -> None:
    """CVE-2019-19921, -2021-30465: /proc as a link must not give a fake or unmasked one."""
    archive(tmp_path / "proc.tar", link("proc", target))
    tag = built(root, tmp_path, "FROM busybox AS one\nFROM scratch\nADD proc.tar /\n"
                "COPY --from=one /bin /bin\n")  # fmt: skip
    script = f"{length_of(masked)}; (echo 1 > /proc/sys/vm/drop_caches) 2>&1"
    done = root.cli("run", "--rm", "--network", "none", tag, "sh", "-c", script)
    if done.returncode == 0 or done.stdout:
        assert done.stdout.splitlines()[: len(masked)] == ["0"] * len(masked)
        assert "drop_caches" in done.stdout
    else:
        assert done.returncode in {125, 126, 127}
        assert done.stderr.startswith("dockyard: ")


def test_device_nodes_of_an_image_are_dead(root: Root, tmp_path: Path) -> None:
    """A layer may bring nodes of the host's memory and disks; nobody may open them."""
    tag = built(root, tmp_path, "FROM busybox\nRUN mkdir /nodes && cd /nodes && mknod mem c 1 1"
                " && mknod kmsg c 1 11 && mknod disk b 8 0 && chmod 666 *\n")  # fmt: skip
    done = root.cli("run", "--rm", "--network", "none", tag, "sh", "-c",
                    "ls /nodes; for n in /nodes/*; do head -c 1 $n 2>&1; done")  # fmt: skip
    assert done.stdout.count("Operation not permitted") + done.stdout.count("denied") == 3


def belonging(root: Root) -> dict[int, str]:
    """All processes of a root, with the beginnings of what they are called by.

    They name it on their command line, in their environment or by their cgroup, or are children
    of one that does.
    """
    marks = [str(root.base).encode(), root.paths.root_hash.encode()]
    found: dict[int, str] = {}
    parents: dict[int, int] = {}
    for pid in map(int, filter(str.isdecimal, os.listdir("/proc"))):
        try:
            texts = [Path(f"/proc/{pid}/{name}").read_bytes()
                     for name in ("cmdline", "environ", "cgroup")]  # fmt: skip
            status = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[pid] = int(status[1])
        called = texts[0].replace(b"\0", b" ").decode(errors="replace")
        if pid != os.getpid() and any(mark in text for mark in marks for text in texts):
            found[pid] = called
    for pid, parent in parents.items():
        if parent in found and pid not in found:
            found[pid] = "a child"
    return found


def abstract_sockets(pid: int) -> list[str]:
    """Names in the abstract namespace that a process has a socket with, in whatever state."""
    sockets = set()
    for name in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(OSError):
            sockets.add(os.readlink(f"/proc/{pid}/fd/{name}"))
    lines = Path(f"/proc/{pid}/net/unix").read_text().splitlines()[1:]
    return [line for line in lines
            if len(line.split()) > 7 and line.split()[7].startswith("@")
            and f"socket:[{line.split()[6]}]" in sockets]  # fmt: skip


def test_nothing_listens_in_the_abstract_namespace(root: Root, tmp_path: Path) -> None:
    """CVE-2020-15257: an abstract socket is reached from any container in the host's network.

    Looked at are monitors, the controller, a name server, and a build with an agent of ours.
    """
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"],
                   check=True)  # fmt: skip
    (tmp_path / "Dockerfile").write_text("FROM busybox\nRUN --mount=type=ssh sleep 301\n")
    root.cli("network", "create", "made", check=True)
    root.cli("run", "-d", "--name", "one", "--network", "made", "--health-cmd", "true", "busybox",
             "sleep", "300", check=True)  # fmt: skip
    root.cli("run", "-d", "-i", "-t", "--name", "two", "busybox", "sh", check=True)
    build = root.start("build", "--ssh", f"default={tmp_path}/key", str(tmp_path))
    wanted = ("conmon", "ssh-agent", "controller/process.py", "aardvark-dns", "sleep 301",
              "dockyard.cli.main build")  # fmt: skip

    def all_there() -> dict[int, str]:
        found = belonging(root)
        return found if all(any(word in line for line in found.values()) for word in wanted) else {}

    try:
        found = waiting.until(all_there)
        names: set[str] = set()
        for pid, called in found.items():
            with contextlib.suppress(FileNotFoundError):  # a probe of its health has ended
                names.update(f"{called}: {line}" for line in abstract_sockets(pid))
    finally:
        build.send_signal(signal.SIGINT)
        build.communicate()
    assert names == set()


def test_an_abstract_socket_would_be_found() -> None:
    """So that finding none says something."""
    with socket.socket(socket.AF_UNIX) as own:
        own.bind(f"\0dockyard-{os.getpid()}")
        own.listen()
        assert [line.split()[7] for line in abstract_sockets(os.getpid())] == [
            f"@dockyard-{os.getpid()}"
        ]


def test_all_directories_of_the_state_are_the_owners_alone(root: Root, tmp_path: Path) -> None:
    """CVE-2020-15257: sockets and files in them are nobody else's."""
    (tmp_path / "Dockerfile").write_text(
        "FROM busybox\nRUN --mount=type=cache,target=/c touch /c/x\n"
    )
    root.cli("network", "create", "made", check=True)
    root.cli("run", "-d", "--network", "made", "--health-cmd", "true", "-v", "data:/v", "busybox",
             "sleep", "300", check=True)  # fmt: skip
    waiting.until(lambda: os.path.isdir(root.paths.controller))
    root.cli("build", str(tmp_path), check=True)
    top = {root.paths.root, root.paths.run}
    named = {value for name in dir(Paths) if isinstance(getattr(Paths, name), property)
             and os.path.isdir(value := getattr(root.paths, name))}  # fmt: skip
    below = {entry.path for place in top for entry in os.scandir(place)
             if entry.is_dir(follow_symlinks=False)}  # fmt: skip
    assert {"layers", "volumes", "cache", "containers", "locks", "names", "controller"} <= {
        os.path.basename(place) for place in named | below
    }
    for place in top | named | below:
        status = os.stat(place)
        assert (oct(status.st_mode & 0o777), status.st_uid) == ("0o700", 0), place
    shared = os.stat(HOST_LOCK_DIRECTORY)
    assert (shared.st_mode & 0o022, shared.st_uid) == (0, 0)


def test_files_of_the_user_database_are_the_images_own(root: Root, tmp_path: Path) -> None:
    """CVE-2019-14271's family: /etc/passwd as a link must not read the host's."""
    archive(tmp_path / "etc.tar", link("etc/passwd", "../../../../../../etc/passwd"),
            link("etc/group", "/proc/1/root/etc/group"))  # fmt: skip
    tag = built(root, tmp_path, "FROM busybox AS one\nFROM scratch\nADD etc.tar /\n"
                "COPY --from=one /bin /bin\n")  # fmt: skip
    done = root.cli("run", "--rm", "--network", "none", "--user", "daemon", tag, "id")
    assert done.returncode == 125 or done.returncode == 126
    assert "daemon" in done.stderr


def test_a_container_that_forks_without_end_is_stopped(root: Root) -> None:
    """It must not take the engine down, nor escape its end."""
    root.cli("run", "-d", "--name", "bomb", "--network", "none", "--pids-limit", "64", "busybox",
             "sh", "-c", "f() { f | f & }; f; while :; do f; done", check=True)  # fmt: skip
    time.sleep(0.3)
    assert root.cli("rm", "-f", "bomb", timeout=60).returncode == 0


def test_a_part_of_a_volume_stays_in_it(root: Root) -> None:
    """CVE-2021-30465's family: who writes to a volume turns a part of it into a link."""
    script = "ln -s / /v/root; ln -s ../../../../../.. /v/up; ln -s /proc/self/root /v/magic"
    root.cli("run", "--rm", "--network", "none", "-v", "parts:/v", "busybox", "sh", "-c", script,
             check=True)  # fmt: skip
    for part in ("root", "up", "magic", "root/proc/1/root", "../..", "root/../.."):
        done = root.cli(
            "run", "--rm", "--network", "none", "--mount",
            f"type=volume,src=parts,dst=/x,volume-subpath={part}", "busybox", "ls", "/x",
        )  # fmt: skip
        assert done.stdout.split() in ([], ["magic", "root", "up"]), part
        assert done.returncode == 0 or done.stderr.startswith("dockyard: "), part


def test_copying_runs_and_loads_nothing_of_the_container(root: Root, tmp_path: Path) -> None:
    """CVE-2019-14271: a helper that had entered the container loaded its libraries."""
    root.cli("run", "-d", "--name", "box", "--network", "none", "busybox", "sh", "-c",
             "mkdir -p /lib; for n in libnss_files.so.2 libc.so.6 libnss_compat.so.2; do"
             " cp /bin/busybox /lib/$n; done; : > /ready; sleep 300", check=True)  # fmt: skip
    until(lambda: root.cli("exec", "box", "test", "-e", "/ready").returncode == 0)
    executed: list[str] = []
    recording = [False]

    def note(name: str, arguments: tuple[object, ...]) -> None:
        if recording[0] and name in {"subprocess.Popen", "os.exec", "os.posix_spawn", "os.fork",
                                     "os.system", "os.chdir", "ctypes.dlopen"}:  # fmt: skip
            executed.append(f"{name} {arguments}")

    sys.addaudithook(note)
    with root.engine() as engine:
        engine.containers.copy_from("box", "/etc/passwd", str(tmp_path / "before"))
        recording[0] = True
        engine.containers.copy_from("box", "/lib", str(tmp_path / "lib"))
        engine.containers.copy_to("box", str(tmp_path / "lib"), "/again")
        recording[0] = False
        mapped = Path("/proc/self/maps").read_text()
    assert executed == []
    assert root.paths.containers not in mapped
    assert "libnss_compat" not in mapped
    assert len(os.listdir(tmp_path / "lib")) == 3
