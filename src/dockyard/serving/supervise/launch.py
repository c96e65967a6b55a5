"""Starting a program under conmon."""

from __future__ import annotations

import os
import subprocess
import sys

import msgspec

from dockyard.containers import monitor
from dockyard.errors import ComponentFailed
from dockyard.serving.supervise.model import Program
from dockyard.serving.supervise.places import Places
from dockyard.state.paths import make_directory
from dockyard.system import cgroups, host, process, scope
from dockyard.system.files import write_atomically
from dockyard.system.host import ProcessIdentity

_SECONDS = 30.0
_LOG_BYTES = 4 << 20


def start(places: Places, program: Program) -> tuple[ProcessIdentity, ProcessIdentity | None]:
    """Starts a program; it and its monitor.

    Raises:
        ComponentMissing: there is no conmon.
        ComponentFailed: the program can't be started.
    """
    for directory in (places.paths.serving, places.directory, f"{places.directory}/exits"):
        make_directory(directory)
    write_atomically(places.program, msgspec.json.encode(program))
    for path in (places.pid, places.monitor_pid):
        _forget(path)
    answer_read, answer_write = os.pipe2(os.O_CLOEXEC)
    go_read, go_write = os.pipe2(os.O_CLOEXEC)
    try:
        child = subprocess.Popen(
            [process.require("conmon"), *_arguments(places, program.name)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            env=monitor.environment(
                places.paths, _OCI_SYNCPIPE=answer_write, _OCI_STARTPIPE=go_read
            ) | process.passed_on(),
            cwd=places.directory, pass_fds=(answer_write, go_read), start_new_session=True,
        )  # fmt: skip
        os.close(answer_write)
        answer_write = -1
        _place(places, child.pid)
        os.write(go_write, b"\0")
        answer = monitor.parse_answer(monitor.read_answer(answer_read))
        errors = child.communicate(timeout=_SECONDS)[1].decode(errors="replace").strip()
    finally:
        for descriptor in (answer_read, answer_write, go_read, go_write):
            if descriptor >= 0:
                os.close(descriptor)
    started = host.identify(answer.data) if answer.data > 0 else None
    if started is None:
        raise ComponentFailed(
            f"{program.name} can't be started: {answer.message or errors or 'it ended at once'}",
            context=" ".join(program.argv),
            hint=f"what it printed is in {places.output}",
        )
    return started, _read_pid(places.monitor_pid)


def _arguments(places: Places, name: str) -> list[str]:
    here = os.path.dirname(__file__)
    arguments = [
        "--api-version", "1", "--cid", f"dockyard-{name}", "--cuuid", f"dockyard-{name}",
        "--name", f"dockyard-{name}", "--bundle", places.directory,
        "--container-pidfile", places.pid, "--conmon-pidfile", places.monitor_pid,
        "--exit-dir", f"{places.directory}/exits", "--persist-dir", places.directory,
        "--full-attach", "--log-path", f"k8s-file:{places.output}", "--log-level", "warning",
        "--log-size-max", str(_LOG_BYTES), "--runtime", sys.executable,
    ]  # fmt: skip
    for word in process.isolated_python(f"{here}/runtime.py")[1:]:
        arguments += ["--runtime-arg", word]
    command = process.isolated_python(
        f"{here}/exit.py", places.paths.root, places.paths.run, places.name
    )
    arguments += ["--exit-command", command[0]]
    for word in command[1:]:
        arguments += ["--exit-command-arg", word]
    return arguments


def _place(places: Places, pid: int) -> None:
    """Out of the caller's cgroup, whose end is not to be its end."""
    layout = cgroups.read_layout()
    if not layout.systemd:
        cgroups.create_and_enter(layout, places.cgroup, pid)
        return
    mark = places.paths.root_hash
    unit = f"dockyard-serving-{places.name}-{pid}.scope"
    scope.start(unit, f"dockyard-{mark}.slice", pid, lasting=True)


def _read_pid(path: str) -> ProcessIdentity | None:
    try:
        with open(path, encoding="ascii") as stream:
            return host.identify(int(stream.read()))
    except (FileNotFoundError, ValueError):
        return None


def _forget(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
