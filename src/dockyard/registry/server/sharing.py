"""Content that the engine of this host has as well, on disk once: two names of one file.

The engine's file is kept, as its models may be mounted from it; before that it is read, so that
nothing damaged takes the place of what was verified.
"""

from __future__ import annotations

import contextlib
import os
from typing import Final

from dockyard.registry.server.content import Content, digest_of
from dockyard.state.paths import Paths

_PREFIX: Final = "sha256:"


class Shared:
    """A registry's content beside an engine's."""

    def __init__(self, content: Content, engine: str) -> None:
        """``engine`` is the engine's root."""
        self._content = content
        self._theirs = Paths(engine, "").content

    def join(self, digest: str) -> bool:
        """Makes one file of two; True where that was to be done, and was."""
        if not digest.startswith(_PREFIX):
            return False
        digits, ours = digest.removeprefix(_PREFIX), self._content.path(digest)
        theirs, aside = f"{self._theirs}/{digits}", f"{self._content.root}/uploads/{digits}.joined"
        try:
            if not _are_two(theirs, ours) or digest_of(theirs) != digest:
                return False
            with contextlib.suppress(FileNotFoundError):
                os.unlink(aside)
            os.link(theirs, aside)
            os.rename(aside, ours)
        except OSError:  # gone meanwhile, another filesystem, too many names: there are two then
            return False
        return True

    def join_all(self) -> int:
        """The same for all that both have; how many files went."""
        try:
            names = os.listdir(self._theirs)
        except OSError:
            return 0
        known = {digest for digest, _ in self._content.stored()}
        return sum(self.join(_PREFIX + name) for name in names if _PREFIX + name in known)


def _are_two(first: str, second: str) -> bool:
    """True for two files of one size on one filesystem."""
    one, other = os.lstat(first), os.lstat(second)
    return (one.st_dev, one.st_size) == (other.st_dev, other.st_size) and one.st_ino != other.st_ino
