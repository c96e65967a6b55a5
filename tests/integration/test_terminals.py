"""Terminals, through a real one: typed at, resized, left, and found as they were."""

from __future__ import annotations

import os
import select
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.processes import commands
from tests.support.roots import Root, command_line
from tests.support.terminal import Terminal

DETACH = b"\x10\x11"
QUIET = ("--network", "none")


@pytest.fixture
def tty() -> Iterator[Terminal]:
    with Terminal() as made:
        yield made


@pytest.fixture
def other() -> Iterator[Terminal]:
    with Terminal(30, 100) as made:
        yield made


def begin(root: Root, terminal: Terminal, *arguments: str) -> None:
    terminal.start(command_line(arguments), root.environment(NO_COLOR="1"))


def commands_of(root: Root, program: str = "dockyard.cli.main") -> list[str]:
    """Our own processes that are still there: commands, or monitors."""
    found = []
    for pid, words in commands():
        try:
            environment = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if str(root.base) in environment + "".join(words) and program in words:
            found.append(" ".join(words))
    return found


def test_a_shell_at_work(root: Root, tty: Terminal) -> None:
    """Size, resizing, Ctrl-C, job control, detaching, attaching again, and the exit code."""
    begin(root, tty, "run", "-it", "--name", "shell", *QUIET, "--user", "app", "-e", "PS1=$ ",
          "busybox", "sh")  # fmt: skip
    tty.expect("$ ")
    assert "can't access tty" not in tty.rest
    assert tty.answer("stty size; echo $TERM; stat -c %u $(tty); id -u").split("\n")[-4:] == [
        "24 80", "xterm", "1000", "1000"
    ]  # fmt: skip
    for rows, columns in ((50, 132), (20, 70), (33, 99)):
        tty.resize(rows, columns)
    assert tty.answer(
        "until [ \"$(stty size)\" = '33 99' ]; do sleep 0.05; done; stty size"
    ).endswith("33 99")
    tty.send("echo g''o; cat\n")
    tty.expect("go\r\n")
    tty.send("typed\n")
    tty.expect("typed\r\ntyped\r\n")
    tty.send(b"\x1a")
    tty.expect("Stopped")
    tty.send("fg\n")
    tty.expect("fg\r\ncat\r\n")  # the shell names what it goes on with
    tty.send("again\n")
    tty.expect("again\r\nagain\r\n")
    tty.send(b"\x03")
    tty.expect("$ ")
    assert tty.answer("echo $((40 + 2))").endswith("42")
    assert not tty.restored
    tty.send(DETACH)
    assert (tty.wait(), tty.restored, commands_of(root)) == (0, True, [])

    tty.resize(25, 81)
    begin(root, tty, "attach", "shell")
    tty.send("\n")
    tty.expect("$ ")
    assert tty.answer(
        "until [ \"$(stty size)\" = '25 81' ]; do sleep 0.05; done; echo same"
    ).endswith("same")
    tty.send("exit 7\n")
    assert (tty.wait(), tty.restored) == (7, True)
    assert "exit 7" in root.cli("logs", "shell").stdout


def test_two_attached_both_see_output_and_the_end(
    root: Root, tty: Terminal, other: Terminal
) -> None:
    root.cli("run", "-dit", "--name", "two", *QUIET, "busybox", "sh", check=True)
    begin(root, tty, "attach", "two")
    begin(root, other, "attach", "--no-stdin", "two")
    for terminal in (tty, other):
        terminal.expect("# ")
    tty.send("echo he''llo; exit 4\n")
    for terminal in (tty, other):
        terminal.expect("hello\r")
        assert (terminal.wait(), terminal.restored) == (4, True)


