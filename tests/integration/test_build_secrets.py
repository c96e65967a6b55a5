"""What a build is lent and must not keep: secrets, agents, the host's network and descriptors.

Each test tries to get hold of what it shouldn't, with a step that is hostile where that matters.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.test_build import Context
from tests.support.roots import Root

from dockyard import Engine
from dockyard.build.grants import StepOptions
from dockyard.containers.options import Ulimit
from dockyard.errors import BuildError, DockyardError, InvalidInput

SECRET = "hunter2-" + "".join(chr(ord("a") + n) for n in range(20))


@pytest.fixture
def context(engine: Engine, tmp_path: Path) -> Context:
    place = tmp_path / "context"
    place.mkdir()
    return Context(engine, place)


def holding(directory: Path, needle: str) -> list[str]:
    """Files on this disk below a directory that have a text, whatever they are.

    Another process looks: to open and close the database in this one would drop its locks.
    """
    command = [
        "find",
        str(directory),
        "-xdev",
        "-type",
        "f",
        "-exec",
        "grep",
        "-lF",
        needle,
        "{}",
        "+",
    ]
    return subprocess.run(command, capture_output=True, text=True).stdout.split()


def test_a_secret_is_a_file_or_a_variable_for_one_step(context: Context) -> None:
    file = context.write("../token", "from a file\n")
    context.build(
        "FROM busybox\nUSER app\nWORKDIR /w\n"
        "RUN --mount=type=secret,id=one --mount=type=secret,id=two,env=TWO,target=two,uid=1000"
        " --mount=type=secret,id=three,env=THREE,mode=0444 --mount=type=secret,id=absent"
        " --mount=type=secret,id=one,target=/etc/deep/one,mode=0440,gid=1001 "
        "stat -c '%n %a %u %g' /run/secrets/one two /etc/deep/one && cat two /etc/deep/one "
        "&& ! cat /run/secrets/one && ! touch two && test ! -e /run/secrets/absent "
        '&& test ! -e /run/secrets/three && test "$TWO$THREE" = "zweidrei"\n'
        "RUN test ! -e /run/secrets && test ! -e /etc/deep && test -z $TWO && test ! -e two\n",
        secrets={"one": file, "two": "zwei", "three": b"drei"},
    )
    out = b"".join(event.data for event in context.events).decode()
    assert "/run/secrets/one 400 0 0\ntwo 400 1000 0\n/etc/deep/one 440 0 1001\n" in out
    assert "zweifrom a file\n" in out


def test_a_secret_is_nowhere_afterwards(root: Root, context: Context) -> None:
    """Not in layers, history, cache or records, whatever the step does with its mounts."""
    context.build(
        "FROM busybox\n"
        "RUN --mount=type=secret,id=s,target=/etc/app/key --mount=type=secret,id=s,env=KEY "
        "ln /etc/app/key /kept; rm -f /etc/app/key; ln -s /etc/app/key /link;"
        " test -s /etc/app/key && test -n $KEY && mkdir -p /run/other\n",
        secrets={"s": SECRET},
    )
    assert holding(root.base, SECRET) == []
    assert holding(root.base, "busybox")  # it does look
    assert SECRET not in repr(context.engine.images.find("made"))
    assert context.show("ls /etc/app /kept 2>&1 | wc -l; ls /run") == ["2", "other"]


def test_a_secret_is_not_on_disk_while_a_step_has_it_or_after_kill_9(
    root: Root, context: Context
) -> None:
    context.write(
        "Dockerfile",
        "FROM busybox\nRUN --mount=type=secret,id=s,env=KEY --mount=type=secret,id=s,target=/k "
        "echo ready; sleep 100\n",
    )
    build = root.start(
        "build", "--progress=plain", "--secret", "id=s,env=TOKEN", str(context.path),
        env=root.environment(TOKEN=SECRET), stdout=subprocess.DEVNULL,
    )  # fmt: skip
    assert build.stderr is not None
    while line := build.stderr.readline():
        if line.rstrip().endswith("ready"):
            break
    assert line, "the step did not begin"
    assert holding(root.base, SECRET) == []
    os.kill(build.pid, signal.SIGKILL)
    build.communicate()
    assert holding(root.base, SECRET) == []

    root.cli("ps", check=True)
    assert root.leftovers() == []


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("id=x,src=/nothing", "failed to stat /nothing: no such file or directory"),
        ("x", "invalid field 'x' must be a key=value pair"),
        ("id=x,type=bla", 'unsupported secret type "bla"'),
        ("src=/etc/passwd", "secret missing ID"),
        ("id=x,env=DOCKYARD_UNSET", "the variable DOCKYARD_UNSET is not set"),
    ],
)
def test_secrets_that_cannot_be(root: Root, context: Context, flag: str, message: str) -> None:
    context.write("Dockerfile", "FROM busybox\n")
    done = root.cli("build", "--secret", flag, str(context.path))
    assert done.returncode != 0
    assert message in done.stderr


def test_a_secret_has_a_limit_and_a_variable_is_text(context: Context) -> None:
    with pytest.raises(InvalidInput, match="max size 500KB"):
        context.build("FROM busybox\n", secrets={"s": b"x" * 512001})
    with pytest.raises(BuildError, match="is no text"):
        context.build(
            "FROM busybox\nRUN --mount=type=secret,id=s,env=S true\n", secrets={"s": b"\0"}
        )


ASK = """
import os, socket, struct
def ask(kind, body=b""):
    with socket.socket(socket.AF_UNIX) as agent:
        agent.connect(os.environ["SSH_AUTH_SOCK"])
        agent.sendall(struct.pack(">IB", len(body) + 1, kind) + body)
        size = struct.unpack(">I", agent.recv(4, socket.MSG_WAITALL))[0]
        return agent.recv(size, socket.MSG_WAITALL)
