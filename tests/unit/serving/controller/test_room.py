from __future__ import annotations

import sys
from pathlib import Path

from dockyard.containers.options import Resources
from dockyard.serving.controller import room
from dockyard.serving.decide.placement import Machine, allot

GIB = 1 << 30
MACHINE = Machine(memory_total=16 * GIB, memory_available=9 * GIB, cpus=4.0)


def test_what_replicas_take_already_is_not_counted_twice() -> None:
    """Seven of 1 GiB that are nearly full leave room for as many as fit into what is free."""
    taken = [int(0.9 * GIB)] * 7
    need = room.need(("shop", "web"), 20, 7, 1, Resources(memory=GIB), taken)

    assert allot(MACHINE, [need])["shop/web"].replicas == 7 + 7


def test_without_a_limit_the_largest_that_was_seen_counts() -> None:
    need = room.need(("shop", "web"), 20, 2, 1, Resources(), [GIB, 4 * GIB])

    assert need.memory_peak == 4 * GIB
    assert allot(MACHINE, [need])["shop/web"].replicas == 3


def test_what_one_was_seen_to_use_that_is_gone_counts_as_well() -> None:
    need = room.need(("shop", "web"), 8, 0, 0, Resources(), (), 4 * GIB)

    assert allot(MACHINE, [need])["shop/web"].replicas == 2


def test_a_control_groups_limit_is_known_without_what_the_kernel_would_give_up(
    tmp_path: Path,
) -> None:
    (tmp_path / "max").write_text(f"{4 * GIB}\n")
    (tmp_path / "current").write_text(f"{3 * GIB}\n")
    (tmp_path / "memory.stat").write_text(f"anon 7\ninactive_file {GIB}\n")

    assert room.limited(str(tmp_path), "max", "current", "inactive_file") == (4 * GIB, 2 * GIB)
    (tmp_path / "max").write_text("max\n")
    assert room.limited(str(tmp_path), "max", "current", "inactive_file")[0] == sys.maxsize
    assert room.limited("/nowhere", "max", "current", "x") == (sys.maxsize, sys.maxsize)
