"""``top``: a container's processes as the host's ps(1) shows them; the image needs none."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from dockyard.containers import lifecycle
from dockyard.containers.model import Container
from dockyard.containers.parts import Parts
from dockyard.errors import InvalidInput
from dockyard.system import cgroups, process

DEFAULT_ARGUMENTS = ("-ef",)
_MOST_PIDS = 250
"""procps 4.0 fails with more than 255 numbers."""


class Processes(msgspec.Struct, frozen=True):
    """Titles of the columns, and a row for each process."""

    titles: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def top(parts: Parts, container: Container, arguments: Sequence[str] = ()) -> Processes:
    """The processes of a running container, paused or not, by the host's numbers.

    Without an option that selects, ps would show only those of its own user and terminal. So it is
    given the numbers, as Docker does, and where it doesn't take them, the rest is left out.

    Args:
        arguments: options of ps(1); ``-ef`` where there are none.

    Raises:
        Conflict: the container doesn't run.
        InvalidInput: ps doesn't take the options, or doesn't show numbers of processes.
    """
    lifecycle.require_running(container)
    pids = cgroups.pids(parts.cgroup_layout, container.cgroup)
    asked = tuple(arguments or DEFAULT_ARGUMENTS)
    found = _of(asked, pids)
    if found is not None:
        return found
    done = process.run(["ps", *asked], check=False)
    if done.code != 0:
        raise refused(done.stderr.decode(errors="replace"))
    return parse(done.text, pids)


def _of(arguments: Sequence[str], pids: Sequence[int]) -> Processes | None:
    """What ps says of just these processes, whoever's they are and wherever they were started.

    ``None`` where the options can't be had together with numbers: those that select themselves,
    such as ``-C NAME``, and trees; or where all processes have ended.
    """
    found: Processes | None = None
    for start in range(0, len(pids), _MOST_PIDS):
        numbers = ",".join(map(str, pids[start : start + _MOST_PIDS]))
        done = process.run(["ps", *arguments, "-q", numbers], check=False)
        if done.code == 0:
            more = parse(done.text, pids)
            found = more if found is None else Processes(found.titles, found.rows + more.rows)
    return found


def refused(words: str) -> InvalidInput:
    """The error for options that ps doesn't take: what it says first, without its usage. Pure."""
    said = next(filter(None, map(str.strip, words.splitlines())), "it gave no reason")
    return InvalidInput(
        f"error running ps: {said.removeprefix('error: ')}",
        hint="the options are those of ps(1), such as -o pid,user,comm",
    )


def parse(text: str, pids: Collection[int]) -> Processes:
    """The lines of ps about these processes, by columns; the last one holds what is left. Pure.

    A line whose number is ``-`` is a thread of the process above it.

    Raises:
        InvalidInput: there is no column of process numbers.
    """
    head, *lines = text.splitlines() or [""]
    titles = tuple(head.split())
    if "PID" not in titles:
        raise InvalidInput(
            "couldn't find PID field in ps output", hint="add it: such as -o pid,comm"
        )
    place, rows, inside = titles.index("PID"), [], False
    for line in lines:
        cells = line.split(None, len(titles) - 1)
        if len(cells) <= place:
            continue
        number = cells[place]
        inside = inside if number == "-" else number.isdecimal() and int(number) in pids
        if inside:
            rows.append((*cells, *[""] * (len(titles) - len(cells))))
    return Processes(titles, tuple(rows))
