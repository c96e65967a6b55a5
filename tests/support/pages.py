"""The documentation as tests read it: fenced blocks, what they show, and command lines in text."""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tests.support.bases import CHECKOUT

PAGES = sorted(
    str(path.relative_to(CHECKOUT))
    for pattern in ("*.md", "docs/**/*.md", "examples/*/README.md")
    for path in CHECKOUT.glob(pattern)
)
MADE = frozenset({"docs/cli.md", "docs/compatibility.md"})
"""Pages that are printed by the code itself, which other tests compare."""

_FENCE = re.compile(
    r"^(?:<!-- not run: (?P<reason>[^>]+) -->\n)?```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_SPAN = re.compile(r"`([^`]+)`")
_PROMPT = "$ "
_ANYTHING = "..."
_BLANKS = re.compile(r"[ \t]+")
_ASSIGNMENT = re.compile(r"\w+=")
_PROGRAMS = frozenset({"dockyard", "dy"})
_SHELL = frozenset("|&;()<>")


class Step(NamedTuple):
    """A command of a block, and the lines that the page shows as its output."""

    command: str
    shown: tuple[str, ...] = ()

    def matches(self, printed: str) -> bool:
        """True where a page without output says nothing, or the output is the one it shows.

        Any number of blanks counts as one. ``...`` stands for any text, and on a line of its own
        for any lines.
        """
        pattern = "".join(map(_pattern, self.shown))
        text = "".join(f"{_bare(line)}\n" for line in printed.strip("\n").splitlines())
        return not self.shown or re.fullmatch(pattern, text) is not None


class Block(NamedTuple):
    """A fenced block; ``line`` is where its text begins, ``reason`` why it isn't run."""

    language: str
    text: str
    line: int
    reason: str | None = None

    @property
    def steps(self) -> tuple[Step, ...]:
        """The commands of a ``console`` block. What comes before the first one is ignored."""
        found: list[Step] = []
        for line in self.text.splitlines():
            if line.startswith(_PROMPT):
                found.append(Step(line.removeprefix(_PROMPT)))
            elif found:
                found[-1] = found[-1]._replace(shown=(*found[-1].shown, line))
        return tuple(found)


def read(page: str) -> str:
    """The text of a page, named by its path in the checkout."""
    return (CHECKOUT / page).read_text(encoding="utf-8")


def blocks(page: str) -> list[Block]:
    """All fenced blocks of a page."""
    text = read(page)
    return [
        Block(match["language"], match["text"], text.count("\n", 0, match.start("text")) + 1,
              match["reason"])
        for match in _FENCE.finditer(text)
    ]  # fmt: skip


def to_run(page: str) -> list[Block]:
    """The blocks of a page that a test can run."""
    return [one for one in blocks(page) if one.language in {"console", "python"} and not one.reason]


def spans(page: str) -> list[str]:
    """What the text of a page, outside of its blocks, has as code."""
    return [" ".join(span.split()) for span in _SPAN.findall(_FENCE.sub("", read(page)))]


def calls(line: str) -> Iterator[tuple[str, ...]]:
    """The arguments of each ``dockyard`` that a line of shell calls."""
    for words in simple_commands(line):
        called = itertools.dropwhile(_is_before, words)
        if next(called, "") in _PROGRAMS:
            yield tuple(called)


def simple_commands(line: str) -> Iterator[list[str]]:
    """The words of each command of a line, without what joins them. Text in ``$()`` counts too."""
    words: list[str] = []
    line = re.sub(r"(?<=\s)\d(?=[<>])", "", line)  # the number of a stream is no word
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    for word in lexer:
        if _SHELL.issuperset(word):
            yield words
            words = []
        else:
            words.append(word)
    yield words


def script(steps: Sequence[Step], mark: str) -> str:
    """A script for bash that does the steps, and prints the mark on a line after each."""
    return "\n".join(f"{step.command}\nprintf '\\n%s\\n' {mark}" for step in steps)


def _is_before(word: str) -> bool:
    """True for what may stand in front of a program's name."""
    return word == "sudo" or _ASSIGNMENT.match(word) is not None


def _pattern(line: str) -> str:
    if line.strip() == _ANYTHING:
        return r"(?:.*\n)*"
    return ".*".join(map(re.escape, _bare(line).split(_ANYTHING))) + r"\n"


def _bare(line: str) -> str:
    return _BLANKS.sub(" ", line).strip()
