"""Standard output: what a command answers."""

from __future__ import annotations

import sys


def say(text: str, *, end: str = "\n") -> None:
    """Writes a line, at once; where standard output is closed, to nobody.

    Raises:
        BrokenPipeError: who read it has gone.
    """
    stream = sys.stdout
    if stream is None:
        return
    stream.write(text + end)
    stream.flush()
