from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from dockyard.networks.lock import NetworkLock

_KILLED = """
import os, sys
from dockyard.networks.lock import NetworkLock
lock = NetworkLock.acquire(sys.argv[1])
lock.run(["sh", "-c", f"kill -9 {os.getpid()}; read line <{sys.argv[2]}"])
"""


def test_a_program_holds_the_lock_beyond_a_killed_command(tmp_path: Path) -> None:
    path, gate = str(tmp_path / "network.lock"), tmp_path / "gate"
    subprocess.run(["mkfifo", str(gate)], check=True)
    killed = subprocess.run([sys.executable, "-c", _KILLED, path, str(gate)])
    assert killed.returncode == -9
    assert NetworkLock.try_acquire(path) is None
    gate.write_text("go\n")
    NetworkLock.acquire(path).release()
