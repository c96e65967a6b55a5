"""Text to logical lines: directives, comments, continuations and heredocs.

A logical line is one instruction with its continuation lines joined and its heredocs attached.
See https://docs.docker.com/reference/dockerfile/#format; what the page leaves open is as in
BuildKit's parser.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from dockyard.build.dockerfile.source import Location, located, syntax_error
from dockyard.build.dockerfile.words import HeredocWord, heredoc_words, split_keyword

_DIRECTIVE: Final = re.compile(r"#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*")
_DIRECTIVES: Final = frozenset({"syntax", "escape", "check"})
_ESCAPES: Final = frozenset({"\\", "`"})
_TAKES_HEREDOCS: Final = frozenset({"RUN", "COPY", "ADD"})
_LEADING_TABS: Final = re.compile(r"^\t+", re.MULTILINE)


class Directive(msgspec.Struct, frozen=True):
    """A parser directive such as ``# syntax=docker/dockerfile:1``; its name is lower case."""

    name: str
    value: str
    location: Location


class Heredoc(msgspec.Struct, frozen=True, kw_only=True):
    """A heredoc: its delimiter and its lines exactly as written, line endings included.

    ``expands`` says whether variables in it are replaced (the delimiter was not quoted),
    ``strips_tabs`` whether leading tabs are no part of the body (``<<-``).
    """

    name: str
    content: str
    expands: bool = True
    strips_tabs: bool = False
    descriptor: int = 0

    @property
    def body(self) -> str:
        """The content, without leading tabs where ``<<-`` asks for that."""
        return _LEADING_TABS.sub("", self.content) if self.strips_tabs else self.content


class LogicalLine(msgspec.Struct, frozen=True, kw_only=True):
    """One instruction; ``blank_inside`` tells that an empty line stood in its continuation.

    ``comments`` are those right above it, without their ``#``.
    """

    text: str
    location: Location
    heredocs: tuple[Heredoc, ...] = ()
    blank_inside: bool = False
    comments: tuple[str, ...] = ()


class LexedFile(msgspec.Struct, frozen=True):
    """A file's directives, its escape character, and its logical lines."""

    directives: tuple[Directive, ...]
    escape: str
    lines: tuple[LogicalLine, ...]


def lex(text: str, *, filename: str = "Dockerfile") -> LexedFile:
    """Split ``text``; raises :class:`BuildError` for a bad directive or an unterminated heredoc."""
    raw = text.removeprefix("\ufeff").split("\n")
    physical = [line + "\n" for line in raw[:-1]] + ([raw[-1]] if raw[-1] else [])
    directives = tuple(_directives(physical, filename))
    escapes = [directive.value for directive in directives if directive.name == "escape"]
    escape = escapes[0] if escapes else "\\"
    return LexedFile(
        directives, escape, tuple(_Reader(physical, filename, escape, len(directives)).lines())
    )


def _directives(physical: list[str], filename: str) -> Iterator[Directive]:
    """Directives stand at the very top; the first line that is none ends them."""
    seen: set[str] = set()
    for number, line in enumerate(physical, 1):
        match = _DIRECTIVE.fullmatch(line.strip())
        if match is None or match[1].lower() not in _DIRECTIVES:
            return
        directive = Directive(
            match[1].lower(), match[2], Location(filename, number, number, line.rstrip("\r\n"))
        )
        _check_directive(directive, seen)
        seen.add(directive.name)
        yield directive


def _check_directive(directive: Directive, seen: set[str]) -> None:
    if directive.name in seen:
        message = f"only one {directive.name} parser directive can be used"
        raise syntax_error(directive.location, message, "remove the second one")
    if directive.name == "escape" and directive.value not in _ESCAPES:
        message = f"invalid escape token '{directive.value}' does not match ` or \\"
        raise syntax_error(directive.location, message, "the default is # escape=\\")


class _Reader:
    """Reads physical lines, with their endings, into logical ones."""

    def __init__(self, physical: list[str], filename: str, escape: str, directives: int) -> None:
        self._physical = physical
        self._filename = filename
        self._escape = escape
        self._taken = directives

    def lines(self) -> Iterator[LogicalLine]:
        comments: list[str] = []
        while self._taken < len(self._physical):
            start = self._taken + 1
            whole = self._take().strip("\r\n").lstrip()
            if whole.startswith("#"):
                comments.append(whole[1:].strip())
                continue
            first, continues = self._cut(whole)
            if first or continues:
                yield self._logical_line(start, first, tuple(comments), continues=continues)
            comments.clear()

    def _logical_line(
        self, start: int, first: str, comments: tuple[str, ...], *, continues: bool
    ) -> LogicalLine:
        parts = [first]
        end = self._taken
        blank = blank_inside = False
        while continues and self._taken < len(self._physical):
            line = self._take().rstrip("\r\n")
            if line.lstrip().startswith("#"):
                continue
            if not line.strip():
                blank = True
                continue
            part, continues = self._cut(line)
            parts.append(part)
            blank_inside = blank
            end = self._taken
        self._taken = end
        text = "".join(parts)
        with located(self._location(start, end)):
            heredocs = tuple(self._heredoc(word, start) for word in _heredocs_of(text))
        return LogicalLine(
            text=text,
            location=self._location(start, self._taken),
            heredocs=heredocs,
            blank_inside=blank_inside,
            comments=comments,
        )

    def _cut(self, line: str) -> tuple[str, bool]:
        """``line`` without its continuation character, and whether it had one.

        An escape character before it takes its meaning away, even where that one is itself
        escaped; BuildKit reads it so.
        """
        head = line.rstrip(" \t").removesuffix(self._escape)
        if len(head) == len(line.rstrip(" \t")) or head.endswith(self._escape):
            return line, False
        return head, True

    def _heredoc(self, word: HeredocWord, start: int) -> Heredoc:
        opened = self._taken
        content: list[str] = []
        while self._taken < len(self._physical):
            line = self._take()
            end = line.rstrip("\r\n")
            if word.strips_tabs:
                end = end.lstrip("\t")
            if end == word.name:
                return Heredoc(
                    name=word.name,
                    content="".join(content),
                    expands=word.expands,
                    strips_tabs=word.strips_tabs,
                    descriptor=word.descriptor,
                )
            content.append(line)
        raise syntax_error(
            self._location(start, opened),
            "unterminated heredoc",
            f"end it with a line that holds nothing but {word.name}",
        )

    def _take(self) -> str:
        self._taken += 1
        return self._physical[self._taken - 1]

    def _location(self, start: int, end: int) -> Location:
        text = "".join(self._physical[start - 1 : end]).removesuffix("\n")
        return Location(self._filename, start, end, text)


def _heredocs_of(text: str) -> list[HeredocWord]:
    """The heredocs of a line whose instruction, or ONBUILD's instruction, may have some."""
    keyword, rest = split_keyword(text)
    if keyword.upper() == "ONBUILD":
        keyword, _ = split_keyword(rest)
    return heredoc_words(text) if keyword.upper() in _TAKES_HEREDOCS else []
