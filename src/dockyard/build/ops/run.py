"""RUN: a command in a container over the layers below; what it changes becomes the layer."""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

import msgspec

from dockyard.build import graph
from dockyard.build.grants import HOST_GATEWAY
from dockyard.build.mounts.plan import check_target
from dockyard.build.mounts.prepare import Prepared
from dockyard.build.ops import trust, vendor
from dockyard.build.ops.rights import devices, rights
from dockyard.build.solver import Cancellation
from dockyard.containers import cgroup_parent, landing, spec, users
from dockyard.containers.parts import Parts
from dockyard.containers.spec_injection import with_devices
from dockyard.containers.spec_rights import Rights
from dockyard.containers.workspace import Workspace
from dockyard.errors import BuildError, InvalidInput, NotFound
from dockyard.images.normalise import missing_mount_points
from dockyard.images.view import LowerView
from dockyard.networks import resolv
from dockyard.networks.attachment import Attachment
from dockyard.oci.runtime import (
    SYSTEM_PLACES,
    Identity,
    Process,
    Sandbox,
    SpecMount,
    encode,
    plain,
    runtime_spec,
)
from dockyard.system import cgroups
from dockyard.system.authorities import bundle_of
from dockyard.system.files import write_atomically

Output = Callable[[int, bytes], None]

_HOSTNAME = "buildkitsandbox"
"""The name that Docker's builder gives too, so that what asks for it gets the same answer."""
_ENGINE_FILES = ("/etc/hosts", "/etc/resolv.conf")
_MOUNT_POINTS = (*SYSTEM_PLACES, *_ENGINE_FILES)
_LAST_LINES = 25
_SHM_SIZE = 64 << 20
_NO_PROGRAM = (
    re.compile(r"executable file [`'\"](.+?)[`'\"] not found in \$PATH.*"),
    re.compile(r'time="[^"]*" level=error msg="runc run failed: [^"]*exec: \\"(.+?)\\": '
               r'(?:executable file not found in \$PATH|stat .*: no such file or directory)"'),
)  # fmt: skip
"""All that crun, or runc, says where there is no such program; its own exit code is 1."""


def run(
    parts: Parts,
    workspace: Workspace,
    vertex: graph.Vertex,
    operation: graph.Run,
    lowers: Sequence[str],
    prepared: Prepared,
    hosts: Sequence[tuple[str, str]],
    output: Output,
    cancellation: Cancellation,
) -> tuple[str, ...]:
    """Runs the step in the workspace.

    Args:
        hosts: names and addresses for the step's ``/etc/hosts``.

    Returns:
        Mount points that the engine made, for normalisation.

    Raises:
        BuildError: the command failed; the context names the line and holds its last output.
    """
    names = _devices(parts, operation)
    view, others = LowerView(lowers), _vendor_mounts(parts, names)
    _check_places(view, prepared.mounts, others)
    made = _mount_points(view, operation, (*prepared.mounts, *others))
    workspace.mount(lowers)
    with _attached(parts, workspace, operation.network) as attachment:
        host = _host_trust(parts, workspace.root)
        step = _Step(parts, workspace, vertex, operation, prepared, attachment, tuple(hosts), names)
        bundle = prepared.memory or workspace.path
        document = encode(_document(step, host))
        write_atomically(f"{bundle}/config.json", document, durable=False)
        tail = _Tail(output)
        code = _execute(parts, workspace, bundle, tail, cancellation)
    if cancellation.requested:
        raise BuildError("canceled", reference="canceled")
    if code != 0:
        raise _failure(vertex, operation, code, tail.text())
    return made


class _Step(msgspec.Struct, frozen=True):
    """What the runtime's description of a step is made from."""

    parts: Parts
    workspace: Workspace
    vertex: graph.Vertex
    operation: graph.Run
    prepared: Prepared
    attachment: Attachment | None
    hosts: tuple[tuple[str, str], ...]
    devices: tuple[str, ...]


def _devices(parts: Parts, operation: graph.Run) -> tuple[str, ...]:
    """Names of the vendors' devices that the step gets.

    Raises:
        BuildError: one that the step requires isn't there.
    """
    if not operation.devices:
        return ()
    names = vendor.chosen(operation.devices, parts.devices.registry)
    try:
        return parts.devices.resolve(names, ())
    except NotFound as error:
        raise BuildError(error.message, hint=error.hint, reference=error.reference) from error


def _vendor_mounts(parts: Parts, devices: Sequence[str]) -> tuple[SpecMount, ...]:
    """What devices want mounted."""
    return parts.devices.inject(devices, Identity()).mounts if devices else ()