def test_exec_with_a_terminal(root: Root, tty: Terminal) -> None:
    root.cli("run", "-d", "--init", "--name", "box", *QUIET, "busybox", "sleep", "1000", check=True)
    begin(root, tty, "exec", "-it", "-u", "app", "-w", "/tmp", "-e", "A=b c", "box", "sh")
    tty.expect("$ ")
    lines = tty.answer("stty size; tty; pwd; echo $A; echo $TERM; stat -c %u $(tty); id -u")
    assert lines.split("\n")[-7:] == [
        "24 80", "/dev/pts/0", "/tmp", "b c", "xterm", "1000", "1000"
    ]  # fmt: skip
    tty.resize(40, 90)
    assert tty.answer(
        "until [ \"$(stty size)\" = '40 90' ]; do sleep 0.05; done; echo new"
    ).endswith("new")
    tty.send("exit 5\n")
    assert (tty.wait(), tty.restored) == (5, True)

    begin(root, tty, "exec", "-it", "--detach-keys", "ctrl-x,x", "box", "sh", "-c",
          "echo $$ > /tmp/pid; echo ready; exec sleep 1001")  # fmt: skip
    tty.expect("ready")
    tty.send(DETACH + b"\x18x")
    assert (tty.wait(), tty.restored, commands_of(root)) == (1, True, [])
    assert "read escape sequence" in tty.rest
    assert root.cli("exec", "box", "sh", "-c", "kill $(cat /tmp/pid)").returncode == 0

    begin(root, tty, "exec", "-t", "box", "sh", "-c", "seq 3000")
    assert tty.wait() == 0
    assert tty.rest.split() == [str(number) for number in range(1, 3001)]
    assert root.cli("exec", "-dt", "box", "sh", "-c", "tty > /tmp/tty").returncode == 0
    wait = "until [ -s /tmp/tty ]; do sleep 0.05; done; cat /tmp/tty"
    assert root.cli("exec", "box", "sh", "-c", wait).stdout.startswith("/dev/pts/")
    wait = f'until [ -z "$(ls {root.paths.run}/containers/*/ | grep ^exec-)" ]; do sleep .05; done'
    subprocess.run(["sh", "-c", wait], check=True, timeout=20)
    root.cli("exec", "-dt", "box", "sleep", "1002", check=True)  # it goes with the container
    assert root.cli("rm", "-f", "box").returncode == 0
    assert not [name for name in commands_of(root, "/usr/bin/conmon") if "exec-" in name]


@pytest.mark.parametrize("tty_flag", ["-t", "-i"])
def test_a_program_that_is_not_there_gives_one_message(root: Root, tty_flag: str) -> None:
    root.cli("run", "-d", "--name", "box", *QUIET, "busybox", "sleep", "1000", check=True)
    for program, code, words in (
        ("nosuch", 127, "executable file not found in $PATH"),
        ("/nosuch", 127, "no such file or directory"),
        ("/etc/passwd", 126, "permission denied"),
        ("/etc", 126, "is a directory"),
    ):
        done = root.cli("exec", tty_flag, "box", program)
        assert (done.returncode, done.stdout) == (code, "")
        assert words in done.stderr
        assert len(done.stderr.splitlines()) == 2, done.stderr  # the message and its hint
    assert root.cli("exec", "-w", "/nosuch", "box", "true").returncode == 127
    bounds = "grep CapEff /proc/self/status"
    plain = root.cli("exec", "box", "sh", "-c", bounds).stdout
    assert plain != root.cli("exec", "--privileged", "box", "sh", "-c", bounds).stdout


def test_every_end_gives_the_terminal_back(root: Root, tty: Terminal) -> None:
    begin(root, tty, "run", "--rm", "-it", "--name", "aa", *QUIET, "busybox", "sh", "-c",
          "trap 'exit 3' TERM; echo ready; while :; do sleep 0.05; done")  # fmt: skip
    tty.expect("ready")
    tty.signal(signal.SIGTERM)  # it goes to the program
    assert (tty.wait(), tty.restored) == (3, True)

    begin(root, tty, "run", "-it", "--sig-proxy=false", "--name", "bb", *QUIET, "busybox", "cat")
    tty.send("x\n")
    tty.expect("x\r\nx\r\n")
    tty.signal(signal.SIGTERM)
    assert (tty.wait(), tty.restored) == (143, True)
    for number in (signal.SIGHUP, signal.SIGQUIT):
        begin(root, tty, "attach", "bb")
        tty.send("y\n")
        tty.expect("y\r\ny\r\n")
        tty.signal(number)
        assert (tty.wait(), tty.restored) == (128 + number, True)
    begin(root, tty, "attach", "bb")
    tty.send("z\n")
    tty.expect("z\r\nz\r\n")
    root.cli("kill", "bb", check=True)
    assert (tty.wait(), tty.restored) == (137, True)
    begin(root, tty, "start", "-ai", "bb")
    tty.send("w\n")
    tty.expect("w\r\nw\r\n")
    tty.send(b"\x04")
    assert (tty.wait(), tty.restored) == (0, True)


def test_a_terminal_that_closes_leaves_nobody_behind(root: Root) -> None:
    with Terminal() as tty:
        begin(
            root, tty, "run", "-it", "--sig-proxy=false", "--name", "aa", *QUIET, "busybox", "cat"
        )
        tty.send("x\n")
        tty.expect("x\r\nx\r\n")
        process = tty.process
        assert process is not None
        os.close(tty.slave)
        os.close(tty.master)
        assert process.wait(20) != 0
    assert root.cli("ps", "--format", "{{.Names}}").stdout.strip() == "aa"


