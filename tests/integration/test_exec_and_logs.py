"""``exec`` in a running container, and its log."""

from __future__ import annotations

import concurrent.futures
import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.roots import Root
from tests.support.runtimes import usable

from dockyard import Console, Engine, Options, RunningContainer
from dockyard.containers.exec import ExecOptions
from dockyard.errors import Conflict, InvalidInput, NotFound, RunError


@pytest.fixture
def sleeper(engine: Engine) -> Iterator[RunningContainer]:
    options = Options(env=("A=container",), working_dir="/tmp", user="app", stop_signal="SIGKILL")
    with engine.run("busybox", ["sleep", "60"], network="none", options=options) as container:
        yield container


def test_exec_gives_output_and_code(sleeper: RunningContainer) -> None:
    """Each stream on its own: runc copies them side by side, so their order is not given."""
    assert sleeper.exec(["sh", "-c", "echo out; exit 3"]) == (3, "out\n")
    assert sleeper.exec(["sh", "-c", "echo err >&2; exit 3"]) == (3, "err\n")


def test_exec_reads_bytes_and_open_files(sleeper: RunningContainer, tmp_path: Path) -> None:
    most = b"x" * (1 << 20)
    assert sleeper.exec(["wc", "-c"], stdin=most) == (0, f"{len(most)}\n")
    assert sleeper.exec(["true"], stdin=most) == (0, ""), "nobody reads it"
    (tmp_path / "file").write_text("of a file")
    with open(tmp_path / "file", "rb") as stream:
        assert sleeper.exec(["cat"], stdin=stream) == (0, "of a file")
    with pytest.raises(InvalidInput, match="stdin is a str that is no open file"):
        sleeper.exec(["cat"], stdin="text")  # type: ignore[arg-type]  # that is the point


def test_a_container_and_an_engine_print_what_they_are(
    engine: Engine, sleeper: RunningContainer
) -> None:
    assert repr(sleeper) == f"<RunningContainer {sleeper.name} {sleeper.id[:12]} running>"
    assert repr(engine) == f"<Engine {engine.paths.root}>"
    sleeper.stop()
    assert repr(sleeper).endswith(" exited>")


def test_exec_has_the_containers_environment_user_and_directory(sleeper: RunningContainer) -> None:
    code, text = sleeper.exec(
        ["sh", "-c", "echo $A; pwd; id -u; grep NoNewPrivs /proc/self/status"]
    )

    assert (code, text.split()) == (0, ["container", "/tmp", "1000", "NoNewPrivs:", "1"])


def test_exec_may_choose_others(engine: Engine, sleeper: RunningContainer) -> None:
    read, write = os.pipe()
    options = ExecOptions(
        command=("sh", "-c", "echo $A; pwd; id -u"), env=("A=exec",), user="0", working_dir="/etc"
    )
    code = engine.containers.execute(sleeper.id, options, stdout=write)
    os.close(write)
    with open(read, "rb") as stream:
        assert (code, stream.read().split()) == (0, [b"exec", b"/etc", b"0"])


@pytest.mark.parametrize(("program", "code"), [("no-such-program", 127), ("/etc/passwd", 126)])
def test_exec_of_what_cannot_be_started_has_dockers_code(
    sleeper: RunningContainer, program: str, code: int
) -> None:
    with pytest.raises(RunError, match=program) as caught:
        sleeper.exec([program])

    assert caught.value.exit_code == code


def test_a_program_may_itself_end_with_those_codes(sleeper: RunningContainer) -> None:
    assert [sleeper.exec(["sh", "-c", f"exit {n}"])[0] for n in (1, 126, 127, 255)] == [
        1, 126, 127, 255,
    ]  # fmt: skip


def test_exec_wants_a_running_container(engine: Engine) -> None:
    container = engine.run("busybox", ["true"], network="none", remove=False)
    container.wait()

    with pytest.raises(Conflict, match="is not running"):
        container.exec(["true"])


def test_exec_of_an_unknown_user_is_refused(
    root: Root, engine: Engine, sleeper: RunningContainer
) -> None:
    with pytest.raises(InvalidInput, match="unable to find user"):
        engine.containers.execute(sleeper.id, ExecOptions(command=("true",), user="ghost"))
    assert root.cli("exec", "-u", "ghost", sleeper.name, "true").returncode == 1, "as in Docker"


def test_a_limit_of_the_container_holds_for_exec(sleeper: RunningContainer) -> None:
    """Capabilities of a container that runs as an ordinary user are none in ``exec`` either."""
    code, text = sleeper.exec(["grep", "CapEff", "/proc/self/status"])

    assert (code, text.split()) == (0, ["CapEff:", "0000000000000000"])


def test_exec_leaves_no_file_behind(engine: Engine, sleeper: RunningContainer) -> None:
    sleeper.exec(["true"])

    names = os.listdir(engine.paths.bundle(sleeper.id))
    assert not [name for name in names if name.startswith("exec-")]


def test_logs_are_kept_after_the_end(engine: Engine) -> None:
    container = engine.run(
        "busybox", ["sh", "-c", "echo out; echo err >&2; printf tail"], network="none", remove=False
    )
    container.wait()
    lines = list(engine.containers.logs(container.id))

    assert sorted((line.stream, line.data) for line in lines) == [
        (1, b"out\n"), (1, b"tail"), (2, b"err\n"),
    ]  # fmt: skip


