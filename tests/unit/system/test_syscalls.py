from __future__ import annotations

import os
import signal
from pathlib import Path

from dockyard.system import syscalls


def test_paths_that_go_up_are_opened_while_others_rename_their_own(tmp_path: Path) -> None:
    """The kernel answers EAGAIN to such a path whatever was renamed, also elsewhere."""
    (tmp_path / "a/b").mkdir(parents=True)
    other = os.fork()
    if other == 0:
        while True:
            os.rename(tmp_path / "a/b", tmp_path / "a/c")
            os.rename(tmp_path / "a/c", tmp_path / "a/b")
    try:
        top = os.open(tmp_path, os.O_PATH)
        for _ in range(3000):
            found = syscalls.openat2(
                top, "a/../a/../a", os.O_PATH, resolve=syscalls.RESOLVE_IN_ROOT
            )
            os.close(found)
        os.close(top)
    finally:
        os.kill(other, signal.SIGKILL)
        os.waitpid(other, 0)
