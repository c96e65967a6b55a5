"""Where something stands in a Dockerfile, and errors that point at it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

import msgspec

from dockyard.errors import BuildError, ContentMismatch, DockyardError, HostileInput

if TYPE_CHECKING:
    from collections.abc import Iterable

SYNTAX_REFERENCE: Final = "dockerfile-syntax"
_MAX_EXCERPT_LINES: Final = 12
_CREDENTIALS: Final = re.compile(r"(?<=://)[^/\s]+@")
"""Up to the last ``@`` before the path: a password may have some, and what else ends a host."""


def redacted(text: str) -> str:
    """``text`` with user names and passwords of all addresses in it left out."""
    return _CREDENTIALS.sub("xxxxx:xxxxx@", text)


class Location(msgspec.Struct, frozen=True):
    """A range of whole lines of one file.

    ``start`` and ``end`` count from 1 and are both inside; ``text`` holds the lines as written,
    joined by newlines, without the last line's ending.
    """

    filename: str
    start: int
    end: int
    text: str

    def __str__(self) -> str:
        return f"{self.filename}:{self.start}"

    def excerpt(self) -> str:
        """File, line and the lines themselves, numbered; the middle of a long range is left out.

        Passwords in addresses are not shown.
        """
        lines = [
            f" {number:3d} | >>> {redacted(line.rstrip())}"
            for number, line in enumerate(self.text.split("\n"), self.start)
        ]
        if len(lines) > _MAX_EXCERPT_LINES:
            lines[_MAX_EXCERPT_LINES - 2 : -1] = ["     | ..."]
        return "\n".join([str(self), *lines])


def invalid(message: str, hint: str) -> BuildError:
    """A syntax error whose place its caller knows: see :func:`located`."""
    return BuildError(message, hint=hint, reference=SYNTAX_REFERENCE)


def syntax_error(
    location: Location,
    message: str,
    hint: str | None = None,
    *,
    reference: str = SYNTAX_REFERENCE,
) -> BuildError:
    """An error at ``location``, also for one that shows only when the instruction is executed."""
    return BuildError(message, context=location.excerpt(), hint=hint, reference=reference)


@contextmanager
def located(location: Location) -> Iterator[None]:
    """Give every error of ours raised inside that has no context yet this ``location``.

    One of an archive has the entry as its context, and gets the location above it.
    """
    try:
        yield
    except DockyardError as error:
        if error.context is None:
            error.context = location.excerpt()
        elif isinstance(error, HostileInput | ContentMismatch):
            error.context = f"{location.excerpt()}\n{error.context}"
        raise


def did_you_mean(word: str, choices: Iterable[str]) -> str | None:
    """A hint naming the choice nearest to ``word``, if one is near."""
    near = get_close_matches(word, sorted(choices), n=1)
    return f"did you mean {near[0]}?" if near else None
