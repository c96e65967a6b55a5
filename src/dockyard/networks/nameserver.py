"""Keeping aardvark-dns running where containers have names, and telling it which.

It answers at the gateway of each network, in the host's namespace, and outlives the command that
started it: in a session and a cgroup of its own. Its directory has the files of
:mod:`dockyard.networks.names`; SIGHUP has it read them again, and it ends when they are gone.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterable, Mapping

from dockyard.errors import ComponentFailed, ComponentMissing
from dockyard.networks import kernel, names
from dockyard.networks.model import Endpoint, Network
from dockyard.state.locks import Lock
from dockyard.state.paths import Paths
from dockyard.system import cgroups, host, process, scope
from dockyard.system.files import read_text, remove_tree
from dockyard.system.host import ProcessIdentity

_PROGRAM = "aardvark-dns"
_PORT = 53
_START_SECONDS = 10.0
_LISTEN_SECONDS = 1.0
_PAUSE = 0.002
_SIGHUP_BIT = 1 << (signal.SIGHUP - 1)

Records = Callable[[], tuple[Mapping[str, Network], Iterable[Endpoint]]]


class NameServers:
    """The name servers of one root."""

    def __init__(self, paths: Paths, warn: Callable[[str], None]) -> None:
        self._paths = paths
        self._warn = warn
        self._directory = paths.names

    def exist(self) -> bool:
        """True where a server may be running."""
        return os.path.isdir(self._directory)

    def installed(self) -> bool:
        """True where names can be resolved at all."""
        return process.find(_PROGRAM) is not None

    def settled(self) -> bool:
        """True where every server that was started still runs, or none can."""
        started = self._started()
        return (bool(started) and all(map(self._running, started))) or not self.installed()

    def update(self, read: Records) -> None:
        """Makes the servers know the endpoints, starting and ending them as needed.

        What ``read`` returns is read under the servers' own lock, so that of several commands the
        last one writes what all of them recorded.
        """
        if not self.installed():
            self._warn(
                "names of containers don't resolve: aardvark-dns is not installed"
                " (apt-get install aardvark-dns)"
            )
            return
        with Lock.acquire(f"{self._paths.locks}/names.lock"):
            wanted = names.configuration(*read())
            for server, files in wanted.items():
                if files:
                    self._serve(server, files)
                else:
                    self._end(server)
            if not any(wanted.values()):
                remove_tree(self._directory)

    def _started(self) -> list[str]:
        return [name for name in names.SERVERS if os.path.isdir(f"{self._directory}/{name}")]

    def _serve(self, server: str, files: Mapping[str, str]) -> None:
        added, changed = self._write(server, files)
        running = self._running(server)
        try:
            if running is None:
                self._start(server)
            elif changed:
                _tell(running)
        except (ComponentFailed, ComponentMissing) as error:
            self._warn(f"names of containers don't resolve: {error}")
            return
        for name in added if running else files:
            self._await(files[name].partition("\n")[0].partition(",")[0])

    def _write(self, server: str, files: Mapping[str, str]) -> tuple[list[str], bool]:
        """Writes what differs; the files that are new, and whether anything changed."""
        directory = f"{self._directory}/{server}"
        for place in (self._directory, directory):  # makedirs gives its mode to the last alone
            os.makedirs(place, mode=0o700, exist_ok=True)
        present = {name for name in os.listdir(directory) if name != "aardvark.pid"}
        for name in present - files.keys():
            os.unlink(f"{directory}/{name}")
        changed = bool(present - files.keys())
        for name, text in files.items():
            path = f"{directory}/{name}"
            if name in present and read_text(path) == text:
                continue
            temporary = f"{self._directory}/{name}.tmp"  # the server reads all that is in its own
            with open(temporary, "w", encoding="utf-8") as stream:
                stream.write(text)
            os.rename(temporary, path)
            changed = True
        return [name for name in files if name not in present], changed

    def _start(self, server: str) -> None:
        directory = f"{self._directory}/{server}"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{directory}/aardvark.pid")
        environment = {"PATH": os.environ.get("PATH", "")}
        if server == names.INTERNAL:
            environment["AARDVARK_NO_PROXY"] = "1"
        process.run(
            [_PROGRAM, "--config", directory, "--port", str(_PORT), "run"],
            env=environment,
            cwd="/",
            timeout=_START_SECONDS,
        )
        running = self._running(server)
        if running is not None:
            self._set_apart(server, running.pid)

    def _set_apart(self, server: str, pid: int) -> None:
        """So that the end of the caller's unit or session isn't its end."""
        layout = cgroups.read_layout()
        if not layout.systemd:
            cgroups.create_and_enter(layout, self._cgroup(server), pid)
            return
        unit = f"dockyard-names-{server}-{self._paths.root_hash}-{pid}.scope"
        with contextlib.suppress(ComponentFailed, ComponentMissing):  # the next command revives it
            scope.start(unit, f"dockyard-{self._paths.root_hash}.slice", pid)

    def _end(self, server: str) -> None:
        directory = f"{self._directory}/{server}"
        if not os.path.isdir(directory):
            return
        running = self._running(server)
        if running is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(running.pid, signal.SIGKILL)  # it has nothing to save
            deadline = time.monotonic() + _LISTEN_SECONDS
            while running.alive() and time.monotonic() < deadline:
                time.sleep(_PAUSE)
        layout = cgroups.read_layout()
        if not layout.systemd:
            cgroups.remove(layout, self._cgroup(server))
        remove_tree(directory)

    def _running(self, server: str) -> ProcessIdentity | None:
        """The server's process: the one it wrote down, if that still is it."""
        directory = f"{self._directory}/{server}"
        text = read_text(f"{directory}/aardvark.pid").strip()
        if not text.isdecimal():
            return None
        words = read_text(f"/proc/{text}/cmdline").split("\0")
        return host.identify(int(text)) if directory in words else None

    def _cgroup(self, server: str) -> str:
        return f"/dockyard-names-{self._paths.root_hash}/{server}"

    def _await(self, address: str) -> None:
        """Waits until it listens; says so where it can't."""
        deadline = time.monotonic() + _LISTEN_SECONDS
        while not kernel.listens_for_udp(address, _PORT):
            if time.monotonic() > deadline:
                self._warn(
                    f"names of containers don't resolve at {address}: is port {_PORT} taken by"
                    f" another server (ss -lunp 'sport = :{_PORT}')?"
                )
                return
            time.sleep(_PAUSE)


def _tell(running: ProcessIdentity) -> None:
    """Has the server read its files again. One that doesn't listen to signals yet will anyway."""
    status = read_text(f"/proc/{running.pid}/status")
    caught = next((line for line in status.splitlines() if line.startswith("SigCgt:")), "0")
    if int(caught.rpartition("\t")[2] or "0", 16) & _SIGHUP_BIT:
        with contextlib.suppress(ProcessLookupError):
            os.kill(running.pid, signal.SIGHUP)
