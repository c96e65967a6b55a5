from __future__ import annotations

import pytest

from dockyard.containers.monitor import Launch
from dockyard.containers.refusal import diagnosis, program_refused
from dockyard.containers.runtime import Runtime
from dockyard.state.paths import Paths


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("executable file `x` not found in $PATH: No such file or directory", 127),
        ('exec: "x": executable file not found in $PATH: unknown', 127),
        ("open executable: Permission denied", 126),
        ("open executable: Operation not permitted", 126),
        ("the path `/etc` is not a regular file: Operation not permitted", 126),
        ("the path `/x` exists but it is not executable: Operation not permitted", 126),
        ('exec: "/etc": is a directory: permission denied', 126),
        ("exec /x: Exec format error", 126),
        ("cgroups: something else", 125),
        ("", 125),
    ],
)
def test_what_runtimes_say_has_dockers_codes(words: str, code: int) -> None:
    assert diagnosis(words)[0] == code


@pytest.mark.parametrize(
    ("program", "words", "shown"),
    [
        ("x", "executable file `x` not found in $PATH: No such file or directory",
         'exec: "x": executable file not found in $PATH'),
        ("/x", "exec /x: no such file or directory", 'exec: "/x": no such file or directory'),
        ("/x", "open executable: Permission denied", 'exec: "/x": permission denied'),
        ("/etc", "the path `/etc` is not a regular file: Operation not permitted",
         'exec: "/etc": is a directory: permission denied'),
        ("/x", "exec /x: Exec format error", 'exec: "/x": exec format error'),
    ],
)  # fmt: skip
def test_a_program_is_refused_in_dockers_words(program: str, words: str, shown: str) -> None:
    assert program_refused(program, words, diagnosis(words)[0]) == shown


def test_the_monitors_command_line() -> None:
    launch = Launch(
        container_id="c", name="box", bundle="/b", log="/l", runtime=Runtime("/r/crun", "/state"),
        program="sh", interactive=True, exit_command=("/python", "-I", "exit.py"),
    )  # fmt: skip
    words = launch.arguments(Paths("/root", "/run"))

    def values(flag: str) -> list[str]:
        return [words[at + 1] for at, word in enumerate(words) if word == flag]

    assert values("--runtime") == ["/r/crun"]
    assert values("--runtime-arg") == ["--root", "/state"]
    assert values("--exit-command") == ["/python"]
    assert values("--exit-command-arg") == ["-I", "exit.py"]
    assert values("--log-path") == ["k8s-file:/l"]
    assert "--stdin" in words
    assert "--systemd-cgroup" not in words