keys = lambda: struct.unpack(">I", ask(11)[1:5])[0]
print("keys", keys(), "remove", ask(19)[0], "lock", ask(22, struct.pack(">I", 1) + b"x")[0])
print("still", keys(), oct(os.stat(os.environ["SSH_AUTH_SOCK"]).st_mode & 0o777))
"""


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path


@pytest.fixture
def agent(tmp_path: Path, key: Path) -> Iterator[str]:
    """An agent of the host's with a key."""
    path = str(tmp_path / "agent")
    with subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        running.stdout.readline()
        subprocess.run(["ssh-add", "-q", key], env={"SSH_AUTH_SOCK": path}, check=True)
        yield path
        running.kill()


def test_an_agent_signs_for_a_step_and_takes_no_orders(
    context: Context, agent: str, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context.write("ask.py", ASK)
    context.write("Dockerfile", "")
    monkeypatch.setenv("SSH_AUTH_SOCK", agent)
    for given in ({"default": ()}, {"default": (agent,)}, {"default": (str(key),)}):
        context.build(
            "FROM python:3.11\nRUN --mount=type=ssh,mode=0666 --mount=target=/c python /c/ask.py\n",
            ssh=given, no_cache=True,
        )  # fmt: skip
        out = b"".join(event.data for event in context.events).decode()
        assert out.splitlines() == ["keys 1 remove 5 lock 5", "still 1 0o666"]
    listed = subprocess.run(["ssh-add", "-l"], env={"SSH_AUTH_SOCK": agent}, capture_output=True)
    assert listed.stdout.count(b"\n") == 1
    context.build("FROM busybox\nRUN --mount=type=ssh test -n $SSH_AUTH_SOCK && ! test -e /run/*\n")


def test_a_key_with_a_passphrase_or_no_key_is_refused(context: Context, tmp_path: Path) -> None:
    path = tmp_path / "locked"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "words", "-f", path], check=True)
    with pytest.raises(InvalidInput, match=r"cannot use .*locked for the ssh agent default"):
        context.build("FROM busybox\nRUN --mount=type=ssh true\n", ssh={"default": (str(path),)})
    with pytest.raises(InvalidInput, match="stat /nothing: no such file"):
        context.build("FROM busybox\n", ssh={"default": ("/nothing",)})


