"""Command lines are read as Docker's parser reads them."""

from __future__ import annotations

from typing import Any

import pytest

from dockyard.cli import help as help_of
from dockyard.cli.line import (
    HelpWanted,
    UnknownOption,
    UsageProblem,
    argument,
    expected,
    option,
    read_arguments,
    read_options,
    whole_number,
)
from dockyard.errors import InvalidInput

OPTIONS = (
    option("-d", "--detach", is_flag=True),
    option("-t", "--tty", is_flag=True),
    option("--proxy", is_flag=True, default=True),
    option("-m", "--memory"),
    option("-e", "--env", multiple=True),
    option("--pids-limit", read=whole_number),
    option("-f", "--file", "path"),
)
DEFAULTS: dict[str, Any] = {
    "detach": False, "tty": False, "proxy": True, "memory": None, "env": (), "pids_limit": None,
    "path": None,
}  # fmt: skip


@pytest.mark.parametrize(
    ("line", "values", "words"),
    [
        ("", {}, ""),
        ("-dt image", {"detach": True, "tty": True}, "image"),
        ("--tty=false -t=true image", {"tty": True}, "image"),
        ("-t --tty=0 image", {}, "image"),
        ("--proxy=F", {"proxy": False}, ""),
        ("-m 1g", {"memory": "1g"}, ""),
        ("-m1g", {"memory": "1g"}, ""),
        ("-m=1g", {"memory": "1g"}, ""),
        ("-dm 1g", {"detach": True, "memory": "1g"}, ""),
        ("--memory=a=b", {"memory": "a=b"}, ""),
        ("--memory= image", {"memory": ""}, "image"),
        ("--memory -d image", {"memory": "-d"}, "image"),
        ("-m 1 --memory 2", {"memory": "2"}, ""),
        ("-e a=1 --env b -e=c", {"env": ("a=1", "b", "c")}, ""),
        ("--pids-limit -1", {"pids_limit": -1}, ""),
        ("--pids-limit=0x10", {"pids_limit": 16}, ""),
        ("--file x -", {"path": "x"}, "-"),
        ("-d -- -t --nosuch", {"detach": True}, "-t --nosuch"),
    ],
)
def test_options_are_read(line: str, values: dict[str, Any], words: str) -> None:
    found = read_options(line.split(), OPTIONS)
    assert found.values == DEFAULTS | values
    assert found.words == words.split()


def test_options_may_follow_arguments_unless_those_are_a_program_s() -> None:
    line = ["image", "-t", "--", "-d"]
    assert read_options(line, OPTIONS).words == ["image", "-d"]
    found = read_options(line, OPTIONS, interspersed=False)
    assert (found.words, found.values) == (line, DEFAULTS)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--nosuch", "unknown flag: --nosuch"),
        ("--nosuch=1", "unknown flag: --nosuch"),
        ("--det", "unknown flag: --det"),  # no abbreviations
        ("-dx", "unknown shorthand flag: 'x' in -dx"),
        ("-m", "flag needs an argument: 'm' in -m"),
        ("-dm", "flag needs an argument: 'm' in -dm"),
        ("--memory", "flag needs an argument: --memory"),
        ("-d=x", 'invalid argument "x" for "-d, --detach" flag: it must be true or false'),
        ("--tty=", 'invalid argument "" for "-t, --tty" flag: it must be true or false'),
        (
            "--pids-limit 99999999999999999999",
            'invalid argument "99999999999999999999" for "--pids-limit" flag: it is out of range',
        ),
        ("--pids-limit 1.5", 'invalid argument "1.5" for "--pids-limit" flag: it is not a whole'),
    ],
)
def test_what_cannot_be_read_is_refused_in_docker_s_words(line: str, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_options(line.split(), OPTIONS)
    assert caught.value.message.startswith(message)
    assert caught.value.exit_code == 125


def test_an_unknown_option_says_which_and_guesses() -> None:
    with pytest.raises(UnknownOption) as caught:
        read_options(["--memori=1"], OPTIONS)
    assert caught.value.flag == "--memori"
    assert caught.value.hint == "did you mean --memory?"


@pytest.mark.parametrize("word", ["--help", "-h", "-dh"])
def test_help_is_asked_for(word: str) -> None:
    with pytest.raises(HelpWanted):
        read_options([word], OPTIONS)


def test_help_behind_a_value_or_a_program_is_theirs() -> None:
    assert read_options(["-m", "--help"], OPTIONS).values["memory"] == "--help"
    assert read_options(["x", "--help"], OPTIONS, interspersed=False).words == ["x", "--help"]


@pytest.mark.parametrize(
    ("arguments", "words", "values", "wanted"),
    [
        ((), "", {}, "accepts no arguments"),
        ((), "a", None, "accepts no arguments"),
        ((argument("name"),), "a", {"name": "a"}, "requires 1 argument"),
        ((argument("name"),), "", None, "requires 1 argument"),
        ((argument("name"), argument("tag", required=False)), "a", {"name": "a", "tag": None},
         "requires at least 1 and at most 2 arguments"),
        ((argument("one"), argument("rest", many=True, required=False)), "a b c",
         {"one": "a", "rest": ("b", "c")}, "requires at least 1 argument"),
        ((argument("names", many=True),), "", None, "requires at least 1 argument"),
        ((argument("what", default="all"),), "", {"what": "all"}, "accepts at most 1 argument"),
    ],
)  # fmt: skip
def test_arguments_are_counted(
    arguments: Any, words: str, values: dict[str, Any] | None, wanted: str
) -> None:
    assert read_arguments(words.split(), arguments) == values
    assert expected(arguments) == wanted


def test_a_usage_problem_is_bad_input() -> None:
    assert issubclass(UsageProblem, InvalidInput)


def test_definitions_are_wrapped_and_a_long_name_has_its_own_line() -> None:
    rows = [("-a", "one two three four"), ("--a-very-long-name list", "five")]
    assert help_of.definitions(rows, 24, most=10).splitlines() == [
        "  -a          one two",
        "              three four",
        "  --a-very-long-name list",
        "              five",
    ]