def _check_places(
    view: LowerView, mounts: Sequence[SpecMount], others: Sequence[SpecMount]
) -> None:
    """Refuses mounts in place of what the engine mounts.

    Args:
        mounts: the step's.
        others: those of devices, which may lie below ``/proc``.

    Raises:
        BuildError: one lies there, or links lead it there.
    """
    for mount in mounts:
        check_target(plain(mount.destination)[1:])
    try:
        links = {place for place in SYSTEM_PLACES if view.link(place[1:]) is not None}
        landing.check_system_places(links)
        landing.check_nested((*mounts, *others))
        landing.check_landings(view, (*mounts, *others))
    except InvalidInput as error:
        raise BuildError(error.message, hint=error.hint, reference=error.reference) from error


def _mount_points(
    view: LowerView, operation: graph.Run, mounts: Sequence[SpecMount]
) -> tuple[str, ...]:
    """What the runtime will make in the root so that it can mount there."""
    targets = [mount.destination for mount in mounts]
    made = missing_mount_points(view, (*_MOUNT_POINTS, *targets, operation.cwd))
    return tuple(path for path in made if path != operation.cwd.lstrip("/"))


@contextlib.contextmanager
def _attached(parts: Parts, workspace: Workspace, network: str) -> Iterator[Attachment | None]:
    """The step's network; ``None`` for that of the host."""
    if network == "host":
        yield None
        return
    isolated = network == "none"
    attachment = (
        parts.networks.isolated() if isolated else parts.networks.attach(workspace.holder, ())
    )
    try:
        yield attachment
    finally:
        attachment.close()


def _host_trust(parts: Parts, rootfs: str) -> trust.HostTrust:
    sources = ""
    if parts.config.apt_mirror:
        sources = users.read_inside(rootfs, "etc/apt/sources.list")
    return trust.describe(os.environ, bundle_of(os.environ), sources, parts.config.apt_mirror)


def _document(step: _Step, host: trust.HostTrust) -> dict[str, object]:
    allowed = rights(step.parts.facts, insecure=step.operation.insecure)
    process, sandbox = _process(step, host, allowed), _sandbox(step, host, allowed)
    if step.devices:
        injection = step.parts.devices.inject(step.devices, process.identity)
        process, sandbox = with_devices(process, sandbox, injection)
    return runtime_spec(process, sandbox)


def _process(step: _Step, host: trust.HostTrust, allowed: Rights) -> Process:
    operation = step.operation
    identity = _identity(operation.user, step.workspace.root)
    env = [
        *(f"{k}={v}" for k, v in host.env.items()), *step.vertex.ignored_env, *operation.env,
        *step.prepared.env,
    ]  # fmt: skip
    return Process(
        args=operation.args,
        env=_environment(env, identity.home),
        cwd=spec.check_directory(operation.cwd),
        identity=identity,
        capabilities=allowed.capabilities,
        no_new_privileges=allowed.no_new_privileges,
        rlimits=spec.rlimits(operation.ulimits, step.parts.facts)[0],
    )


def _sandbox(step: _Step, host: trust.HostTrust, allowed: Rights) -> Sandbox:
    workspace, operation = step.workspace, step.operation
    given = devices(insecure=operation.insecure)
    script = {operation.script_place: operation.script} if operation.script else {}
    return Sandbox(
        rootfs=workspace.root,
        hostname=_HOSTNAME,
        network="host" if step.attachment is None else step.attachment.namespace_path,
        shm_size=_SHM_SIZE if operation.shm_size is None else operation.shm_size,
        mounts=(
            *_engine_files(step),
            *_written(workspace, host.texts | script, script.keys()),
            *(spec.file_mount(path, at, read_only=True) for at, path in host.binds.items()),
            *step.prepared.mounts,
        ),
        cgroup=workspace.cgroup,
        devices=given.nodes,
        device_rules=given.rules,
        seccomp=allowed.seccomp,
        masked_paths=allowed.masked_paths,
        readonly_paths=allowed.readonly_paths,
        writable_system=allowed.writable_system,
        writable_cgroups=allowed.writable_cgroups,
    )


def _identity(user: str, rootfs: str) -> Identity:
    try:
        return users.resolve(user, *users.read_databases(rootfs))
    except InvalidInput as error:
        raise BuildError(error.message, hint=error.hint, reference=error.reference) from error


