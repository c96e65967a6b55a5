"""The OCI runtime (crun, runc or another of the same command line): choosing it and calling it."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Sequence

import msgspec

from dockyard.containers import cgroup_parent
from dockyard.errors import ComponentFailed, ComponentMissing, InvalidInput
from dockyard.oci.runtime import Process, Sandbox, SpecMount, runtime_spec
from dockyard.state.locks import Lock
from dockyard.state.paths import Paths
from dockyard.system import cgroups, process
from dockyard.system.files import remove_tree, write_atomically

PREFERENCE = ("crun", "runc")
_TIMEOUT_SECONDS = 30.0
_FAILURE_SECONDS = 300.0
_PROBE = "probe-"
_MOMENT = "crun."
_MOMENT_SECONDS = 60.0


class Runtime(msgspec.Struct, frozen=True):
    """A runtime's program and where it keeps its state."""

    path: str
    state: str
    systemd: bool = False

    @property
    def name(self) -> str:
        return os.path.basename(self.path)

    @property
    def global_arguments(self) -> tuple[str, ...]:
        """Arguments before the verb."""
        flag = ("--systemd-cgroup",) if self.systemd else ()
        return ("--root", self.state, *flag)

    def command(self, *arguments: str) -> list[str]:
        """A whole command line."""
        return [self.path, *self.global_arguments, *arguments]

    @property
    def environment(self) -> dict[str, str]:
        """The runtime's environment: ours, and where it may keep files for a moment."""
        return dict(os.environ) | moments(os.path.dirname(self.state))

    def start(self, container_id: str) -> None:
        """Starts what ``create`` prepared.

        Raises:
            ComponentFailed: the program can't be executed, or the container is gone.
        """
        self._run("start", container_id)

    def pause(self, container_id: str) -> None:
        """Freezes all of the container's processes."""
        self._run("pause", container_id)

    def resume(self, container_id: str) -> None:
        """Thaws them."""
        self._run("resume", container_id)

    def update(self, container_id: str, resources: bytes) -> None:
        """Gives the container's cgroup other limits (``linux.resources`` as JSON)."""
        self._run("update", "--resources", "-", container_id, given=resources)

    def delete(self, container_id: str) -> None:
        """Removes the container from the runtime, killing what still runs. Idempotent."""
        self._run("delete", "--force", container_id, check=False)

    def _run(self, *arguments: str, given: bytes | None = None, check: bool = True) -> None:
        process.run(
            self.command(*arguments), input=given, env=self.environment, timeout=_TIMEOUT_SECONDS,
            check=check,
        )  # fmt: skip


def moments(run: str) -> dict[str, str]:
    """Has crun make the file over which it mounts itself in our directory, not in ``/tmp``.

    So it protects its program from containers (CVE-2019-5736). Where it is killed in that moment
    the file stays, and :func:`sweep` removes it.
    """
    return {"_LIBCONTAINER_STATEDIR": run}


def sweep(paths: Paths) -> None:
    """Removes what killed commands and runtimes left in the run directory, which is read once."""
    names = os.listdir(paths.run)
    _sweep_moments(paths, [name for name in names if name.startswith(_MOMENT)])
    probes = (name for name in names if name.startswith(_PROBE))  # files are what is remembered
    _sweep_probes(paths, [name for name in probes if os.path.isdir(f"{paths.run}/{name}")])


def _sweep_moments(paths: Paths, names: Sequence[str]) -> None:
    """What killed runtimes left of :func:`moments`; those that live need theirs for one only."""
    for name in names:
        path = f"{paths.run}/{name}"
        with contextlib.suppress(OSError):  # it is gone, or somebody removes it as well
            found = os.lstat(path)  # what is mounted there, in that moment, isn't empty
            if found.st_size == 0 and time.time() - found.st_mtime > _MOMENT_SECONDS:
                os.unlink(path)


def choose(paths: Paths, wanted: str | None, *, systemd: bool) -> Runtime:
    """The runtime to use: the one asked for, else the first that can make a container here.

    Which works is found by trying (crun, for one, refuses some hybrid cgroup hierarchies), and
    remembered until the program, the kernel or its cgroups change.

    Raises:
        InvalidInput: the one asked for isn't there.
        ComponentMissing: none is installed.
        ComponentFailed: none works; the message is the last one's.
    """
    if wanted:
        path = process.find(wanted)
        if path is None:
            raise InvalidInput(
                f"unknown or invalid runtime name: {wanted}",
                hint="it is a program in PATH or a path, such as crun, runc or runsc",
                exit_code=125,
            )
        return Runtime(path, paths.runtime_state, systemd)
    failure: Exception | None = None
    for name in PREFERENCE:
        path = process.find(name)
        if path is None:
            continue
        runtime = Runtime(path, paths.runtime_state, systemd)
        try:
            _probe_once(runtime, paths)
        except ComponentFailed as error:
            failure = error
            continue
        return runtime
    if failure is not None:
        raise failure
    raise ComponentMissing(
        "no OCI runtime is installed",
        hint="install one (apt-get install crun runc); dockyard doctor lists all components",
    )


