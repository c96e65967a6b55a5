"""Who is still connected to a replica."""

from __future__ import annotations

import sys

import pytest

from dockyard.serving.controller.connections import established

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"
HOST, OTHER = "0100000A", "0200000A"  # 10.0.0.1 and 10.0.0.2, as a little-endian machine has them
LINES = (
    f"   0: 0500000A:1F40 {HOST}:D431 01 00000000:00000000\n"
    f"   1: 0500000A:1F40 {OTHER}:D432 01 00000000:00000000\n"
    f"   2: 0500000A:1F40 {HOST}:D433 06 00000000:00000000\n"
    f"   3: 0500000A:2328 {HOST}:D434 01 00000000:00000000\n"
    f"   4: 0000000000000000FFFF00000500000A:1F40 0000000000000000FFFF0000{HOST}:D435 01 0:0\n"
)


@pytest.mark.skipif(sys.byteorder != "little", reason="the lines are of such a machine")
def test_those_of_the_host_to_the_port_count_and_closed_ones_do_not() -> None:
    assert established(HEAD + LINES, 8000, "10.0.0.1") == 2
    assert established(HEAD + LINES, 0, "10.0.0.1") == 3
    assert established(HEAD, 8000, "10.0.0.1") == 0
