"""Running containers: what goes in, what comes out, and how it ends."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest
from tests.support.roots import Output, foreground

from dockyard import Console, Engine, Mount, Networking, Options
from dockyard.containers.attach import Streams
from dockyard.errors import Conflict, InvalidInput, NotFound, RunError

QUICK = Options(stop_signal="SIGKILL")


def test_output_of_both_streams_and_exit_code_come_back(engine: Engine) -> None:
    container, output = foreground(engine, "sh", "-c", "echo out; echo err >&2; exit 3")

    assert (container.exit_code, output.stdout, output.stderr) == (3, b"out\n", b"err\n")


def test_a_container_that_removes_itself_is_gone_when_run_returns(engine: Engine) -> None:
    foreground(engine, "true", name="short")

    with pytest.raises(NotFound):
        engine.containers.get("short")
    foreground(engine, "true", name="short")


def test_output_of_a_million_lines_is_complete(engine: Engine) -> None:
    _, output = foreground(engine, "seq", "200000")

    assert output.stdout.count(b"\n") == 200000
    assert output.stdout.endswith(b"\n200000\n")


@pytest.mark.parametrize("init", [False, True])
@pytest.mark.parametrize(
    ("command", "code"),
    [
        (("/no/such/program",), 127),
        (("no-such-program",), 127),
        (("/etc/passwd",), 126),
        (("/etc",), 126),
    ],
)
def test_a_program_that_cannot_be_started_has_dockers_exit_code(
    engine: Engine, command: tuple[str, ...], code: int, init: bool
) -> None:
    """An init has nothing to say of its own: the message is the same one."""
    with pytest.raises(RunError, match=rf'^failed to create .*: exec: "{command[0]}": ') as caught:
        foreground(engine, *command, init=init)

    assert caught.value.exit_code == code
    assert engine.containers.all() == []


def test_an_init_finds_a_program_that_is_mounted(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "program").write_text("#!/bin/sh\necho $PPID\n")
    (tmp_path / "program").chmod(0o755)
    mount = Mount(kind="bind", source=str(tmp_path), target="/mounted")
    _, output = foreground(
        engine, "program", init=True, mounts=(mount,), env=("PATH=/nothing:/mounted:/bin",)
    )

    assert output.text == "1\n"


def test_death_by_signal_is_128_and_its_number(engine: Engine) -> None:
    container, _ = foreground(engine, "sh", "-c", "sh -c 'kill -9 $$'; exit $?")
    assert container.exit_code == 137


def test_environment_user_and_directory_are_those_asked_for(engine: Engine) -> None:
    _, output = foreground(
        engine, "sh", "-c", 'echo "$A|$HOME|$(pwd)|$(id -u):$(id -g)|$(id -G)"',
        env=("A=b c",), user="app", working_dir="/var/lib/new",
    )  # fmt: skip

    assert output.text == "b c|/home/app|/var/lib/new|1000:1001|1001 50\n"


def test_an_unknown_user_is_refused_by_name(engine: Engine) -> None:
    with pytest.raises(InvalidInput, match="unable to find user nobody-here"):
        foreground(engine, "true", user="nobody-here")
    assert engine.containers.all() == []


def test_the_hostname_is_the_short_id_unless_given(engine: Engine) -> None:
    container, output = foreground(engine, "sh", "-c", "hostname; cat /etc/hostname")
    assert output.text == f"{container.short_id}\n" * 2

    _, output = foreground(engine, "sh", "-c", "hostname; cat /etc/hostname", hostname="box")
    assert output.text == "box\nbox\n"


def test_standard_input_reaches_the_program(engine: Engine) -> None:
    read, write = os.pipe()
    output = Output()
    os.write(write, b"hello\n")
    os.close(write)
    try:
        container = engine.containers.run(
            engine.images.find("busybox"), "busybox",
            Options(
                command=("cat",), remove=True, console=Console(interactive=True, stdin_once=True),
                networking=Networking(network="none"),
            ),
            Streams(output, read),
        )  # fmt: skip
    finally:
        os.close(read)

    assert (container.exit_code, output.stdout) == (0, b"hello\n")


def test_without_interactive_the_input_is_empty(engine: Engine) -> None:
    container, output = foreground(engine, "cat")

    assert (container.exit_code, output.stdout) == (0, b"")


def test_names_are_unique_and_the_second_leaves_nothing(engine: Engine) -> None:
    with engine.run("busybox", ["sleep", "60"], name="same", network="none", options=QUICK):
        with pytest.raises(Conflict, match="already in use") as caught:
            engine.run("busybox", ["true"], name="same", network="none")
        assert caught.value.exit_code == 125
        assert [each.name for each in engine.containers.all()] == ["same"]


def test_the_writable_layer_survives_a_restart(engine: Engine) -> None:
    container = engine.run(
        "busybox", ["sh", "-c", "cat /here; echo again >> /here"], network="none", remove=False
    )
    assert container.wait() == 0 or container.wait() == 1
    engine.containers.start(container.id)
    container.wait()

    assert "again" in container.logs()


def test_start_of_a_running_container_changes_nothing(engine: Engine) -> None:
    with engine.run("busybox", ["sleep", "60"], network="none", options=QUICK) as container:
        before = container.record.process
        assert engine.containers.start(container.id).process == before


def test_stop_asks_first_and_kills_after_its_time(engine: Engine) -> None:
    polite = engine.run(
        "busybox", ["sh", "-c", "trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done"],
        network="none", remove=False,
    )  # fmt: skip
    stubborn = engine.run("busybox", ["sleep", "60"], network="none", remove=False)
    _wait_for(lambda: "ready" in polite.logs())

    assert polite.stop(10) == 7
    assert stubborn.stop(0.1) == 137
    assert stubborn.stop(0.1) == 137


def test_the_images_stop_signal_is_used(engine: Engine) -> None:
    container = engine.run(
        "busybox", ["sh", "-c", "trap 'exit 9' USR1; echo ready; while :; do sleep 0.05; done"],
        network="none", remove=False, options=Options(stop_signal="SIGUSR1"),
    )  # fmt: skip
    _wait_for(lambda: "ready" in container.logs())

    assert container.stop(10) == 9


def test_kill_sends_the_signal_named(engine: Engine) -> None:
    container = engine.run(
        "busybox", ["sh", "-c", "trap 'echo hup' HUP; echo ready; while :; do sleep 0.05; done"],
        network="none", remove=False,
    )  # fmt: skip
    _wait_for(lambda: "ready" in container.logs())
    engine.containers.kill(container.id, "HUP")
    _wait_for(lambda: "hup" in container.logs())
    engine.containers.kill(container.id)

    assert container.record.exit_code == 137
    with pytest.raises(Conflict, match="not running"):
        engine.containers.kill(container.id)


def test_remove_of_a_running_container_wants_force(engine: Engine) -> None:
    container = engine.run("busybox", ["sleep", "60"], network="none", remove=False)

    with pytest.raises(Conflict, match="container is running"):
        engine.containers.remove(container.id)
    engine.containers.remove(container.id, force=True)
    with pytest.raises(NotFound):
        engine.containers.get(container.id)


def test_whoever_waits_gets_the_code_though_another_command_removes_the_container(
    engine: Engine,
) -> None:
    """The code of a ``--rm`` container is not lost to the faster of several that clean up."""
    container = engine.run("busybox", ["sh", "-c", "sleep 0.3; exit 5"], network="none")
    codes: list[int] = []
    waiting = [threading.Thread(target=lambda: codes.append(container.wait())) for _ in range(4)]
    for thread in waiting:
        thread.start()
    for thread in waiting:
        thread.join()

    assert codes == [5] * 4


def test_a_foreground_container_stopped_by_another_command_has_its_code(engine: Engine) -> None:
    codes: list[int] = []
    thread = threading.Thread(
        target=lambda: codes.append(foreground(engine, "sleep", "60", name="fg")[0].exit_code)
    )
    thread.start()
    _wait_for(lambda: any(each.running for each in engine.containers.all()))
    engine.containers.remove("fg", force=True)
    thread.join()

    assert codes == [137]


def test_a_detached_container_that_ends_is_cleaned_up_without_any_command(engine: Engine) -> None:
    container = engine.run("busybox", ["sh", "-c", "exit 4"], network="none", remove=False)
    _wait_for(lambda: engine.containers.get(container.id).state == "exited")

    assert engine.containers.get(container.id).exit_code == 4
    assert not os.path.exists(engine.paths.bundle(container.id))


def test_init_reaps_orphans(engine: Engine) -> None:
    _, output = foreground(
        engine, "sh", "-c", "(sleep 0.05 &); sleep 0.3; cat /proc/[0-9]*/stat | cut -d' ' -f2,3",
        init=True,
    )  # fmt: skip
    states = dict(line.split() for line in output.text.splitlines())

    assert "Z" not in states.values()
    assert "(sh)" in states


def _wait_for(condition: object, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
