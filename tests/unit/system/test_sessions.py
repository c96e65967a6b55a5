"""Which processes belong together."""

from __future__ import annotations

import os
import subprocess
import sys

from dockyard.system import host

TREE = """
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
apart = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"],
                         start_new_session=True)
print(child.pid, apart.pid, flush=True)
child.wait()
"""


def test_a_session_and_what_descends_from_its_leader_belong_together() -> None:
    """Also a child that has left the session; not the one who asks."""
    with subprocess.Popen(
        [sys.executable, "-c", TREE], stdout=subprocess.PIPE, start_new_session=True
    ) as leader:
        try:
            assert leader.stdout is not None
            child, apart = map(int, leader.stdout.readline().split())
            everyone = {leader.pid, child, apart, os.getpid()}
            members = host.session_members({leader.pid}, everyone)

            assert {one.pid for one in members} == everyone - {os.getpid()}
            assert {one.pid for one in host.session_members({leader.pid}, {child})} == {child}
            assert host.session_members({leader.pid}, ()) == ()
        finally:
            for identity in host.session_members({leader.pid}, map(int, _numbers())):
                identity.signal(9)


def _numbers() -> list[str]:
    return [name for name in os.listdir("/proc") if name.isdecimal()]
