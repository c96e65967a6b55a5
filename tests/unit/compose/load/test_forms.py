"""How values are read: durations, sizes, commands, lists of NAME=VALUE."""

from __future__ import annotations

import pytest

from dockyard.compose.load import shellwords
from dockyard.compose.load.decode import decoded
from dockyard.compose.load.forms import scalars, several
from dockyard.compose.load.forms.kinds import Unfit
from dockyard.compose.load.place import Place, Places
from dockyard.compose.load.printed import clean_path, general, plain, single
from dockyard.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("90s", "1m30s"),
        ("1.5h", "1h30m0s"),
        ("100ms", "100ms"),
        ("0", "0s"),
        ("1d", "24h0m0s"),
        ("1w2d", "216h0m0s"),
        ("2d3h", "51h0m0s"),
        ("-1m", "-1m0s"),
    ],
)
def test_durations(text: str, read: str) -> None:
    assert scalars.DURATION.read(text) == read


@pytest.mark.parametrize("text", ["", "10", "10x", "d", "1d0", "s", "300y"])
def test_durations_that_are_none(text: str) -> None:
    with pytest.raises(Unfit):
        scalars.DURATION.read(text)


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("1g", "1073741824"),
        ("1.5kb", "1536"),
        ("2 MiB", "2097152"),
        ("5B", "5"),
        ("100", "100"),
        (1024, "1024"),
        (-1, "-1"),
        ("1e3", "1000"),
    ],
)
def test_sizes(given: object, read: str) -> None:
    assert scalars.SIZE.read(given) == read


@pytest.mark.parametrize("text", ["-1", "lots", "", "1x", "1kk", "1 k b", "0x10"])
def test_sizes_that_are_none(text: str) -> None:
    with pytest.raises(Unfit):
        scalars.SIZE.read(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("echo 'a b' \"c d\" e\\ f", ["echo", "a b", "c d", "e f"]),
        ("a '' b", ["a", "", "b"]),
        ("a && b", ["a"]),
        ('sh -c "a && b"', ["sh", "-c", "a && b"]),
        ("a 2>&1", ["a"]),
        ("a `b c` $(d e)", ["a", "`b c`", "$(d e)"]),
        ("", []),
    ],
)  # fmt: skip
def test_commands_are_split_into_words(text: str, words: list[str]) -> None:
    assert shellwords.split(text) == words


@pytest.mark.parametrize("text", ["'a", '"a', "a\\", "(a)", "$(a", "a)"])
def test_commands_that_end_too_early(text: str) -> None:
    with pytest.raises(ValueError, match=r"open|before"):
        shellwords.split(text)


def test_lists_of_pairs_are_mappings() -> None:
    assert several.VARIABLES.read(["A=b=c", "B", "C="]) == {"A": "b=c", "B": None, "C": ""}
    assert several.LABELS.read({"a": 1.0, "b": True, "c": None}) == {"a": "1", "b": "true", "c": ""}
    assert several.HOSTS.read(["b:1.1.1.1", "a=[::1]"]) == ["a=::1", "b=1.1.1.1"]


@pytest.mark.parametrize("number", [1.0, 0.1, 1e6, 1e-5, 123456.5, 1e21, -2.5])
def test_numbers_stay_what_they_are(number: float) -> None:
    assert float(general(number)) == float(plain(number)) == number


def test_numbers_are_printed_as_go_does() -> None:
    assert [general(x) for x in (1e6, 1e5, 0.0001, 0.00001)] == [
        "1e+06",
        "100000",
        "0.0001",
        "1e-05",
    ]
    assert [plain(x) for x in (1e6, 2.0, 1e21, 1e-7)] == ["1000000", "2", "1e+21", "1e-7"]
    assert single(0.1) == 0.1
    assert single(16777217.0) == 16777216.0


def test_paths_are_cleaned() -> None:
    assert [clean_path(path) for path in ("/a//b/../c/", "a/..", "//x", "../a", "/..", "")] == [
        "/a/c", ".", "/x", "../a", "/", ".",
    ]  # fmt: skip


def test_what_cant_be_read_is_refused_with_its_place() -> None:
    path = ("services", "web", "mem_limit")
    tree = {"services": {"web": {"mem_limit": "lots"}}}

    with pytest.raises(InvalidInput) as caught:
        decoded(tree, Places({path: Place("c.yaml", 3, 5)}))

    assert caught.value.message == "c.yaml:3:5: services.web.mem_limit: 'lots' is no size"
    assert caught.value.hint == "write it as in 64m, 512kb or 1.5g"


def test_what_is_empty_isnt_there() -> None:
    tree = {"services": {"web": {"labels": {}, "tty": False, "deploy": {"replicas": 0}}}}

    assert decoded(tree, Places())["services"]["web"] == {
        "command": None,
        "deploy": {"replicas": 0, "resources": {}, "placement": {}},
        "entrypoint": None,
    }
