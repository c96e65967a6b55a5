"""A root of a test's own: with images, an engine, the command line, and a look at what stays."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support import bases, leftovers

from dockyard import Config, Engine, Networking, Options
from dockyard.containers import controller_place
from dockyard.containers.attach import Streams
from dockyard.containers.model import Container, NetworkMode
from dockyard.errors import DockyardError, NotFound
from dockyard.images.model import Image
from dockyard.state.paths import Paths
from dockyard.system import host, mounts
from dockyard.system.files import remove_tree

Command = subprocess.CompletedProcess[str]


class Root:
    """``base/root`` and ``base/run``. Everything in it is the test's."""

    def __init__(self, base: Path, images: Path | None) -> None:
        self.base = base
        self.checked = True
        """Unset by tests that break the root on purpose."""
        self._started: list[subprocess.Popen[str]] = []
        self.paths = Paths(f"{base}/root", f"{base}/run")
        self.config = Config(root=self.paths.root, run=self.paths.run)
        if images is not None:
            bases.furnish(images, self.paths)

    def engine(self, **changes: object) -> Engine:
        """A new engine on this root."""
        settings = {"root": self.paths.root, "run": self.paths.run} | changes
        return Engine(Config(**settings))  # type: ignore[arg-type]  # settings by name

    def environment(self, **extra: str) -> dict[str, str]:
        """The environment in which the command line works on this root."""
        source = str(bases.CHECKOUT / "src")
        own = {
            "DOCKYARD_ROOT": self.paths.root, "DOCKYARD_RUN": self.paths.run,
            "PYTHONPATH": source, "PYTHONWARNINGS": "default",
        }  # fmt: skip
        return {**os.environ, **own, **extra}

    def cli(
        self, *arguments: str, check: bool = False, input: str | None = None,  # noqa: A002
        env: Mapping[str, str] | None = None, timeout: float = 120,
    ) -> Command:  # fmt: skip
        """Runs a command to its end."""
        done = subprocess.run(
            command_line(arguments), capture_output=True, text=True, errors="replace",
            env=self.environment(**(env or {})), input=input, timeout=timeout,
        )  # fmt: skip
        if check and done.returncode != 0:
            raise AssertionError(f"dockyard {' '.join(arguments)}: {done.stderr}{done.stdout}")
        return done

    def start(self, *arguments: str, **options: object) -> subprocess.Popen[str]:
        """Starts a command in a process group of its own."""
        return self.spawn(command_line(arguments), **options)

    def spawn(self, argv: Sequence[str], **options: object) -> subprocess.Popen[str]:
        """Starts any program; see :meth:`start`."""
        settings: dict[str, object] = {
            "stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
            "text": True, "errors": "replace", "start_new_session": True,
            "env": self.environment(),
        }  # fmt: skip
        process: subprocess.Popen[str] = subprocess.Popen(list(argv), **(settings | options))  # type: ignore[call-overload]
        self._started.append(process)
        return process

    def end_processes(self) -> None:
        """Kills the commands that a failed test left running."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.wait()
            for stream in filter(None, (process.stdout, process.stderr)):
                stream.close()

    def own(self, image: Image) -> None:
        """Replaces links to layers that tests share by copies: what is saved must be ours."""
        for layer in image.layers:
            directory = self.paths.layer(layer.id)
            if os.path.islink(directory):
                source = os.path.realpath(directory)
                os.unlink(directory)
                subprocess.run(["cp", "-a", source, directory], check=True)

    def empty(self) -> None:
        """Removes all containers, as a user would."""
        with self.engine() as engine:
            for project in {one.service.project for one in engine.services.all()}:
                engine.stacks.down(project)
            for container in engine.containers.all():
                with contextlib.suppress(NotFound):
                    engine.containers.remove(container.id, force=True, volumes=True)
            engine.networks.prune()
            engine.parts.layers.collect()

    def leftovers(self) -> list[str]:
        """Removes all containers; what then is still there."""
        self.empty()
        return leftovers.of_root(self.paths)

    def close(self) -> None:
        """Deletes it all, whatever state it is in."""
        with contextlib.suppress(DockyardError):
            self.empty()
        for helper in host.with_argument(self.paths.root):  # a controller, which writes its log
            helper.signal(signal.SIGKILL)
            helper.wait(10)
        controller_place.clear(self.paths)  # as the next command would
        mounts.unmount_below(str(self.base))
        remove_tree(str(self.base))


def command_line(arguments: Sequence[str]) -> list[str]:
    """The program as its own process."""
    return [sys.executable, "-m", "dockyard.cli.main", *arguments]


class Output:
    """What a container in the foreground printed."""

    def __init__(self) -> None:
        self.stdout = b""
        self.stderr = b""

    def __call__(self, stream: int, data: bytes) -> None:
        if stream == 1:
            self.stdout += data
        else:
            self.stderr += data

    @property
    def text(self) -> str:
        return self.stdout.decode(errors="replace")


def foreground(
    engine: Engine, *command: str, image: str = "busybox", options: Options | None = None,
    network: NetworkMode = "none", **fields: object,
) -> tuple[Container, Output]:  # fmt: skip
    """Runs a container to its end, as ``run --rm`` does; the container and what it printed."""
    output = Output()
    given: dict[str, object] = {
        "command": command or None, "remove": True, "networking": Networking(network=network),
    }  # fmt: skip
    wanted = options or Options(**(given | fields))  # type: ignore[arg-type]  # fields by name
    container = engine.containers.run(engine.images.find(image), image, wanted, Streams(output))
    return container, output