def test_output_of_a_quick_program_is_whole(root: Root, tty: Terminal) -> None:
    for _ in range(3):
        begin(root, tty, "run", "--rm", "-it", *QUIET, "busybox", "seq", "5000")
        assert tty.wait() == 0
        assert tty.rest.split() == [str(number) for number in range(1, 5001)]


def test_what_makes_no_sense_is_refused(root: Root) -> None:
    for arguments, code, words in (
        (("run", "--rm", "-it", *QUIET, "busybox", "true"), 1, "the input device is not a TTY"),
        (("run", "--rm", "-a", "foo", "busybox", "true"), 125, "valid streams are STDIN, STDOUT"),
        (("run", "-d", "-a", "stdout", "busybox", "true"), 125,
         "cannot specify both --attach and --detach"),
        (("run", "--detach-keys", "ctrl-1", "busybox", "true"), 125, "invalid detach keys"),
        (("attach", "nosuch"), 1, "no such container: nosuch"),
    ):  # fmt: skip
        done = root.cli(*arguments, input="")
        assert (done.returncode, done.stdout) == (code, ""), arguments
        assert words in done.stderr
    root.cli("run", "--name", "over", *QUIET, "busybox", "true", check=True)
    done = root.cli("attach", "over")
    assert (done.returncode, "cannot attach to a stopped container" in done.stderr) == (1, True)
    root.cli("run", "-d", "--name", "box", *QUIET, "busybox", "sleep", "1000", check=True)
    done = root.cli("exec", "-it", "box", "true", input="")
    assert (done.returncode, "the input device is not a TTY" in done.stderr) == (1, True)


def test_streams_by_choice(root: Root) -> None:
    both = "echo out; echo err >&2; exit 3"
    for flags, stdout, stderr in (
        ((), "out\n", "err\n"), (("-a", "stdout"), "out\n", ""), (("-a", "STDERR"), "", "err\n"),
        (("-a", "stdin"), "", ""),
    ):  # fmt: skip
        done = root.cli("run", "--rm", *flags, *QUIET, "busybox", "sh", "-c", both)
        assert (done.returncode, done.stdout, done.stderr) == (3, stdout, stderr)
    done = root.cli("run", "--rm", "-t", *QUIET, "busybox", "sh", "-c", "tty; echo $TERM")
    assert done.stdout.split() == ["/dev/pts/0", "xterm"]


def test_much_input_arrives_whole(root: Root, tmp_path: Path) -> None:
    """From a file and from a pipe; conmon cuts off packets that are too long."""
    data = "".join(f"{number}\n" for number in range(200_000))
    source = tmp_path / "numbers"
    source.write_text(data)
    piped = root.cli("run", "--rm", "-i", *QUIET, "busybox", "md5sum", input=data)
    with source.open() as stream:
        read = root.start("run", "--rm", "-i", *QUIET, "busybox", "md5sum", stdin=stream)
        out, _ = read.communicate(timeout=60)
    want = subprocess.run(["md5sum", source], capture_output=True, text=True, check=True).stdout
    assert piped.stdout.split()[0] == out.split()[0] == want.split()[0]


def test_who_only_watches_does_not_end_the_input(root: Root) -> None:
    run = root.start("run", "-i", "--name", "piped", *QUIET, "busybox", "cat", stdin=-1)
    assert run.stdin is not None and run.stdout is not None  # noqa: PT018

    def say(word: str) -> None:
        assert run.stdin is not None and run.stdout is not None  # noqa: PT018
        run.stdin.write(f"{word}\n")
        run.stdin.flush()
        assert run.stdout.readline() == f"{word}\n"

    say("first")
    leaver = root.start("attach", "--no-stdin", "piped")
    stayer = root.start("attach", "--no-stdin", "piped")
    for watcher in (leaver, stayer):
        assert watcher.stdout is not None
        while not select.select([watcher.stdout], [], [], 0.05)[0]:
            say("word")
    leaver.kill()
    leaver.wait()
    say("last")
    run.stdin.close()
    assert run.wait(20) == 0
    assert stayer.communicate(timeout=20)[0].splitlines()[-1] == "last"
    assert stayer.returncode == 0


def test_a_pipe_closes_the_input_and_a_background_container_keeps_it(root: Root) -> None:
    root.cli("run", "-di", "--name", "kept", *QUIET, "busybox", "cat", check=True)
    for word in ("one", "two"):
        client = root.start("attach", "kept", stdin=subprocess.PIPE)
        assert client.stdin is not None and client.stdout is not None  # noqa: PT018
        client.stdin.write(word + "\n")
        client.stdin.flush()
        assert client.stdout.readline() == word + "\n"
        client.kill()
        client.stdin.close()
        client.wait()
    assert root.cli("ps", "-q").stdout != ""
    assert root.cli("logs", "kept").stdout == "one\ntwo\n"
