from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.build.dockerfile.words import (
    exec_form,
    heredoc_word,
    heredoc_words,
    split_fields,
    split_flags,
    split_keyword,
    split_words,
)
from dockyard.errors import BuildError


def test_words_keep_their_quotes_and_escapes() -> None:
    assert split_words(r"""a="b c" d='e f'g  h\ i""") == ['a="b c"', "d='e f'g", r"h\ i"]


def test_single_quotes_take_the_meaning_of_the_escape_character() -> None:
    assert split_words(r"""'a\' b""") == [r"'a\'", "b"]
    assert split_words(r'''"a\" b"''') == [r'"a\" b"']


def test_words_with_another_escape_character() -> None:
    assert split_words(r"a=C:\ b` c", "`") == ["a=C:\\", "b` c"]


def test_an_escape_at_the_end_is_dropped() -> None:
    assert split_words("a\\") == ["a"]


def test_fields_ignore_quotes() -> None:
    assert split_fields('a  "b\tc"') == ["a", '"b', 'c"']


def test_keyword_is_split_at_the_first_white_space() -> None:
    assert split_keyword("  RUN \t echo  a ") == ("RUN", "echo  a")
    assert split_keyword("RUN") == ("RUN", "")


@pytest.mark.parametrize(
    ("text", "flags", "rest"),
    [
        ("--from=x --link a b", ["--from=x", "--link"], "a b"),
        ('--mount=type=bind,"source=a b" c', ["--mount=type=bind,source=a b"], "c"),
        (r"--chown=a\ b c", ["--chown=a b"], "c"),
        ("-- --not a flag", [], "--not a flag"),
        ("a --b", [], "a --b"),
        ("--only", ["--only"], ""),
        ("-x y", [], "-x y"),
    ],
)
def test_flags_come_first(text: str, flags: list[str], rest: str) -> None:
    assert split_flags(text) == (flags, rest)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('["a", "b c"]', ("a", "b c")),
        ("[]", ()),
        (r'["\u00e9"]', ("é",)),
        ("['a']", None),
        ('["a",]', None),
        ('["a"] b', None),
        ('["a\tb"]', None),
        ("[ 1 -eq 1 ] && true", None),
        ('[ "$x" = y ]', None),
        ("echo", None),
        ("[" * 100_000, None),
    ],
)
def test_exec_form_is_a_json_array_and_all_else_is_shell_form(
    text: str, expected: tuple[str, ...] | None
) -> None:
    assert exec_form(text) == expected


@pytest.mark.parametrize("text", ["[1]", '["a", ["b"]]', "[null]", '[{"a": "b"}]'])
def test_json_that_holds_anything_but_strings_is_an_error(text: str) -> None:
    with pytest.raises(BuildError, match="arrays must be comprised of strings only"):
        exec_form(text)


@pytest.mark.parametrize(
    ("word", "name", "expands", "strips_tabs", "descriptor"),
    [
        ("<<EOF", "EOF", True, False, 0),
        ("<<-EOF", "EOF", True, True, 0),
        ("3<<EOF", "EOF", True, False, 3),
        ("<<'EOF'", "EOF", False, False, 0),
        ('<<E"O"F', "EOF", False, False, 0),
        (r"<<eo\'f", "eo'f", True, False, 0),
        (r"<<'e'o\'f", "eo'f", False, False, 0),
        ("<<'one two'", "one two", False, False, 0),
        ("<<$EOF", "$EOF", True, False, 0),
        ("<<file.txt", "file.txt", True, False, 0),
        ("<<  EOF", "EOF", True, False, 0),
    ],
)
def test_heredoc_words(
    word: str, name: str, expands: bool, strips_tabs: bool, descriptor: int
) -> None:
    found = heredoc_word(word)
    assert found is not None
    assert (found.name, found.expands, found.strips_tabs, found.descriptor) == (
        name,
        expands,
        strips_tabs,
        descriptor,
    )


@pytest.mark.parametrize("word", ["", "EOF", "<<", "<<-", "<EOF", "<<<EOF", "<<EOF sh", "a<<EOF"])
def test_words_that_are_no_heredoc(word: str) -> None:
    assert heredoc_word(word) is None


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("RUN <<EOF", ["EOF"]),
        ("RUN << EOF > file", ["EOF"]),
        ("RUN <<- EOF", ["EOF"]),
        ("COPY <<A <<'B' /dest/", ["A", "B"]),
        ("RUN python3 <<EOF && echo <<X", ["EOF", "X"]),
        ('RUN "<<EOF"', []),
        ("RUN '<<EOF'", []),
        ("RUN echo $((1<<2))", []),
        ("RUN cat <<<word", []),
        ('RUN ["<<EOF"]', []),
        ("RUN echo it's <<EOF", []),
        ("RUN echo ${x:0:3} <<EOF", ["EOF"]),
        (r"RUN echo \<<EOF", []),
    ],
)
def test_heredocs_that_a_line_announces(line: str, names: list[str]) -> None:
    assert [word.name for word in heredoc_words(line)] == names


@given(st.lists(st.text("ab=\"' \t", min_size=1).filter(lambda w: w.strip()), max_size=6))
def test_words_that_are_quoted_properly_come_back(words: list[str]) -> None:
    quoted = ["'" + word.replace("'", "'\"'\"'") + "'" for word in words]
    assert split_words("  ".join(quoted)) == quoted


@given(st.text())
def test_splitting_never_fails(text: str) -> None:
    flags, rest = split_flags(text)
    assert all(flag.startswith("--") for flag in flags)
    assert rest in text
    assert all(split_words(text))
    heredoc_words(text)