def test_networks_of_steps(context: Context, root: Root) -> None:
    """none, the build's, the host's where it is allowed, and only there."""
    interfaces = "ls /sys/class/net | sort | tr '\\n' ' '"
    context.build(
        f"FROM busybox\nRUN {interfaces} > /default\nRUN --network=none {interfaces} > /none\n"
        f"RUN --network=host {interfaces} > /host\n",
        allow=["network.host"],
    )
    default, none, host = context.show("cat /default; echo; cat /none; echo; cat /host")
    assert (default.split(), none.split()) == (["eth0", "lo"], ["lo"])
    assert set(host.split()) >= {"lo"} | {
        name for name in os.listdir("/sys/class/net") if not name.startswith(("dv", "dy", "veth"))
    }
    context.write("Dockerfile", f"FROM busybox\nRUN {interfaces}; exit 1\n")
    done = root.cli("build", "--progress=plain", "--network", "none", str(context.path))
    assert "last output:\n  lo\n" in done.stderr
    done = root.cli("build", "--network", "mine", str(context.path))
    assert 'network mode "mine" not supported' in done.stderr


@pytest.mark.parametrize(
    ("flag", "entitlement"),
    [("network=host", "network.host"), ("security=insecure", "security.insecure")],
)
def test_nothing_privileged_without_leave(context: Context, flag: str, entitlement: str) -> None:
    with pytest.raises(BuildError, match=f"{entitlement} is not allowed") as caught:
        context.build(f"FROM busybox\nRUN --{flag} true\n")
    assert f"--allow {entitlement}" in (caught.value.hint or "")
    with pytest.raises(InvalidInput, match="unknown entitlement everything"):
        context.build("FROM busybox\n", allow=["everything"])


def test_an_insecure_step_may_nearly_everything(context: Context) -> None:
    """With leave: mounts, devices, the host's settings; without, none of it."""
    look = (
        "mkdir /sys/fs/cgroup/x /sys/fs/cgroup/*/x 2>/dev/null;"
        " mount -t tmpfs x /tmp && echo mounts;"
        " grep -q ' /proc/sys ' /proc/mounts || echo settings;"
        " ls /dev | grep -q '^loop[0-9]' && echo loop; test -c /dev/fuse && echo fuse;"
        " dd if=/dev/kmsg of=/dev/null bs=8k count=1 2>/dev/null && echo kmsg;"
        " grep CapEff /proc/self/status; mount | grep -c 'sysfs (rw'; true"
    )
    context.build(f"FROM busybox\nRUN --security=insecure {look}\n", allow=["security.insecure"])
    insecure = b"".join(event.data for event in context.events).decode().splitlines()
    context.build(f"FROM busybox\nRUN {look}\n")
    secure = b"".join(event.data for event in context.events).decode().splitlines()
    assert insecure[:5] == ["mounts", "settings", "loop", "fuse", "kmsg"]
    assert insecure[-1] == "1"
    assert [line for line in secure if line in insecure] == []
    assert int(insecure[5].split()[1], 16) > int(secure[-2].split()[1], 16)


def test_hosts_limits_and_shared_memory(context: Context) -> None:
    steps = StepOptions(
        hosts=(("box", "10.1.2.3"), ("up", "host-gateway")), shm_size=10 << 20,
        ulimits=(Ulimit("nofile", 100, 200),),
    )  # fmt: skip
    context.build(
        "FROM busybox\nRUN grep -c '^10.1.2.3.box$' /etc/hosts; grep up /etc/hosts;"
        " route -n | grep ^0.0.0.0; ulimit -n; grep /dev/shm /proc/mounts\n",
        steps=steps,
    )
    lines = b"".join(event.data for event in context.events).decode().splitlines()
    assert lines[0] == "1"
    assert lines[1].split()[0] == lines[2].split()[1]
    assert lines[3] == "100"
    assert "size=10240k" in lines[4]


