"""What is done with a container besides running it: pause, restart, rename, update, top."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest
from tests.support.roots import Root, command_line
from tests.support.terminal import Terminal

from dockyard import Engine
from dockyard.containers.options import Options, Resources
from dockyard.errors import Conflict, InvalidInput
from dockyard.system import cgroups

LOOP = ("sh", "-c", "trap 'exit 5' TERM; n=0; while :; do n=$((n+1)); echo $n > /n; done")
QUICK = Options(stop_signal="SIGKILL")


def test_a_paused_container_stands_still_and_goes_on(engine: Engine, root: Root) -> None:
    with engine.run("busybox", LOOP, name="box", network="none") as box:
        engine.containers.pause("box")
        layout, cgroup = engine.parts.cgroup_layout, box.record.cgroup
        assert cgroups.is_frozen(layout, cgroup)
        shown = root.cli("ps", "--format", "{{.State}} {{.Status}}", check=True).stdout
        assert shown.startswith("paused Up")
        assert "(Paused)" in shown
        state = root.cli("inspect", "-f", "{{.State.Status}} {{.State.Paused}} {{.State.Running}}",
                         "box", check=True)  # fmt: skip
        assert state.stdout == "paused true true\n"
        for words, verb in (("is paused, unpause", ("exec", "box", "true")),
                            ("already paused", ("pause", "box")),
                            ("try unpause instead", ("start", "box"))):  # fmt: skip
            done = root.cli(*verb)
            assert (done.returncode != 0, words in done.stderr) == (True, True), done.stderr
        assert len(engine.containers.top("box").rows) == 1
        engine.containers.unpause("box")
        assert not cgroups.is_frozen(layout, cgroup)
        with pytest.raises(Conflict, match="not paused"):
            engine.containers.unpause("box")
        assert root.cli("exec", "box", "true").returncode == 0


@pytest.mark.parametrize(("verb", "code"), [("stop", 5), ("kill", 137)])
def test_a_paused_container_can_be_ended(root: Root, verb: str, code: int) -> None:
    root.cli("run", "-d", "--name", "box", "--network", "none", "busybox", *LOOP, check=True)
    root.cli("exec", "box", "sh", "-c", "until [ -e /n ]; do :; done", check=True)
    root.cli("pause", "box", check=True)

    root.cli(verb, "box", check=True)

    shown = root.cli("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "box", check=True)
    assert shown.stdout == f"exited {code}\n"
    root.cli("start", "box", check=True)
    root.cli("pause", "box", check=True)
    root.cli("rm", "-f", "box", check=True)


def test_a_pause_that_was_killed_leaves_a_container_that_can_be_used(root: Root) -> None:
    root.cli(
        "run", "-d", "--name", "box", "--network", "none", "busybox", "sleep", "60", check=True
    )
    begun = time.monotonic()
    root.cli("pause", "box", check=True)
    whole = time.monotonic() - begun
    for share in (0.5, 0.7, 0.8, 0.9, 0.95):
        root.cli("unpause", "box")
        process = root.start("pause", "box")
        time.sleep(whole * share)
        process.send_signal(signal.SIGKILL)
        process.wait()
    root.cli("unpause", "box")
    assert root.cli("exec", "box", "true").returncode == 0
    root.cli("rm", "-f", "box", check=True)


def test_created_is_run_by_start(root: Root) -> None:
    made = root.cli("create", "--name", "box", "-v", "data:/d", "--network", "none", "busybox",
                    "sh", "-c", "echo it runs; exit 4", check=True)  # fmt: skip

    state = root.cli("inspect", "-f", "{{.State.Status}} {{.Id}}", "box", check=True).stdout
    assert state == f"created {made.stdout}"
    assert root.cli("volume", "ls", "-q").stdout == "data\n"
    done = root.cli("start", "-a", "box")
    assert (done.returncode, done.stdout) == (4, "it runs\n")
    again = root.cli("create", "--name", "box", "busybox")
    assert again.returncode == 1
    assert "already in use" in again.stderr
    root.cli("rm", "box", check=True)


NO_PROGRAM = 'exec: "nope": executable file not found in $PATH'
NO_RIGHT = 'exec: "/etc/passwd": permission denied'
STATE = "{{.State.Status}} {{.State.ExitCode}} {{.State.StartedAt}} {{.State.Error}}"


@pytest.mark.parametrize(
    ("arguments", "code", "recorded", "words"),
    [
        (("busybox", "nope"), 127, 127, NO_PROGRAM),
        (("busybox", "/nope"), 127, 127, 'exec: "/nope": no such file or directory'),
        (("busybox", "/etc/passwd"), 126, 126, NO_RIGHT),
        (("busybox", "/etc"), 126, 126, 'exec: "/etc": '),
        (("--user", "nobody-here", "busybox", "true"), 125, 128, "unable to find user"),
    ],
)
def test_what_cannot_be_started_stays_created(
    root: Root, arguments: tuple[str, ...], code: int, recorded: int, words: str
) -> None:
    """As with Docker; a ``start`` fails with 1, whatever the reason."""
    ran = root.cli("run", "-d", "--name", "box", "--network", "none", *arguments)
    assert (ran.returncode, words in ran.stderr) == (code, True), ran.stderr
    shown = root.cli("inspect", "-f", f"{{{{.Id}}}} {STATE}", "box", check=True).stdout
    assert shown.startswith(f"{ran.stdout.strip()} created {recorded} 0001-01-01T00:00:00Z ")
    assert words in shown
    for flags in ((), ("-a",)):
        started = root.cli("start", *flags, "box")
        assert (started.returncode, words in started.stderr) == (1, True), started.stderr
    assert root.cli("ps", "-a", "--format", "{{.Names}} {{.Status}}").stdout == "box Created\n"
    root.cli("rm", "box", check=True)


def test_a_port_that_is_taken_fails_the_start_alone(
    root: Root, free_port: int, tmp_path: Path
) -> None:
    publish = ("-p", f"127.0.0.1:{free_port}:80")
    root.cli("run", "--name", "ran", *publish, "busybox", "sh", "-c", "exit 5")
    root.cli("run", "-d", "--name", "first", *publish, "busybox", "sleep", "60", check=True)
    cid = tmp_path / "cid"
    ran = root.cli("run", "--name", "box", "--cidfile", str(cid), *publish, "-v", "/data",
                   "busybox", "true")  # fmt: skip
    assert ran.returncode == 125
    assert f"Bind for 127.0.0.1:{free_port} failed: port is already allocated" in ran.stderr
    assert cid.read_text() == root.cli("inspect", "-f", "{{.Id}}", "box").stdout.strip()
    assert root.cli("run", "--rm", "--name", "gone", *publish, "busybox").returncode == 125
    root.cli("start", "ran")
    states = root.cli("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "box", "ran")
    assert states.stdout == "created 128\nexited 5\n", "the code of the run before stays"
    names = root.cli("ps", "-a", "--format", "{{.Names}}").stdout.split()
    assert names == ["box", "first", "ran"]

    root.cli("rm", "-f", "first", check=True)
    assert root.cli("start", "-a", "box").returncode == 0
    volumes = root.cli("volume", "ls", "-q").stdout.split()
    assert len(volumes) == 1, "that of the first attempt"
    root.cli("rm", "-v", "box", "ran", check=True)


def test_a_bind_without_a_source_is_refused_before_anything_is_done(
    root: Root, tmp_path: Path
) -> None:
    source = tmp_path / "there"
    mount = ("--mount", f"type=bind,src={source},dst=/there")
    for verb, code in (("run", 125), ("create", 1)):
        refused = root.cli(verb, "--name", "box", *mount, "busybox", "true")
        assert refused.returncode == code
        assert "bind source path does not exist" in refused.stderr
    source.mkdir()
    root.cli("create", "--name", "box", "--network", "none", *mount, "busybox", "true", check=True)
    source.rmdir()
    assert root.cli("start", "box").returncode == 1
    shown = root.cli("inspect", "-f", STATE, "box", check=True).stdout
    assert shown == "created 0 0001-01-01T00:00:00Z \n"
    root.cli("rm", "box", check=True)


def test_restart_keeps_what_rm_would_remove(engine: Engine, root: Root) -> None:
    command = ("sh", "-c", "cat /here; echo again > /here; sleep 60")
    with engine.run("busybox", command, name="box", network="none", options=QUICK) as box:
        first = box.record.process
        root.cli("exec", "box", "sh", "-c", "until [ -s /here ]; do :; done", check=True)
        assert root.cli("restart", "-t", "0", "box", check=True).stdout == "box\n"
        assert box.record.process != first
        root.cli("exec", "box", "grep", "again", "/here", check=True)
    assert engine.containers.all() == []


def test_names_go_to_the_first_who_asks(engine: Engine, root: Root) -> None:
    for name in ("one", "two"):
        root.cli("create", "--name", name, "busybox", check=True)
    racing = [root.start("rename", name, "same") for name in ("one", "two")]
    codes = sorted(process.wait(30) for process in racing)
    names = {one.name for one in engine.containers.all()}

    assert codes == [0, 1]
    assert "same" in names
    assert len(names & {"one", "two"}) == 1
    left = (names - {"same"}).pop()
    with pytest.raises(Conflict, match="already in use"):
        engine.containers.rename(left, "same")
    with pytest.raises(Conflict, match="same name"):
        engine.containers.rename(left, left)
    with pytest.raises(InvalidInput, match="only"):
        engine.containers.rename(left, "no spaces")
    root.cli("container", "prune", "-f", check=True)
    assert engine.containers.all() == []


def test_limits_change_while_it_runs(engine: Engine, root: Root) -> None:
    with engine.run("busybox", ["sleep", "60"], name="box", network="none", memory="64m",
                    options=QUICK) as box:  # fmt: skip
        before = box.stats().memory_limit
        root.cli("update", "-m", "48m", "--pids-limit", "20", "box", check=True)
        assert (before, box.stats().memory_limit) == (64 << 20, 48 << 20)
        pids = cgroups.directory(engine.parts.cgroup_layout, box.record.cgroup, "pids")
        limit = Path(f"{pids}/pids.max")
        assert limit.read_text() == "20\n"
        root.cli("update", "--pids-limit", "-1", "box", check=True)
        assert limit.read_text() in {"max\n", f"{1 << 22}\n"}
        engine.containers.update("box", Resources(cpus=0.5))
        shown = root.cli("inspect", "-f", "{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}}", "box")
        assert shown.stdout == f"{48 << 20} 500000000\n"
        with pytest.raises(Conflict, match="memoryswap"):
            engine.containers.update("box", Resources(memory=512 << 20))
        with pytest.raises(InvalidInput, match="6MB"):
            engine.containers.update("box", Resources(memory=1 << 20))
        nothing = root.cli("update", "box")
        assert "one or more flags" in nothing.stderr


def test_stats_tell_of_the_container_alone(root: Root) -> None:
    root.cli("run", "-d", "--name", "box", "--network", "host", "busybox", "sleep", "60",
             check=True)  # fmt: skip
    root.cli("create", "--name", "still", "busybox", check=True)
    root.cli("pause", "box", check=True)

    form = "{{.Container}}|{{.Name}}|{{.NetIO}}|{{.PIDs}}"
    shown = root.cli("stats", "--no-stream", "--format", form, "box", "still", check=True)
    assert shown.stdout == "box|box|0B / 0B|1\nstill|still|0B / 0B|0\n"
    listed = root.cli("stats", "--no-stream", "--no-trunc", "--format", "{{.ID}} {{.MemUsage}}")
    (line,) = listed.stdout.splitlines()
    assert len(line.split()[0]) == 64
    assert not line.split()[1].startswith("0B"), "it stands still, but has its memory"

    living = root.start("stats", "--format", "{{.Name}} {{.PIDs}}", "box", "still")
    assert living.stdout is not None
    assert living.stdout.readline() == "box 1\n"
    root.cli("rm", "-f", "box", check=True)
    lines = iter(living.stdout.readline, "")
    assert any(line == "box --\n" for line in lines), "who was asked for stays in the table"
    living.send_signal(signal.SIGINT)
    assert living.wait(20) == 0
    assert root.cli("stats", "--no-stream", "box").returncode == 1
    root.cli("rm", "still", check=True)


def test_top_shows_the_hosts_numbers_and_takes_options_of_ps(engine: Engine, root: Root) -> None:
    with engine.run("busybox", ["sleep", "61"], name="box", network="none", options=QUICK) as box:
        pid = str(box.record.process.pid) if box.record.process else ""
        found = engine.containers.top("box")
        assert found.titles[:2] == ("UID", "PID")
        assert [(row[1], row[-1]) for row in found.rows] == [(pid, "sleep 61")]
        shown = root.cli("top", "box", "-o", "pid,comm", check=True).stdout.splitlines()
        assert [line.split() for line in shown] == [["PID", "COMMAND"], [pid, "sleep"]]
        assert "PID field" in root.cli("top", "box", "-o", "comm").stderr
    assert root.cli("top", "box").returncode == 1


def test_top_shows_every_process_whoever_asks(root: Root) -> None:
    """Another user's, without a terminal, and more of them than ps takes numbers at once."""
    root.cli("run", "-d", "--name", "box", "--network", "none", "-u", "app", "busybox", "sh", "-c",
             "for i in $(seq 300); do sleep 62 & done; wait", check=True)  # fmt: skip
    deadline = time.monotonic() + 30
    while root.cli("top", "box", "-o", "pid").stdout.count("\n") < 302:
        assert time.monotonic() < deadline
    with Terminal() as tty:
        tty.start(command_line(["top", "box", "-o", "pid,user,comm"]), root.environment())
        assert tty.wait() == 0
        lines = [line.split() for line in tty.rest.splitlines()]
    assert lines[0] == ["PID", "USER", "COMMAND"]
    assert [line[2] for line in lines[1:]] == ["sh"] + ["sleep"] * 300
    for selection, names in ((("-C", "sh"), {"sh"}), (("axf",), {"sh", "sleep"})):
        rows = root.cli("top", "box", *selection, "-o", "pid,comm", check=True).stdout.splitlines()
        assert {row.split()[-1] for row in rows[1:]} == names
    root.cli("rm", "-f", "box", check=True)


