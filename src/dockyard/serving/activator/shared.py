"""What the services of one activator have in common."""

from __future__ import annotations

import contextlib
import itertools
import sys

from dockyard.serving.activator.body import Budget
from dockyard.serving.activator.wake import Poke


class Shared:
    """One for each process."""

    def __init__(self) -> None:
        self.budget = Budget()
        self.poke = Poke()
        self.numbers = itertools.count()
        """Of requests, in the order in which they came."""
        self.stopping = False
        """Nothing new is accepted."""


def log(sentence: str) -> None:
    """Notes what went wrong, for who started the process."""
    with contextlib.suppress(OSError):
        sys.stderr.write(f"{' '.join(sentence.split())}\n")
        sys.stderr.flush()