def _engine_files(step: _Step) -> list[SpecMount]:
    endpoint = None if step.attachment is None else step.attachment.endpoint
    gateway = "127.0.0.1" if endpoint is None else endpoint.gateway
    added = "".join(
        f"{gateway if address == HOST_GATEWAY else address}\t{name}\n"
        for name, address in step.hosts
    )
    texts = {
        "/etc/hosts": resolv.hosts(_HOSTNAME, () if endpoint is None else (endpoint,)) + added,
        "/etc/resolv.conf": resolv.read_for_container(host_network=step.attachment is None),
    }
    return _written(step.workspace, texts)


def _environment(entries: Sequence[str], home: str) -> tuple[str, ...]:
    """Variables of the process, later ones winning; unlike a container's it has no HOSTNAME."""
    merged = dict(entry.partition("=")[::2] for entry in entries)
    merged["HOME"] = merged.get("HOME") or home
    return tuple(f"{name}={value}" for name, value in merged.items())


def _written(
    workspace: Workspace, texts: Mapping[str, str], programs: Collection[str] = ()
) -> list[SpecMount]:
    """Writes texts beside the root; the mounts that put them in it."""
    found = []
    for target, text in texts.items():
        path = f"{workspace.path}/text-{os.path.basename(target)}"
        with open(path, "w", encoding="utf-8") as stream:
            os.fchmod(stream.fileno(), 0o755 if target in programs else 0o644)
            stream.write(text)
        found.append(spec.file_mount(path, target, read_only=target not in _ENGINE_FILES))
    return found


class _Tail:
    """Passes output on, and keeps its end for the error."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._kept: deque[bytes] = deque(maxlen=64)

    def __call__(self, stream: int, data: bytes) -> None:
        self._output(stream, data)
        self._kept.append(data)

    def text(self) -> str:
        whole = b"".join(self._kept).decode(errors="replace").rstrip()
        return "\n".join(whole.splitlines()[-_LAST_LINES:])


def _execute(
    parts: Parts, workspace: Workspace, bundle: str, output: Output, cancellation: Cancellation
) -> int:
    """Runs the container; its exit code. Cancellation kills all its processes.

    A bundle that is only in memory has secrets: the runtime, which keeps a copy of the
    description, keeps it there too.
    """
    runtime = parts.runtime()
    if bundle != workspace.path:
        runtime = msgspec.structs.replace(runtime, state=f"{bundle}/runtime")
    layout = parts.cgroup_layout
    with cgroup_parent.kept(parts.paths):
        child = subprocess.Popen(
            runtime.command("run", "--bundle", bundle, workspace.holder),
            env=runtime.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C reaches us, and we end it in order
        )

        def interrupt() -> None:
            cgroups.kill_all(layout, workspace.cgroup, 2.0)
            child.send_signal(signal.SIGKILL)

        undo = cancellation.register(interrupt)
        try:
            with child:
                _pump(child, output)
                return child.wait()
        finally:
            undo()
            runtime.delete(workspace.holder)


def _pump(child: subprocess.Popen[bytes], output: Output) -> None:
    with selectors.DefaultSelector() as selector:
        for number, stream in ((1, child.stdout), (2, child.stderr)):
            if stream is not None:
                selector.register(stream, selectors.EVENT_READ, number)
        while selector.get_map():
            for key, _ in selector.select():
                data = os.read(key.fd, 1 << 16)
                if data:
                    output(key.data, data)
                else:
                    selector.unregister(key.fileobj)


def _failure(vertex: graph.Vertex, operation: graph.Run, code: int, tail: str) -> BuildError:
    shown = " ".join(operation.args) if operation.args else "the script"
    said = (form.fullmatch(tail) for form in _NO_PROGRAM if code == 1)
    missing = next(filter(None, said), None)
    code = 127 if missing else code
    context = vertex.location.excerpt()
    if tail:
        context += f"\nlast output:\n{tail}"
    return BuildError(
        f'process "{shown}" did not complete successfully: exit code: {code}',
        context=context,
        hint=_missing(missing[1]) if missing else _hint(code, tail),
        reference="step-failed",
    )


def _missing(program: str) -> str:
    return f"{program} is not in the image or its PATH: install it in a step before, or correct it"


def _hint(code: int, tail: str) -> str:
    if code == 137:
        return "it was killed, perhaps for want of memory"
    if "no space left on device" in tail.lower():
        return "free some space (dockyard builder prune, dockyard rmi), then build again"
    if "externally-managed-environment" in tail:
        return "use a base whose Python is meant for pip, such as python:3.11, or a venv"
    if "Temporary failure" in tail or "Could not resolve" in tail:
        return "the step has no name resolution; dockyard doctor checks the network"
    return "the steps before it are cached: correct the line and build again"
