"""Standard output that can't be written."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from dockyard.cli import output


@pytest.fixture
def stdout() -> Iterator[None]:
    """What the test does to descriptor 1 is undone."""
    kept = os.dup(1)
    yield
    os.dup2(kept, 1)
    os.close(kept)


@pytest.mark.usefixtures("stdout")
def test_a_full_disk_is_that_of_the_output(capfd: pytest.CaptureFixture[str]) -> None:
    with capfd.disabled():
        os.dup2(os.open("/dev/full", os.O_WRONLY), 1)
        with pytest.raises(output.OutputFailed, match="write /dev/stdout: No space left"):
            output.write_all(1, b"x")
        with pytest.raises(output.OutputFailed), output.binary() as write:
            write(b"x")


@pytest.mark.usefixtures("stdout")
def test_a_reader_that_has_gone_is_told_from_all_else(capfd: pytest.CaptureFixture[str]) -> None:
    with capfd.disabled():
        read, write = os.pipe()
        os.dup2(write, 1)
        os.close(write)
        os.close(read)
        with pytest.raises(BrokenPipeError):
            output.write_all(1, b"x" * 100_000)
