"""The list of Docker's flags behind docs/compatibility.md is what Docker itself prints."""

from __future__ import annotations

import os
import re
import subprocess

import pytest

from dockyard.cli.docker_surface import COMMANDS

pytestmark = pytest.mark.peers

PEERS = os.environ.get("DOCKYARD_PEERS", "")
HIDDEN = frozenset({"--help"})


def flags_of(command: str) -> set[str]:
    """The flags in the help of a command, as the table writes them: ``-a|--all``."""
    done = subprocess.run(
        [PEERS, "run", "docker", *command.split(), "--help"], capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    found = re.findall(r"^ +(?:(-\w), )?(--[\w-]+)(?: |$)", done.stdout, re.MULTILINE)
    return {f"{short}|{long}" if short else long for short, long in found if long not in HIDDEN}


@pytest.mark.skipif(not PEERS, reason="DOCKYARD_PEERS names no program that runs Docker")
def test_the_list_has_what_docker_prints() -> None:
    listed = {name: set(flags.split()) for name, flags in COMMANDS.items()
              if not flags.startswith("=")}  # fmt: skip
    assert {name: flags_of(name) ^ flags for name, flags in listed.items()} == {
        name: set() for name in listed
    }
