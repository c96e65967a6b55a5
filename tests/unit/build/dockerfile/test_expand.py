from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.build.dockerfile.expand import expand, expand_words, unquote
from dockyard.build.dockerfile.patterns import remove_prefix, remove_suffix, replace
from dockyard.errors import BuildError

VARIABLES = {"x": "foobarbaz", "empty": "", "path": "/a/b/c.tar.gz", "stars": "a*b*c", "n": "x"}


def value(word: str) -> str:
    return expand(word, VARIABLES.get)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("plain", "plain"),
        ("$x", "foobarbaz"),
        ("${x}s", "foobarbazs"),
        ("$xs", ""),
        ("$x.y", "foobarbaz.y"),
        ("$unset", ""),
        ("$", "$"),
        ("a$", "a$"),
        ("$.", "$."),
        ("$1x", "x"),
        ("${1:-d}", "d"),
        ("$$", ""),
        ("$@x", "x"),
        ("안$x", "안foobarbaz"),
    ],
)
def test_plain_variables(word: str, expected: str) -> None:
    assert value(word) == expected


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("${x:-d}", "foobarbaz"),
        ("${empty:-d}", "d"),
        ("${empty-d}", ""),
        ("${unset:-d}", "d"),
        ("${unset-d}", "d"),
        ("${x:+d}", "d"),
        ("${empty:+d}", ""),
        ("${empty+d}", "d"),
        ("${unset+d}", ""),
        ("${x:?needed}", "foobarbaz"),
        ("${empty?needed}", ""),
        ("${unset:-}", ""),
    ],
)
def test_defaults_and_alternatives(word: str, expected: str) -> None:
    assert value(word) == expected


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("${x#f*b}", "arbaz"),
        ("${x##f*b}", "az"),
        ("${x%b*}", "foobar"),
        ("${x%%b*}", "foo"),
        ("${x/ba/fo}", "fooforbaz"),
        ("${x//ba/fo}", "fooforfoz"),
        ("${x#nothing}", "foobarbaz"),
        ("${x#}", "foobarbaz"),
        ("${x##*}", ""),
        ("${x#???}", "barbaz"),
        ("${path##*/}", "c.tar.gz"),
        ("${path%%.*}", "/a/b/c"),
        ("${path%.*}", "/a/b/c.tar"),
        (r"${path//\//-}", "-a-b-c.tar.gz"),
        (r"${stars#*\*}", "b*c"),
        (r"${stars//\*/}", "abc"),
        ("${x#$n}", "foobarbaz"),
        ("${unset#a}", ""),
    ],
)
def test_trimming_and_replacing(word: str, expected: str) -> None:
    assert value(word) == expected


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("${u:-${v:-${x}}}", "foobarbaz"),
        ("${u:-$x:}", "foobarbaz:"),
        ("${u:-a}}", "a}"),
        ("${u:-'a}b'}", "a}b"),
        (r"${u:-\$x}", "$x"),
        ("${x:+${u:-in}}", "in"),
    ],
)
def test_nesting(word: str, expected: str) -> None:
    assert value(word) == expected


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("'$x'", "$x"),
        ('"$x"', "foobarbaz"),
        ("\"'$x'\"", "'foobarbaz'"),
        (r"\$x", "$x"),
        (r'"\$x"', "$x"),
        (r"'\$x'", r"\$x"),
        (r"a\b", "ab"),
        (r'"a\b"', r"a\b"),
        (r'"a\"b\\c"', r'a"b\c'),
        ("he'll'o", "hello"),
        ("end\\", "end"),
        ('""', ""),
    ],
)
def test_quotes_and_escapes(word: str, expected: str) -> None:
    assert value(word) == expected


def test_another_escape_character() -> None:
    assert expand(r"C:\dir`$x", VARIABLES.get, "`") == r"C:\dir$x"