def _probe_once(runtime: Runtime, paths: Paths) -> None:
    """Raises :class:`ComponentFailed` where the runtime can't make a container here."""
    with Lock.acquire(f"{paths.locks}/probe.lock"):
        _probe(runtime, paths)


def _probe(runtime: Runtime, paths: Paths) -> None:
    evidence = _evidence(runtime)
    memory = f"{paths.run}/{_PROBE}{runtime.name}"
    seen, failure = _remembered(memory)
    if seen != evidence:
        failure = _try(runtime, paths) or ""
        write_atomically(memory, f"{evidence}\n{failure}".encode())
    if failure:
        raise ComponentFailed(
            f"{runtime.name} cannot make containers on this host: {failure}",
            hint="dockyard doctor says what gets in the way; --runtime takes another one",
        )


def _sweep_probes(paths: Paths, names: Sequence[str]) -> None:
    """What a trial left whose command was killed; living ones hold the lock."""
    if not names:
        return
    lock = Lock.try_acquire(f"{paths.locks}/probe.lock")
    if lock is None:
        return
    with lock:
        for name in names:
            _clear_trial(paths, name)


def _clear_trial(paths: Paths, name: str) -> None:
    """Removes all that a trial has: processes, cgroup, the runtime's state, bundle. Idempotent."""
    layout = cgroups.read_layout()
    cgroup = cgroups.cgroup_path(layout, paths.root_hash, name)
    cgroups.kill_all(layout, cgroup)
    cgroup_parent.remove(paths, layout, cgroup)
    remove_tree(f"{paths.runtime_state}/{name}")
    remove_tree(f"{paths.run}/{name}")


def _remembered(path: str) -> tuple[str, str]:
    """Evidence and failure of the last trial; a failure counts for some minutes only."""
    try:
        with open(path, encoding="utf-8") as stream:
            seen, _, failure = stream.read().partition("\n")
            age = time.time() - os.fstat(stream.fileno()).st_mtime
    except FileNotFoundError:
        return "", ""
    return ("", "") if failure and age > _FAILURE_SECONDS else (seen, failure)


def _evidence(runtime: Runtime) -> str:
    """What the outcome of a trial depends on."""
    status = os.stat(runtime.path)
    with open("/proc/self/cgroup", encoding="ascii") as stream:
        hierarchies = ",".join(line.rpartition(":")[0] for line in stream)
    return f"{runtime.path} {status.st_size} {status.st_mtime_ns} {runtime.systemd} {hierarchies}"


def _try(runtime: Runtime, paths: Paths) -> str | None:
    """Runs the host's ``true`` in a container; the reason where that fails."""
    name = f"{_PROBE}{runtime.name}-{os.getpid()}"
    bundle = f"{paths.run}/{name}"
    program = os.path.realpath(process.require("true"))
    shared = [path for path in ("/usr", "/lib", "/lib64", "/bin") if os.path.exists(path)]
    sandbox = Sandbox(
        rootfs="rootfs",
        hostname="probe",
        network="host",
        cgroup=cgroups.cgroup_path(cgroups.read_layout(), paths.root_hash, name),
        mounts=tuple(SpecMount(path, "bind", path, ("rbind", "ro")) for path in shared),
    )
    spec = runtime_spec(Process(args=(program,), env=("PATH=/usr/bin:/bin",)), sandbox)
    os.makedirs(f"{bundle}/rootfs", mode=0o700, exist_ok=True)
    try:
        write_atomically(f"{bundle}/config.json", msgspec.json.encode(spec), durable=False)
        command = runtime.command("run", "--bundle", bundle, name)
        with cgroup_parent.kept(paths):
            result = process.run(
                command, env=runtime.environment, timeout=_TIMEOUT_SECONDS, check=False
            )
    finally:
        runtime.delete(name)
        _clear_trial(paths, name)
    if result.code == 0:
        return None
    words = result.stderr.decode(errors="replace").split()
    return " ".join(words) or f"exit code {result.code}"
