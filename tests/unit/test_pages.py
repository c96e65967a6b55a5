"""The pages name commands and options that exist, and what they show is run (see test_docs.py)."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator

import pytest
from bench.__main__ import QUESTIONS
from tests.support import pages

from dockyard import Engine
from dockyard.cli import catalog, main
from dockyard.errors import DockyardError

UNDERSTOOD = 42
NAMES = {entry.name for entry in (*catalog.ENTRIES, *catalog.ALIASES)}
WITHOUT_ENGINE = frozenset({
    "compose config", "compose version", "doctor", "login", "logout", "services schema",
    "system controller", "system install", "system uninstall", "version",
})  # fmt: skip
READ = [page for page in pages.PAGES if page not in pages.MADE]
OF_OTHERS = frozenset({
    "kill -9", "ps aux", "--log-size-max", "--strict", "dockyard --debug COMMAND",
})  # fmt: skip
"""Words of a shell and of other programs, or for any command."""
COUNT = re.compile(r"(requires|accepts) .*arguments?\b")
FLAG = re.compile(r"(?<![\w\[-])--?[a-zA-Z][\w-]*")


def fault(args: tuple[str, ...], capfd: pytest.CaptureFixture[str]) -> str:
    """What the program has to say against a command line, which is not carried out."""

    def refuse() -> Engine:
        raise DockyardError("understood", exit_code=UNDERSTOOD)

    words = (" ".join(args[:length]) for length in (3, 2, 1))
    name = next((name for name in words if name in NAMES), "")
    unsafe = not name or name in WITHOUT_ENGINE or name.startswith("registry ")
    code = main.run((*args, "--help") if unsafe else args, engine=refuse)
    said = capfd.readouterr().err
    return "" if code in {0, UNDERSTOOD} else f"{' '.join(args)}: {said}"


def mentioned(page: str) -> Iterator[tuple[str, ...]]:
    """The commands in the text of a page: ``dockyard ps`` and ``ps -a``."""
    for span in pages.spans(page):
        words = span.split()
        if span in OF_OTHERS:
            continue
        bare = any(" ".join(words[:length]) in NAMES for length in (1, 2, 3))
        yield from pages.calls(f"dockyard {span}" if bare else span)


def known_flags() -> set[str]:
    """Every flag that Dockyard or Docker has, as the pages that the code prints name them."""
    rows = (line.split("`")[1] for page in pages.MADE for line in pages.read(page).splitlines()
            if line.startswith("| `"))  # fmt: skip
    return {flag for row in rows for flag in FLAG.findall(row)}


def is_known(flag: str, known: set[str]) -> bool:
    """True for a flag, and for switches of one letter in one word: ``-it``."""
    return flag in known or (flag[1] != "-" and all(f"-{one}" in known for one in flag[1:]))


@pytest.mark.parametrize("page", READ)
def test_commands_stand_where_they_are_run(page: str) -> None:
    """A console block is run; in any other a command would be tried by nobody but the reader."""
    hidden = [
        f"{page}:{number}: {line}"
        for block in pages.blocks(page)
        if block.language not in {"console", "python"}
        for number, line in enumerate(block.text.splitlines(), block.line)
        if line.startswith(("$ ", "sudo ", "dockyard ", "dy "))
    ]
    assert not hidden


@pytest.mark.parametrize("page", READ)
def test_console_blocks_begin_with_a_command(page: str) -> None:
    shown = [one for one in pages.blocks(page) if one.language == "console"]
    assert all(block.text.startswith("$ ") for block in shown)


@pytest.mark.parametrize("page", READ)
def test_commands_of_blocks_are_understood(page: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Also of those that are not run."""
    lines = [step.command for block in pages.blocks(page) for step in block.steps]
    faults = [fault(args, capfd) for line in lines for args in pages.calls(line)]
    assert not list(filter(None, faults))


@pytest.mark.parametrize("page", READ)
def test_commands_in_the_text_are_understood(page: str, capfd: pytest.CaptureFixture[str]) -> None:
    """What they act on may be left out there."""
    faults = [fault(args, capfd) for args in mentioned(page)]
    assert not [text for text in faults if text and not COUNT.search(text)]


@pytest.mark.parametrize("page", READ)
def test_flags_in_the_text_exist(page: str) -> None:
    known = known_flags()
    named = [flag for span in pages.spans(page) if span.startswith("-") and span not in OF_OTHERS
             for flag in FLAG.findall(span)]  # fmt: skip
    assert not [flag for flag in named if not is_known(flag, known)]


def test_the_benchmark_has_the_questions_that_are_named() -> None:
    lines = [step.command.partition("#")[0].split() for block in pages.blocks("docs/performance.md")
             for step in block.steps]  # fmt: skip
    words = [line[line.index("bench") + 1 :] for line in lines if "bench" in line]
    own = [word for line in lines for word in line if word.startswith("bench.")]
    assert all(importlib.util.find_spec(name) for name in own)
    asked = [word for line in words for word in line if word.isalpha()]
    assert asked
    assert set(asked) <= QUESTIONS.keys()


def test_what_is_not_there_is_found_out(capfd: pytest.CaptureFixture[str]) -> None:
    """Of the tests above: a flag, a command, a value and a number of arguments that are wrong."""
    for line in ("run --no-such IMAGE", "no-such", "system no-such", "run --memory x IMAGE",
                 "doctor --no-such", "save --format zip IMAGE", "rename one"):  # fmt: skip
        (args,) = pages.calls(f"TOKEN=x dockyard {line} | grep x")
        assert fault(args, capfd), line
    assert not is_known("--no-such", known_flags())


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ((), "anything\n", True),
        (("box",), "box\n", True),
        (("box",), "crate\n", False),
        (("PID   COMMAND", "...  sh"), "PID                 COMMAND\n4242      sh\n", True),
        (("ID  NAME", "..."), "ID   NAME\n1 a\n2 b\n", True),
        (("ID  NAME", "...", "last"), "ID   NAME\n1 a\n2 b\n", False),
        (('{"a": [...],',), '{"a": [1, 2],\n', True),
        (("one", "two"), "one\n", False),
    ],
)
def test_output_is_compared(shown: tuple[str, ...], printed: str, *, same: bool) -> None:
    assert pages.Step("command", shown).matches(printed) is same
