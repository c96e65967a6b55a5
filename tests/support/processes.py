"""What runs on this host."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


def commands() -> Iterator[tuple[int, list[str]]]:
    """The processes that have a command line, with its words."""
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        try:
            text = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        if text:
            yield int(pid), text.decode(errors="replace").rstrip("\0").split("\0")


def peak_memory(pid: int) -> int:
    """The most memory that a process had so far, in bytes."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0
