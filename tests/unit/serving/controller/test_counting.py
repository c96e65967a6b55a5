"""The log as it grows, counted by variant and step."""

from __future__ import annotations

from pathlib import Path

import msgspec

from dockyard.serving.controller.counting import Counting
from dockyard.serving.controller.tally import Manner
from dockyard.serving.decide.model import Traffic

CANARY, STABLE = ("p.next", 5.0), ("p.web", 5.0)
BOTH = {CANARY: Manner(), STABLE: Manner(always_held=True)}


def write(path: Path, **fields: object) -> None:
    line = {"target": "p.next", "upstream": "10.0.0.2:80", "status": 200, "at": "6", **fields}
    with path.open("ab") as log:
        log.write(msgspec.json.encode(line) + b"\n")


def requests(counting: Counting) -> tuple[int, int]:
    return counting.of(*CANARY).requests, counting.of(*STABLE).requests


def test_what_comes_is_added_to_what_came(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    counting = Counting(str(path))
    counting.read(BOTH)
    assert requests(counting) == (0, 0)
    for _ in range(2):
        write(path)
        write(path, upstream="/a.sock")
        write(path, target="p.web", upstream="/a.sock")
        counting.read(BOTH)
    assert requests(counting) == (2, 2)
    counting.read(BOTH)
    assert requests(counting) == (2, 2)


def test_a_step_begins_at_nothing_and_counts_what_began_in_it(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    counting = Counting(str(path))
    write(path, status=500)
    counting.read(BOTH)
    assert counting.of(*CANARY).errors == 1
    write(path, at="6")
    write(path, at="7")
    counting.read({("p.next", 6.5): Manner()})
    assert counting.of("p.next", 6.5).requests == 1
    assert counting.of(*CANARY) == Traffic()


def test_one_that_begins_anew_finds_what_was_counted(tmp_path: Path) -> None:
    """As a controller does that was killed within a step; and one whose rollouts were over."""
    path = tmp_path / "access.log"
    write(path, at="1")
    write(path)
    counting = Counting(str(path))
    for _ in range(2):
        counting.read(BOTH)
        assert requests(counting) == (1, 0)
        counting.read({})
        assert requests(counting) == (0, 0)
    counting.close()