def test_prune_spares_what_runs_and_what_a_filter_spares(engine: Engine, root: Root) -> None:
    root.cli("create", "--name", "old", "--label", "keep", "busybox", check=True)
    root.cli("create", "--name", "other", "busybox", check=True)
    with engine.run("busybox", ["sleep", "60"], name="box", network="none", options=QUICK):
        root.cli("container", "prune", "-f", "--filter", "until=1h", check=True)
        assert len(engine.containers.all()) == 3
        done = root.cli("container", "prune", "-f", "--filter", "label!=keep", check=True)
        assert "Deleted Containers:\n" in done.stdout
        assert "Total reclaimed space: 0B" in done.stdout
        assert {one.name for one in engine.containers.all()} == {"box", "old"}
    root.cli("container", "rm", "old", check=True)


def test_image_prune_takes_what_has_no_name(engine: Engine, root: Root) -> None:
    context = root.base / "context"
    context.mkdir()
    for text in ("one", "two"):
        (context / "Dockerfile").write_text(f"FROM busybox\nLABEL which={text}\n")
        engine.build(str(context), tag="made")
    count = len(engine.images.list())

    done = root.cli("image", "prune", "-f", check=True)

    assert "deleted: sha256:" in done.stdout
    assert len(engine.images.list()) == count - 1
    root.cli("create", "--name", "user", "busybox", check=True)
    root.cli("image", "prune", "-a", "-f", check=True)
    assert [image.names for image in engine.images.list()] == [
        ("docker.io/library/busybox:latest",)
    ]
    root.cli("rm", "user", check=True)
