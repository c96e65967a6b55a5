from __future__ import annotations

from pathlib import Path

import pytest

from dockyard.compose.load.dotenv import parse, read_files
from dockyard.errors import InvalidInput, NotFound


def variables(text: str, **outside: str) -> dict[str, str]:
    found: dict[str, str] = {}
    parse(text, "v.env", outside.get, found, lambda _: None)
    return found


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=1", "1"), ("A: yaml", "yaml"), ("export A=1", "1"), ("export\t A = 1", "1"),
        ("  A=x y  ", "x y"), ("A=", ""), ("A= # c", "# c"), ("A=b # c", "b"), ("A=b#c", "b#c"),
        ("A=''", ""), ("A='x $B \\n'", "x $B \\n"), ("A='it\\'s'", "it's"), ("A='b' # c", "b"),
        ('A="l\\nm"', "l\nm"), ('A="x\\"y"', 'x"y'), ('A="\\$B"', "$B"), ('A="$$B"', "$B"),
        ('A="\\0101"', "A"), ('A="\\012"', "\\12"), ('A="\\c\\q"', "\\c\\q"),
        ('A="two\nlines"', "two\nlines"), ("A='two\nlines'", "two\nlines"), ("A=a\\nb", "a\\nb"),
        ("A=$OUT-${NO:-d}", "out-d"), ('A="${OUT}"', "out"), ("A=x=y", "x=y"),
        ("\ufeffA=1", "1"), ("# c\n\nA=1\r\n", "1"),
    ],
)  # fmt: skip
def test_forms_of_a_value(line: str, value: str) -> None:
    assert variables(line, OUT="out") == {"A": value}


def test_variables_see_those_before_them_but_those_outside_win() -> None:
    found = variables("A=1\nB=$A\nC=$OUT\nOUT=mine\nD=$OUT\n", OUT="out")
    assert found == {"A": "1", "B": "1", "C": "out", "OUT": "mine", "D": "out"}


def test_a_name_alone_takes_its_value_from_outside() -> None:
    assert variables("OUT\nNO\nA=1\n", OUT="out") == {"OUT": "out", "A": "1"}


def test_names_may_have_dots_dashes_and_brackets() -> None:
    assert variables("a.b-c[0]=1\nÄ=2") == {"a.b-c[0]": "1", "Ä": "2"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A=1\nB C=2", "v.env:2:1: the name 'B C' has a space in it"),
        ("A=1\n\n%=2", "v.env:3:1: unexpected character '%' in variable name '%=2'"),
        ("A=1\nB='open\nC=2\n", "v.env:2:3: unterminated quoted value 'open"),
        ("A=1\nexport ", "v.env:2:8: nothing is exported"),
        ("A=${}", "v.env:1:3: invalid template: ${}"),
        ("A=${NO?it}", "v.env:1:3: required variable NO is missing a value: it"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        variables(text)
    assert caught.value.message == words


def test_later_files_win_and_see_those_before(tmp_path: Path) -> None:
    first, second = tmp_path / "1.env", tmp_path / "2.env"
    first.write_text("A=1\nB=1\n")
    second.write_text("A=2$B\n")
    files = [str(first), str(second)]
    assert read_files(files, {}, lambda _: None) == {"A": "21", "B": "1"}
    with pytest.raises(NotFound, match=r"couldn't find env file: .*/no\.env"):
        read_files([str(tmp_path / "no.env")], {}, lambda _: None)
    with pytest.raises(InvalidInput, match="Is a directory"):
        read_files([str(tmp_path)], {}, lambda _: None)


def test_variables_that_double_each_other_are_refused_before_they_fill_the_memory() -> None:
    lines = ["A0=xxxxxxxxxxxxxxxx"] + [f"A{n}=${{A{n - 1}}}${{A{n - 1}}}" for n in range(1, 40)]
    with pytest.raises(InvalidInput, match=r"v.env:\d+:\d+: variables with more than 64 Mi"):
        variables("\n".join(lines))