def test_heredoc_bodies_keep_quotes_and_lose_escapes_as_in_buildkit() -> None:
    text = '\\t\\$x $n \'q$n\' "\\""\n'
    assert expand(text, VARIABLES.get, quotes=False) == 't$x x \'qx\' """\n'


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("${x", "missing '}'"),
        ("${", "missing '}'"),
        ("${x:-a", "missing '}'"),
        ("${x/a}", "missing '/'"),
        ("${}", "bad substitution"),
        ("${{x}", "bad substitution"),
        ("${:-x}", "bad substitution"),
        ("${x^^}", r"unsupported modifier \(\^\)"),
        ("${x:=a}", r"unsupported modifier \(:=\)"),
        ("${x:#a}", r"unsupported modifier \(:#\)"),
        ("${x:1:2}", r"unsupported modifier \(:1\)"),
        ("${.}", r"unsupported modifier \(\.\)"),
        (r"${x#\n}", "invalid escape"),
        ("'a", "single-quote"),
        ('"a', "double-quote"),
        ("${u?}", "u: is not allowed to be unset"),
        ("${u:?}", "u: is not allowed to be unset"),
        ("${empty:?}", "empty: is not allowed to be empty"),
        ("${u:?say why}", "u: say why"),
        ("${u:-" * 100, "nested more than"),
    ],
)
def test_errors_name_the_word_and_the_fault(word: str, message: str) -> None:
    with pytest.raises(BuildError, match=message) as caught:
        value(word)
    assert caught.value.message.startswith(f'failed to process "{word}"')


def test_words_split_at_unquoted_white_space_of_text_and_values() -> None:
    lookup = {"two": "8080 9090/udp", "none": ""}.get
    assert expand_words("80 $two", lookup) == ["80", "8080", "9090/udp"]
    assert expand_words('"$two" a\\ b', lookup) == ["8080 9090/udp", "a b"]
    assert expand_words("1$two", lookup) == ["18080", "9090/udp"]
    assert expand_words("80${none:-80} $none", lookup) == ["8080"]


def test_unquote_leaves_variables_and_tells_of_quotes() -> None:
    assert unquote("$a'b'") == ("$ab", True)
    assert unquote(r"a\'") == ("a'", False)


NAMES = st.text("abc_", min_size=1, max_size=3)
VALUES = st.text("ab/*?.\\'\"$ ", max_size=8)


@given(VALUES)
def test_single_quotes_prevent_everything(text: str) -> None:
    text = text.replace("'", "")
    assert value(f"'{text}'") == text


@given(st.text())
def test_escaping_every_character_gives_the_text_back(text: str) -> None:
    assert value("".join("\\" + character for character in text)) == text


@given(NAMES, VALUES)
def test_the_value_of_a_variable_is_never_read_again(name: str, text: str) -> None:
    for form in (f"${name}", f"${{{name}}}", f"${{{name}-x}}", f'"${name}"', f"${{u:-${name}}}"):
        assert expand(form, {name: text}.get) == text


@given(st.text("$x{}:-+?#%/*\\\"' a", max_size=30))
def test_any_word_expands_or_is_a_build_error(word: str) -> None:
    try:
        expanded = value(word)
    except BuildError as error:
        assert error.context is None  # noqa: PT017  both outcomes are right
    else:
        assert isinstance(expanded, str)


@given(st.text("ab", max_size=8), st.text("ab*?", max_size=5))
def test_shortest_and_longest_matches(text: str, pattern: str) -> None:
    for remove in (remove_prefix, remove_suffix):
        short, long = remove(text, pattern, longest=False), remove(text, pattern, longest=True)
        assert len(long) <= len(short) <= len(text)
    mirrored = remove_prefix(text[::-1], pattern[::-1], longest=True)[::-1]
    assert remove_suffix(text, pattern, longest=True) == mirrored


@given(st.text("abc", max_size=12), st.text("abc", min_size=1, max_size=2), st.text("xy$1"))
def test_replacing_a_pattern_without_wildcards_is_str_replace(
    text: str, old: str, new: str
) -> None:
    assert replace(text, old, new, every=True) == text.replace(old, new)
    assert replace(text, old, new, every=False) == text.replace(old, new, 1)


def test_a_hostile_pattern_is_not_slow() -> None:
    assert remove_prefix("a" * 2000, "*a" * 50 + "b", longest=True) == "a" * 2000


def test_replacing_empty_matches_makes_progress() -> None:
    assert replace("ab", "", "-", every=True) == "-a-b-"
    assert replace("ab", "*", "-", every=True) == "-"
