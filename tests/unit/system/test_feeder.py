from __future__ import annotations

import os

from dockyard.system.feeder import Feeder


def test_all_of_it_can_be_read_though_it_is_more_than_a_pipe_holds() -> None:
    data = os.urandom(1 << 20)
    with Feeder(data) as descriptor, open(descriptor, "rb", closefd=False) as stream:
        assert stream.read() == data


def test_who_does_not_read_keeps_nobody() -> None:
    with Feeder(b"x" * (1 << 20)) as descriptor:
        assert os.read(descriptor, 1) == b"x"


def test_nothing_is_an_empty_input() -> None:
    with Feeder(b"") as descriptor:
        assert os.read(descriptor, 1) == b""