def test_a_step_has_no_descriptors_but_its_streams(context: Context) -> None:
    context.write("f")
    context.build(
        "FROM busybox\n"
        "RUN --mount=target=/c --mount=type=cache,target=/d,source=/ --mount=type=secret,id=s "
        "ls /proc/self/fd | tr '\\n' ' '; ls -l /proc/$$/fd 2>/dev/null"
        " | grep -e '-> ' | grep -v 'pipe:\\|/dev/null' || true\n",
        secrets={"s": SECRET},
    )
    out = b"".join(event.data for event in context.events).decode()
    assert out == "0 1 2 3 "


def test_no_working_directory_leads_out(context: Context, tmp_path: Path) -> None:
    """WORKDIR to a descriptor that a runtime might leak (CVE-2024-21626), also by a link."""
    with pytest.raises(DockyardError, match="leads out of a container"):
        context.build("FROM busybox\nWORKDIR /proc/self/fd/7\nRUN true\n")
    marker = tmp_path / "marker"
    marker.write_text(SECRET)
    for number in range(3, 14):
        try:
            context.build(
                f"FROM busybox\nRUN ln -s /proc/self/fd /x\nWORKDIR /x/{number}\n"
                f"RUN --network=none cat {'../' * 12}{str(marker).lstrip('/')}; pwd -P\n"
            )
        except DockyardError:
            continue
        out = b"".join(event.data for event in context.events)
        assert SECRET.encode() not in out, number


def test_swapped_subpaths_of_caches_stay_confined(
    root: Root, engine: Engine, tmp_path: Path
) -> None:
    """Two builds share a cache; one swaps the directory that the other mounts (CVE-2024-23651)."""
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "marker").write_text(SECRET)
    up = "../" * 20
    swap = (
        "RUN --mount=type=cache,id=evil,target=/c mkdir -p /c/real /c/sub; "
        f"ln -sfn {up}{str(victim).lstrip('/')} /c/link; "
        "i=0; while [ ! -e /c/stop ] && [ $i -lt 20000 ]; do mv -T /c/sub /c/t 2>/dev/null; "
        "mv -T /c/link /c/sub; mv -T /c/sub /c/link; mv -T /c/t /c/sub; i=$((i+1)); done\n"
    )
    (tmp_path / "swap").mkdir()
    (tmp_path / "swap" / "Dockerfile").write_text(f"FROM busybox\n{swap}")
    swapping = root.start("build", str(tmp_path / "swap"))
    place = tmp_path / "use"
    place.mkdir()
    use = Context(engine, place)
    seen: list[bytes] = []
    for attempt in range(80):
        if attempt >= 15 and any(seen):  # on a busy machine the swaps win more often
            break
        with contextlib.suppress(DockyardError):  # where it is nothing at all for an instant
            use.build(
                "FROM busybox\nRUN --network=none --mount=type=cache,id=evil,target=/s,source=/sub "
                f"echo {attempt}; ls /s; cat /s/marker; echo gone > /s/marker\n"
            )
        seen.append(b"".join(event.data for event in use.events))
    use.build("FROM busybox\nRUN --mount=type=cache,id=evil,target=/c touch /c/stop\n")
    swapping.communicate(timeout=60)

    assert any(seen), "never mounted"
    assert SECRET.encode() not in b"".join(seen)
    assert os.listdir(victim) == ["marker"]
    assert (victim / "marker").read_text() == SECRET


def test_mount_points_are_cleaned_without_touching_the_host(
    context: Context, tmp_path: Path
) -> None:
    """The step puts links where mount points were made (CVE-2024-23652)."""
    victim = tmp_path / "victim"
    (victim / "deep").mkdir(parents=True)
    (victim / "empty").touch()
    context.build(
        "FROM busybox\n"
        "RUN --mount=type=tmpfs,target=/a/deep --mount=type=cache,target=/b/empty "
        "mkdir /moved; mv /a /moved/a; mv /b /moved/b; "
        f"umount /a/deep; rm -rf /a; ln -s {victim} /a; ln -s {victim} /b; true\n"
    )
    assert sorted(os.listdir(victim)) == ["deep", "empty"]
