"""Tables of which the important columns stay whole where it is narrow."""

from __future__ import annotations

import pytest

from dockyard.cli.table import whole

ROWS = (
    ("NAME", "IMAGE", "COMMAND", "STATUS", "PORTS"),
    ("demo-a-long-name-1", "registry.example.com/an/image", '"python -m uvicorn …"',
     "Up 2 minutes (healthy)", "127.0.0.1:8000->8000/tcp"),
)  # fmt: skip
SPARE = (2, 1)


@pytest.mark.parametrize(
    ("width", "titles"),
    [
        (200, ["NAME", "IMAGE", "COMMAND", "STATUS", "PORTS"]),
        (90, ["NAME", "IMAGE", "COMMAND", "STATUS", "PORTS"]),
        (80, ["NAME", "IMAGE", "STATUS", "PORTS"]),
        (70, ["NAME", "STATUS", "PORTS"]),
        (20, ["NAME", "STATUS", "PORTS"]),
    ],
)
def test_names_states_and_ports_are_never_cut(width: int, titles: list[str]) -> None:
    head, row = whole(ROWS, width, SPARE).splitlines()
    assert head.split() == titles
    for cell in (ROWS[1][0], ROWS[1][3], ROWS[1][4]):
        assert cell in row
    assert len(row) <= max(width, 66)


def test_nothing_is_cut_where_there_is_no_terminal() -> None:
    assert all(cell in whole(ROWS, None, SPARE) for row in ROWS for cell in row)
