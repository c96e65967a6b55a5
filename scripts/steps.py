"""What the demos share: commands are shown before they run, and steps are timed."""

from __future__ import annotations

import contextlib
import os
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

REPOSITORY = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PROGRAM = ".venv/bin/dockyard"


class Failed(Exception):
    """A step that didn't work; the text is for the user."""


class Step(NamedTuple):
    """What was done, and how long it took in seconds."""

    title: str
    seconds: float


def run(demonstrate: Callable[[], None]) -> int:
    """Runs a demo from the top of the repository; 0, or another code with a message."""
    os.chdir(REPOSITORY)
    try:
        demonstrate()
    except Failed as failure:
        say(f"\ndemo: {failure}")
        say(f"demo: {PROGRAM} doctor shows what is missing, or in the way, on this machine")
        return 1
    except KeyboardInterrupt:
        say("\ndemo: interrupted; run it again to go on from here")
        return 130
    return 0


@contextlib.contextmanager
def step(steps: list[Step], title: str) -> Iterator[None]:
    """Says what is done, and notes how long it takes."""
    say(f"\n== {len(steps) + 1}. {title}")
    begin = time.monotonic()
    yield
    steps.append(Step(title, time.monotonic() - begin))
    say(f"   took {steps[-1].seconds:.2f} s")


def summarise(steps: Sequence[Step]) -> None:
    """How long each step took."""
    say("\nHow long it took")
    for done in (*steps, Step("all of it", sum(done.seconds for done in steps))):
        say(f"  {done.seconds:8.2f} s  {done.title}")


def suggest(commands: Sequence[tuple[str, str]]) -> None:
    """Commands to try next, each with what it is for."""
    say("\nWhat to try next")
    width = max(42, *(len(command) for command, _ in commands))
    for command, meaning in commands:
        say(f"  {command:{width}}  {meaning}")


def show(*arguments: str) -> str:
    """Prints a command, runs it, and returns what it printed to its standard output.

    Raises:
        Failed: it exited with another code than 0.
    """
    say(f"$ dockyard {shlex.join(arguments)}")
    done = subprocess.run([PROGRAM, *arguments], stdout=subprocess.PIPE, text=True, check=False)
    sys.stdout.write(done.stdout)
    sys.stdout.flush()
    if done.returncode != 0:
        raise Failed(f"`dockyard {shlex.join(arguments)}` failed with exit code {done.returncode}")
    return done.stdout


def quietly(*arguments: str) -> str:
    """What a command prints; nothing where it fails."""
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def free_port(preferred: int) -> int:
    """The preferred port of this machine, or another one, said so, where that is taken."""
    if is_free(preferred):
        return preferred
    with socket.create_server(("", 0)) as server:
        port: int = server.getsockname()[1]
    say(f"\nPort {preferred} of this machine is taken by another program; taking {port} instead.")
    return port


def is_free(port: int) -> bool:
    """True where nobody listens on a port, on any address."""
    try:
        with socket.create_server(("", port)):
            return True
    except OSError:
        return False


def say(text: str) -> None:
    """Prints a line, in order with what the commands print."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
