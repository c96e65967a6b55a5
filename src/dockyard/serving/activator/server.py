"""The activator: serves what ``targets.json`` says, until it is told to stop."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import time

import msgspec

from dockyard.serving.activator.admin import Admin
from dockyard.serving.activator.answers import Refused
from dockyard.serving.activator.door import Door
from dockyard.serving.activator.listener import Listener
from dockyard.serving.activator.model import Stats, Target, Targets
from dockyard.serving.activator.served import Served
from dockyard.serving.activator.shared import Shared, log
from dockyard.serving.activator.watch import TargetsFile
from dockyard.serving.activator.wire import Wire

_TICK_SECONDS = 0.5
_GRACE_SECONDS = 4.0
"""For what is active when it is told to stop."""
_LAST_SECONDS = 0.5
"""For the last answers to go out."""
_LOOK_SECONDS = 0.02


def run(path: str) -> None:
    """Serves what the file at ``path`` says, until SIGTERM."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # two for each request
    asyncio.run(Activator(path).run())


class Activator:
    """All variants of a root."""

    def __init__(self, path: str) -> None:
        self._file = TargetsFile(path)
        self._shared = Shared()
        self._doors: dict[str, Door] = {}
        self._closing: list[Door] = []
        self._admin: Listener | None = None
        self._admins: set[asyncio.Task[None]] = set()
        self._targets = Targets(wake="", admin="")
        self._applied = True
        """All that the file says is so."""
        self._news = asyncio.Event()
        self._started = time.time()

    async def run(self) -> None:
        """Serves until it is told to stop, and then finishes what is active."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        self._file.watch(self._news.set)
        while not self._shared.stopping:
            self._news.clear()
            await self._load()
            await self._pause()
            self._tick()
        self._file.close()
        await self._finish()

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(_TICK_SECONDS):
                await self._news.wait()
        except TimeoutError:
            pass

    async def _load(self) -> None:
        found = self._file.read()
        if found is not None:
            self._targets = found
            self._shared.poke.path = found.wake
        if found is not None or not self._applied:
            await self._apply(self._targets)

    async def _apply(self, targets: Targets) -> None:
        self._applied = True
        wanted = {target.id: target for target in targets.targets}
        for name, door in list(self._doors.items()):
            if name not in wanted or _moved(door.served.target, wanted[name]):
                self._remove(name)
        for target in targets.targets:
            await self._serve(target)
        await self._serve_admin(targets.admin)

    async def _serve(self, target: Target) -> None:
        door = self._doors.get(target.id)
        if door is not None:
            door.served.configure(target)
            return
        served = Served(target, self._shared)
        try:
            door = Door(served)
        except OSError as error:
            self._failed(f"{target.id}: {target.socket}: {error.strerror}")
            served.close()
            return
        door.open()
        self._doors[target.id] = door

    async def _serve_admin(self, path: str) -> None:
        if self._admin is not None:
            if self._admin.path == path:
                return
            self._admin.close(remove=True)
            self._admin = None
        try:
            listener = Listener(path)
        except OSError as error:
            self._failed(f"{path}: {error.strerror}")
            return
        listener.serve(self._welcome)
        self._admin = listener

    def _failed(self, sentence: str) -> None:
        """It is tried again."""
        self._applied = False
        log(sentence)

    def _welcome(self, wire: Wire) -> None:
        documents = {"/stats": self._stats, "/targets": lambda: self._targets}
        task = asyncio.get_running_loop().create_task(Admin(documents, wire).run())
        self._admins.add(task)
        task.add_done_callback(self._admins.discard)

    def _stats(self) -> msgspec.Struct:
        figures = {name: door.served.figures() for name, door in self._doors.items()}
        return Stats(
            pid=os.getpid(), started=self._started, version=self._targets.version, targets=figures
        )

    def _remove(self, name: str) -> None:
        door = self._doors.pop(name)
        door.served.remove()
        door.close(remove=True)
        self._closing.append(door)

    def _tick(self) -> None:
        for door in (*self._doors.values(), *self._closing):
            door.tick()
        for door in [one for one in self._closing if one.empty]:
            door.served.close()
            self._closing.remove(door)

    def _stop(self) -> None:
        self._shared.stopping = True
        self._news.set()

    async def _finish(self) -> None:
        """The sockets' files stay: who connects meanwhile is refused, and tries again."""
        doors = [*self._doors.values(), *self._closing]
        for door in doors:
            door.close(remove=False)
        if self._admin is not None:
            self._admin.close(remove=False)
        await self._wait_for(doors, _GRACE_SECONDS)
        for door in doors:
            door.served.refuse(Refused(503, "stopping", "the activator stops", 1.0))
        await self._wait_for(doors, _LAST_SECONDS)
        for door in doors:
            door.clear()
            door.served.close()

    async def _wait_for(self, doors: list[Door], seconds: float) -> None:
        """Replicas that come meanwhile still get what waits."""
        due = time.monotonic() + seconds
        while any(not door.empty for door in doors) and time.monotonic() < due:
            await asyncio.sleep(_LOOK_SECONDS)
            found = self._file.read()
            for target in () if found is None else found.targets:
                if target.id in self._doors:
                    self._doors[target.id].served.configure(target)


def _moved(old: Target, new: Target) -> bool:
    return (old.socket, old.protocol) != (new.socket, new.protocol)
