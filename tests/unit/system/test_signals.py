"""Names of signals."""

from __future__ import annotations

import signal

import pytest

from dockyard.errors import InvalidInput
from dockyard.system.signals import signal_number


@pytest.mark.parametrize(
    ("text", "number"),
    [("TERM", 15), ("sigterm", 15), ("9", 9), ("64", 64), ("SIGRTMIN", signal.SIGRTMIN),
     ("SIGRTMIN+3", signal.SIGRTMIN + 3), ("RTMAX-1", signal.SIGRTMAX - 1)],
)  # fmt: skip
def test_what_docker_takes_for_a_signal(text: str, number: int) -> None:
    assert signal_number(text) == number


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "65",
        "SIGWRONG",
        "RTMIN+99",
        "RTMAX+1",
        "-1",
        "٣",
        "0001" + "9" * 9,
        "0001" + "0" * 5000,
        "9" * 5000,
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="invalid signal"):
        signal_number(text)