def test_tail_counts_lines_and_since_compares_times(engine: Engine) -> None:
    container = engine.run("busybox", ["seq", "100"], network="none", remove=False)
    container.wait()
    lines = list(engine.containers.logs(container.id))

    assert container.logs(tail=2) == "99\n100\n"
    assert container.logs(tail=0) == ""
    after = list(engine.containers.logs(container.id, since=lines[50].time))
    assert after[0].time >= lines[50].time
    assert after[-1].data == b"100\n"


@pytest.mark.parametrize("remove", [True, False])
def test_following_a_log_sees_all_of_it_though_the_container_ends_or_goes(
    engine: Engine, remove: bool
) -> None:
    script = "sleep 0.2; seq 5000; printf end"
    container = engine.run("busybox", ["sh", "-c", script], network="none", remove=remove)
    text = b"".join(line.data for line in engine.containers.logs(container.id, follow=True))

    assert text.startswith(b"1\n2\n")
    assert text.endswith(b"5000\nend")
    assert text.count(b"\n") == 5000


def test_a_line_longer_than_any_buffer_is_one_line(engine: Engine) -> None:
    script = "head -c 200000 /dev/zero | tr '\\0' x; echo; echo next"
    container = engine.run("busybox", ["sh", "-c", script], network="none", remove=False)
    container.wait()

    assert container.logs() == "x" * 200000 + "\nnext\n"
    assert container.logs(tail=2) == "x" * 200000 + "\nnext\n"


def test_streams_of_a_command_and_of_a_container(engine: Engine) -> None:
    """As they come, each on its own, with input from a descriptor."""
    options = Options(console=Console(interactive=True, stdin_once=True), remove=False)
    with engine.run("busybox", ["cat"], network="none", options=options, remove=False) as container:
        found: dict[int, bytes] = {1: b"", 2: b""}

        def take(stream: int, data: bytes) -> None:
            found[stream] += data

        read, write = os.pipe()
        os.write(write, b"in\n")
        os.close(write)
        script = "cat; echo err >&2; echo $A; pwd; id -u; exit 4"
        code, text = container.exec(
            ["sh", "-c", script], user="app", working_dir="/tmp", env={"A": "b"}, stdin=read,
            output=take,
        )  # fmt: skip
        os.close(read)
        assert (code, text) == (4, "")
        assert found == {1: b"in\nb\n/tmp\n1000\n", 2: b"err\n"}

        read, write = os.pipe()
        os.write(write, b"attached\n")
        os.close(write)
        found = {1: b"", 2: b""}
        assert container.attach(take, stdin=read) == 0
        os.close(read)
        assert found == {1: b"attached\n", 2: b""}
        assert [line.data for line in container.follow()] == [b"attached\n"]
    container.remove()


def test_a_service_that_dies_says_why_though_it_is_removed(engine: Engine) -> None:
    command = ["sh", "-c", "echo model file missing >&2; exit 3"]
    service = engine.run("busybox", command, ports={8000: 0})

    with pytest.raises(RunError) as caught:
        service.wait_until_ready("/")

    assert "ended with exit code 3" in caught.value.message
    assert caught.value.context == "model file missing\n"
    assert service.wait() == 3
    for use in (service.logs, lambda: service.exec(["true"]), service.follow):
        with pytest.raises(NotFound, match="ended with exit code 3 and was removed"):
            use()


def test_what_cannot_be_waited_for_is_said_at_once(sleeper: RunningContainer) -> None:
    with pytest.raises(NotFound, match="publishes no port") as caught:
        sleeper.wait_until_ready()
    assert "ports=" in (caught.value.hint or "")

    with pytest.raises(RunError, match="has no health check"):
        sleeper.wait_until_healthy()

    text: Any = "ls /"
    with pytest.raises(InvalidInput, match="one string"):
        sleeper.exec(text)


@pytest.mark.parametrize("runtime", usable())
def test_commands_that_come_while_it_restarts_hold_nothing_up(root: Root, runtime: str) -> None:
    """runc writes a log into the container's directory when it finds that the container ended."""
    restarted = threading.Event()
    codes: set[int] = set()

    def ask(engine: Engine) -> None:
        while not restarted.is_set():
            with contextlib.suppress(Conflict, RunError):  # it ended before, or was about to
                codes.add(engine.containers.execute("again", ExecOptions(command=("true",))))

    with root.engine(runtime=runtime) as engine:
        options = Options(stop_signal="SIGKILL")
        with engine.run("busybox", ["sleep", "60"], name="again", network="none", options=options):
            with concurrent.futures.ThreadPoolExecutor(3) as pool:
                asking = [pool.submit(ask, engine) for _ in range(3)]
                try:
                    for _ in range(6):
                        engine.containers.restart("again")
                finally:
                    restarted.set()
                for each in asking:
                    each.result()
            assert engine.containers.execute("again", ExecOptions(command=("true",))) == 0
            assert engine.containers.get("again").running
    assert codes <= {0, 137}, "137 where it ended with the container"
