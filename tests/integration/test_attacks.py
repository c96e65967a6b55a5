"""Known ways out of a container, tried for real. Each test names the fault that others had."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from tests.support import waiting
from tests.support.roots import Root, command_line, foreground
from tests.support.runtimes import leaves_directories_on_the_host, usable
from tests.support.waiting import until

from dockyard import Mount, Options
from dockyard.containers import landing
from dockyard.errors import DockyardError, HostileInput
from dockyard.security.paths import MASKED
from dockyard.state.paths import HOST_LOCK_DIRECTORY, Paths
from dockyard.system import process

RUNTIMES = usable()
SETTING = "/proc/sys/kernel/core_uses_pid"
"""A harmless setting of the whole host, for attacks that would write one."""
LOOK = (
    f"echo 7; stat -c %t:%T /dev/null; (echo 7 >{SETTING}) 2>&1; head -c 1 /proc/kcore | wc -c;"
    " awk '$5 ~ \"^/(proc|dev|sys)?$\" {at[$5] = $0} END {for (p in at) print at[p]}'"
    " /proc/self/mountinfo"
)
"""What a container has in the places of the system; its first line would be the setting."""


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
        if os.path.lexists(f"/{deep}"):
            assert leaves_directories_on_the_host(), "made outside of the container"
            os.rmdir(f"/{deep}")  # so it is empty, and nothing was mounted there
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


def test_a_link_under_one_of_the_engines_files_leads_to_no_setting(
    root: Root, tmp_path: Path
) -> None:
    """crun mounts on top of the link, runc makes no such container."""
    archive(tmp_path / "file.tar", link("etc/resolv.conf", "/proc/sys/kernel/hostname"))
    tag = built(root, tmp_path, "FROM busybox\nADD file.tar /\n")
    done = root.cli("run", "--rm", tag, "sh", "-c", "cat /proc/sys/kernel/hostname; hostname")
    name, _, own = done.stdout.partition("\n")
    refused = done.returncode == 125 and "cannot be mounted because it is inside /proc"
    assert refused in done.stderr if refused else name == own.strip() != ""


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


@pytest.fixture
def setting() -> Iterator[Path]:
    """The setting of the host that attacks aim at; put back whatever happens."""
    path = Path(SETTING)
    before = path.read_text()
    yield path
    now = path.read_text()
    path.write_text(before)
    assert now == before


def check_look(text: str) -> None:
    """The system's places hold the system's mounts: :data:`LOOK` said so."""
    lines = text.splitlines()
    assert lines[:2] == ["7", "1:3"]
    assert "Read-only file system" in lines[2]
    assert lines[3] == "0"
    kinds = {line.split()[4]: line.split(" - ")[1].split()[0] for line in lines[4:]}
    assert kinds == {"/": "overlay", "/proc": "proc", "/dev": "tmpfs", "/sys": "sysfs"}


def hostile_links(path: Path) -> None:
    """An archive whose links lead to the system's places, and a device that is a setting."""
    own = tarfile.TarInfo("proc")
    own.type, own.mode = tarfile.DIRTYPE, 0o755
    archive(path, own, link("dev/null", SETTING), link("dev/zero", SETTING), link("a", "/dev"),
            link("b", "../proc"), link("c", "/"), link("m/l", "/dev"))  # fmt: skip


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_link_as_a_mounts_target_leads_to_no_place_of_the_system(
    root: Root, tmp_path: Path, setting: Path, runtime: str
) -> None:
    """CVE-2019-16884's family: VOLUME /a, where /a is a link to /dev; runc reopens /dev/null."""
    hostile_links(tmp_path / "links.tar")
    tag = built(root, tmp_path, "FROM busybox\nADD links.tar /\nVOLUME /a\n")
    plain = built(root, tmp_path, "FROM busybox\nADD links.tar /\n", "plain")
    (tmp_path / "given").mkdir()
    box = ("run", "--rm", "--network", "none", "--runtime", runtime)
    done = root.cli(*box, tag, "sh", "-c", LOOK)
    assert done.returncode == 125, done.stdout
    assert "cannot mount on /a: links lead it to /dev" in done.stderr
    for flags in (["-v", "/b"], ["-v", f"{tmp_path}/given:/c"], ["--tmpfs", "/a"],
                  ["--mount", "type=tmpfs,target=/a/x"], ["-v", "named:/b/sys"],
                  ["--mount", f"type=bind,source={tmp_path}/given,target=/m/l"]):  # fmt: skip
        done = root.cli(*box, *flags, plain, "sh", "-c", LOOK)
        assert done.returncode == 125, flags
        assert "links lead it to /" in done.stderr, flags
    root.cli("create", "--name", "donor", "-v", f"{tmp_path}/given:/b", "busybox", check=True)
    done = root.cli(*box, "--volumes-from", "donor", plain, "sh", "-c", LOOK)
    assert (done.returncode, "cannot mount on /b" in done.stderr) == (125, True)
    check_look(root.cli(*box, "-v", "/m", plain, "sh", "-c", LOOK, check=True).stdout)
    assert setting.read_text() != "7\n"


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("target", ["/a", "/m/l", "/b"])
def test_the_order_of_mounts_holds_without_looking(
    root: Root, tmp_path: Path, setting: Path, runtime: str, target: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Who swaps a link after it was looked at finds the system's mounts above his own."""
    hostile_links(tmp_path / "links.tar")
    tag = built(root, tmp_path, "FROM busybox\nADD links.tar /\n")
    monkeypatch.setattr(landing, "check_landings", lambda *_: None)
    mounts = (Mount(kind="volume", target="/m"), Mount(kind="volume", target=target))
    with root.engine(runtime=runtime) as engine:
        try:
            _, output = foreground(engine, "sh", "-c", LOOK, image=tag, mounts=mounts)
        except DockyardError:  # runc itself looks for what lies in /proc
            assert (runtime, target) == ("runc", "/b")
        else:
            check_look(output.text)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_link_in_a_volume_leads_the_next_mount_nowhere(
    root: Root, setting: Path, runtime: str
) -> None:
    """A container that may write to a volume plants a link, or swaps it, for the next one's."""
    box = ("run", "--rm", "--network", "none", "--runtime", runtime)
    root.cli(*box, "-v", "vol:/m", "busybox", "sh", "-c",
             "ln -s /dev /m/l; ln -s ../proc /m/p; ln -s /proc /m/shm", check=True)  # fmt: skip
    for target in ("/m/l", "/m/p/sys"):
        done = root.cli(*box, "-v", "vol:/m", "-v", f"inner:{target}", "busybox", "sh", "-c", LOOK)
        assert done.returncode == 125
        assert f"cannot mount on {target}: links lead it to /" in done.stderr
    done = root.cli(*box, "-v", "vol:/dev/m", "-v", "inner:/dev/m/l", "busybox", "sh", "-c", LOOK)
    assert (done.returncode, "it lies in what is mounted" in done.stderr) == (125, True)
    root.cli("run", "-d", "--name", "swapper", "--network", "none", "-v", "vol:/m", "busybox",
             "sh", "-c", "cd /m; rm l; while :; do mkdir l; rmdir l; ln -s /dev l; rm l; done",
             check=True)  # fmt: skip
    for _ in range(6):
        done = root.cli(*box, "-v", "vol:/m", "-v", "inner:/m/l", "busybox", "sh", "-c", LOOK)
        if done.returncode == 0:
            check_look(done.stdout)
    root.cli("rm", "-f", "swapper", check=True)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_mounts_of_a_step_lead_to_no_place_of_the_system(
    root: Root, tmp_path: Path, setting: Path, runtime: str
) -> None:
    """The same in a build: what a step mounts first leads what it mounts next."""
    hostile_links(tmp_path / "links.tar")
    env = {"DOCKYARD_RUNTIME": runtime}
    head = "FROM busybox AS x\nADD links.tar /\nFROM busybox AS y\nRUN mkdir /z\n"
    steps = {
        "--mount=type=bind,from=x,source=/m,target=/m --mount=type=bind,from=y,rw,target=/m/l": "x",
        "--mount=type=bind,from=x,source=/,target=/m --mount=type=cache,target=/m/b/x": "x",
        "--mount=type=bind,from=x,source=/,target=/m --mount=type=tmpfs,target=/m/c": "x",
        "--mount=type=cache,target=/a/x": "x",
        "--mount=type=cache,target=/dev/x --mount=type=tmpfs,target=/dev/x/y": "busybox",
    }
    for flags, base in steps.items():
        text = f"{head}FROM {base}\nRUN {flags} true\n"
        (tmp_path / "Dockerfile").write_text(text)
        done = root.cli("build", "--progress", "plain", str(tmp_path), env=env)
        assert done.returncode == 1, flags
        assert "cannot mount on /" in done.stderr, done.stderr
    fine = "--mount=type=bind,from=x,source=/m,target=/m --mount=type=tmpfs,target=/dev/x"
    (tmp_path / "Dockerfile").write_text(f"{head}FROM busybox\nRUN {fine} ( {LOOK} ) >/look\n")
    root.cli("build", "-q", "-t", "looked", str(tmp_path), env=env, check=True)
    check_look(root.cli("run", "--rm", "--network", "none", "looked", "cat", "/look").stdout)


@pytest.mark.parametrize("place", ["dev", "proc", "sys"])
def test_a_link_in_place_of_the_systems_own_is_refused(
    root: Root, tmp_path: Path, place: str
) -> None:
    """It would take the engine's mounts into a volume that others may write to."""
    archive(tmp_path / "place.tar", link(place, "/v/x"))
    tag = built(root, tmp_path, "FROM busybox AS one\nFROM scratch\nADD place.tar /\n"
                "COPY --from=one /bin /bin\n")  # fmt: skip
    done = root.cli("run", "--rm", "--network", "none", "-v", "vol:/v", tag, "true")
    assert done.returncode == 125
    assert f"symbolic link in place of /{place}" in done.stderr
    (tmp_path / "Dockerfile").write_text(f"FROM {tag}\nRUN true\n")
    done = root.cli("build", str(tmp_path))
    assert (done.returncode, f"in place of /{place}" in done.stderr) == (1, True)


def test_a_name_that_ends_early_in_c_is_refused(root: Root) -> None:
    """crun mounted a volume for ``/proc\\0x`` on ``/proc``."""
    with root.engine() as engine:
        for options in (
            Options(mounts=(Mount(kind="volume", target="/proc\0x"),)),
            Options(command=("echo", "a\0b")),
            Options(env=("A=b\0c",)),
            Options(working_dir="/a\0b"),
        ):
            with pytest.raises(HostileInput, match="NUL byte"):
                engine.run("busybox", network="none", options=options)
        with engine.run("busybox", ["sleep", "60"], network="none") as container:
            with pytest.raises(HostileInput, match="NUL byte"):
                container.exec(["echo", "a\0b"])
            assert container.exec(["printf", "%s", "\\u0000"])[1] == "\\u0000"


@pytest.mark.parametrize(
    "words", [["busybox", "echo", b"\xff"], ["-e", b"A=\xff", "busybox", "env"]]
)
def test_bytes_that_are_no_text_are_refused_in_words(root: Root, words: list[str | bytes]) -> None:
    line = [*command_line(["run", "--rm", "--network", "none"]), *words]
    done = subprocess.run(line, capture_output=True, env=root.environment(), check=False)
    assert done.returncode == 125
    assert b"is not UTF-8" in done.stderr


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


def test_what_fills_a_directory_of_the_host_follows_no_link(root: Root, tmp_path: Path) -> None:
    """A container that has the volume swaps what an image's copy just made there for a link."""
    victim, live = tmp_path / "victim", tmp_path / "live"
    victim.write_text("the host's")
    victim.chmod(0o600)
    live.mkdir()
    names = " ".join(f"f{number}" for number in range(400))
    tag = built(root, tmp_path, "FROM busybox\nRUN mkdir /v && cd /v && "
                f"mkfifo -m 4777 {names}\n")  # fmt: skip
    root.cli("volume", "create", "-o", "type=none", "-o", "o=bind", "-o", f"device={live}", "live",
             check=True)  # fmt: skip
    swap = f"cd /v; while :; do for n in *; do [ -p $n ] && ln -sfn {victim} $n; done; done"
    root.cli("run", "-d", "--name", "swapper", "--network", "none", "-v", "live:/v", "busybox",
             "sh", "-c", swap, check=True)  # fmt: skip
    swapped = 0
    for _ in range(4):
        done = root.cli("run", "--rm", "--network", "none", "-v", "live:/v", tag, "true")
        assert done.returncode == 0 or done.stderr.startswith("dockyard: cannot fill volume live")
        swapped += sum(path.is_symlink() for path in live.iterdir())
        for path in live.iterdir():
            path.unlink()
    root.cli("rm", "-f", "swapper", check=True)
    status = victim.stat()
    assert swapped
    assert (status.st_mode & 0o7777, status.st_uid, status.st_gid) == (0o600, 0, 0)


def rights(path: Path) -> dict[str, tuple[int, int, bool]]:
    """Mode, owner and whether there are capabilities of all below a directory."""
    return {
        each.name: (each.lstat().st_mode, each.lstat().st_uid,
                    "security.capability" in os.listxattr(each, follow_symlinks=False))
        for each in path.rglob("*")
    }  # fmt: skip


def test_an_image_gives_nobody_rights_on_the_host(root: Root, tmp_path: Path) -> None:
    """What is written to a directory of the host can't make anybody root, or open a disk."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own").chmod(0o700)
    capability = "\1\0\0\2\0\4\0\0" + "\0" * 12
    file = tarfile.TarInfo("v/able")
    file.mode, file.pax_headers = 0o755, {"SCHILY.xattr.security.capability": capability}
    with tarfile.open(tmp_path / "able.tar", "w", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(file)
    tag = built(root, tmp_path, "FROM busybox AS made\nADD able.tar /\nRUN cd /v &&"
                " cp /bin/busybox become && chown 7:7 become && chmod 6755 become"
                " && mkfifo -m 4666 pipe && mknod disk b 8 0 && ln disk again && mkdir sub"
                " && chmod 2775 sub\n"
                "FROM scratch\nCOPY --from=made /v /v\nCOPY --from=made /bin /bin\n"
                "COPY --from=made /v/disk /v/become /\n")  # fmt: skip
    done = root.cli("build", "-o", f"{tmp_path}/own", str(tmp_path), check=True)
    assert "3 device nodes" in done.stderr
    found = rights(tmp_path / "own")
    assert {"disk", "again"}.isdisjoint(found)
    assert found["become"] == (stat.S_IFREG | 0o755, 0, False)
    assert found["able"] == (stat.S_IFREG | 0o755, 0, False)
    assert found["pipe"] == (stat.S_IFIFO | 0o666, 0, False)
    assert found["sub"] == (stat.S_IFDIR | 0o775, 0, False)
    assert (tmp_path / "own").stat().st_mode & 0o7777 == 0o700

    (tmp_path / "live").mkdir()
    root.cli("volume", "create", "-o", "type=none", "-o", "o=bind", "-o",
             f"device={tmp_path}/live", "live", check=True)  # fmt: skip
    done = root.cli("run", "--rm", "--network", "none", "-v", "live:/v", tag, "true", check=True)
    assert "2 device nodes of the image's /v were left out of volume live" in done.stderr
    found = rights(tmp_path / "live")
    assert sorted(found) == ["able", "become", "pipe", "sub"]
    assert found["become"] == (stat.S_IFREG | 0o755, 7, False)
    assert found["able"] == (stat.S_IFREG | 0o755, 0, False)
    assert found["pipe"] == (stat.S_IFIFO | 0o666, 0, False)
    kept = root.cli("run", "--rm", "--network", "none", "-v", "all:/v", tag, "ls", "-l", "/v")
    assert "brw" in kept.stdout
    assert "-rwsr-sr-x" in kept.stdout


@pytest.fixture(scope="session")
def opener(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program without libraries that opens sockets in all ways: tests/data/seccomp/sockets.c."""
    source = Path(__file__).parents[1] / "data" / "seccomp" / "sockets.c"
    program = tmp_path_factory.mktemp("opener") / "sockets"
    subprocess.run(["gcc", "-static", "-o", program, source], check=True)
    return program


def answers(text: str) -> dict[str, int]:
    """What each way was answered."""
    return {name: int(code) for name, _, code in (
        line.rpartition(" ") for line in text.splitlines())}  # fmt: skip


def check_sockets(found: dict[str, int], *, for_32_bits: bool = False) -> None:
    """Two families are refused, however they are written; the others work."""
    fine = {name for name, code in found.items() if code == 0}
    assert {"inet", "inet upper", "unix", "netlink", "pair unix"} <= fine
    refused = {name: code for name, code in found.items() if "alg" in name or "vsock" in name}
    assert len(refused) >= 8
    for name, code in refused.items():
        if not name.startswith("socketcall"):
            assert code == errno.EPERM, name
    assert found["kcm"] != errno.EPERM
    assert found["unknown"] == errno.EAFNOSUPPORT
    if os.uname().machine == "x86_64":
        assert found["old socket inet"] == 0
        whole = {found[f"socketcall {name}"] for name in ("inet", "alg", "vsock")}
        assert whole <= {0, errno.EAFNOSUPPORT} if for_32_bits else whole == {errno.ENOSYS}


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_filter_compares_what_the_kernel_takes(
    root: Root, tmp_path: Path, opener: Path, runtime: str
) -> None:
    """AF_VSOCK with a bit in the upper half, or by the calls of 32-bit programs."""
    shutil.copy(opener, tmp_path / "sockets")
    env = {"DOCKYARD_RUNTIME": runtime}
    (tmp_path / "Dockerfile").write_text(
        "FROM busybox\nCOPY sockets /\nRUN --network=none /sockets >/built\n"
    )
    root.cli("build", "-q", "-t", "sockets", str(tmp_path), env=env, check=True)
    box = ("run", "--rm", "--network", "none", "--runtime", runtime)
    done = root.cli(*box, "sockets", "sh", "-c", "cat /built; echo --; /sockets", check=True)
    built_, _, run = done.stdout.partition("--\n")
    check_sockets(answers(built_))
    check_sockets(answers(run))
    again = root.cli(*box, "sockets", "/sockets", check=True)  # with the filter that was kept
    assert answers(again.stdout) == answers(run)


def test_a_container_for_32_bits_has_the_calls_for_sockets(
    root: Root, tmp_path: Path, opener: Path
) -> None:
    """Only where the user says so: an image may say of itself what it likes."""
    if os.uname().machine != "x86_64":
        pytest.skip("of x86 alone")
    shutil.copy(opener, tmp_path / "sockets")
    (tmp_path / "Dockerfile").write_text('FROM scratch\nCOPY sockets /\nCMD ["/sockets"]\n')
    root.cli("build", "-q", "--platform", "linux/386", "-t", "old", str(tmp_path), check=True)
    box = ("run", "--rm", "--network", "none")
    done = root.cli(*box, "old", check=True)
    assert "--platform linux/386 lets its programs open sockets" in done.stderr
    check_sockets(answers(done.stdout))
    check_sockets(
        answers(root.cli(*box, "--platform", "linux/386", "old", check=True).stdout),
        for_32_bits=True,
    )


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_joined_namespace_is_held_not_named_by_a_number(root: Root, runtime: str) -> None:
    """A number that is used again between the look and the runtime's would be the host's."""
    box = ("run", "-d", "--runtime", runtime)
    root.cli(*box, "--name", "donor", "--network", "none", "--ipc", "shareable", "busybox",
             "sleep", "60", check=True)  # fmt: skip
    root.cli(*box, "--name", "guest", *(f"--{kind}=container:donor" for kind in
             ("network", "ipc", "pid")), "busybox", "sleep", "60", check=True)  # fmt: skip
    with root.engine() as engine:
        donor, guest = (engine.parts.store.find(name) for name in ("donor", "guest"))
    assert donor.process is not None
    assert guest.process is not None
    for kind in ("net", "ipc", "pid"):
        own = os.stat(f"/proc/{donor.process.pid}/ns/{kind}").st_ino
        assert os.stat(f"/proc/{guest.process.pid}/ns/{kind}").st_ino == own
    spec = json.loads(Path(root.paths.bundle(guest.id), "config.json").read_text())
    places = {each["type"]: each.get("path", "") for each in spec["linux"]["namespaces"]}
    for kind in ("network", "ipc", "pid"):
        assert re.fullmatch(r"/proc/\d+/fd/\d+", places[kind])
    root.cli("rm", "-f", "guest", "donor", check=True)
    done = root.cli("run", "--rm", "--pid", "container:donor", "busybox", "true")
    assert done.returncode != 0
