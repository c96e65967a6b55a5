from __future__ import annotations

import pytest

from dockyard.compose.load.template import BadTemplate, VariableMissing, substituted

VARIABLES = {"SET": "s", "EMPTY": "", "_u9": "under"}


def text(template: str) -> tuple[str, list[str]]:
    warnings: list[str] = []
    return substituted(template, VARIABLES.get, warnings.append), warnings


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("plain", "plain"), ("$SET", "s"), ("${SET}", "s"), ("a$SET-b", "as-b"), ("$_u9", "under"),
        ("$$SET", "$SET"), ("$${SET}", "${SET}"), ("$$$SET", "$s"), ("cost: 5$", "cost: 5$"),
        ("$9", "$9"), ("$ x", "$ x"),
        ("${SET:-d}", "s"), ("${EMPTY:-d}", "d"), ("${NO:-d}", "d"), ("${NO:-}", ""),
        ("${SET-d}", "s"), ("${EMPTY-d}", ""), ("${NO-d}", "d"),
        ("${SET:+i}", "i"), ("${EMPTY:+i}", ""), ("${NO:+i}", ""),
        ("${SET+i}", "i"), ("${EMPTY+i}", "i"), ("${NO+i}", ""),
        ("${SET:?m}", "s"), ("${SET?m}", "s"), ("${EMPTY?m}", ""),
        ("${NO:-a}${NO:-b} }", "ab }"), ("${NO:-${EMPTY:-deep}}x", "deepx"),
        ("${NO:-{}}", "{}"), ("${NO:-a:-b}", "a:-b"), ("${NO-a?b}", "a?b"),
        ("${NO:-$$x}", "$x"), ("${NO:-a b/c}", "a b/c"),
    ],
)  # fmt: skip
def test_each_form_gives_its_value_without_a_word(template: str, value: str) -> None:
    assert text(template) == (value, [])


def test_variables_that_nobody_set_are_blank_and_told_of() -> None:
    words = 'The "NO" variable is not set. Defaulting to a blank string.'
    assert text("[$NO]") == ("[]", [words])
    assert text("[${NO}]") == ("[]", [words])
    assert text("${SET:-$NO}") == ("s", [words])  # defaults are read even where they aren't used


@pytest.mark.parametrize(
    "template", ["${", "${}", "${a b}", "${SET", "a ${1}", "${SET:}", "${S.T}"]
)
def test_what_begins_no_variable_is_refused(template: str) -> None:
    with pytest.raises(BadTemplate, match=r"\$"):
        text(template)


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("${NO:?set $SET}", "required variable NO is missing a value: set s"),
        ("${EMPTY:?}", "required variable EMPTY is missing a value"),
        ("${NO?}", "required variable NO is missing a value"),
        ("${SET:-${NO?inner}}", "required variable NO is missing a value: inner"),
    ],
)
def test_demanded_variables_are_demanded(template: str, words: str) -> None:
    with pytest.raises(VariableMissing) as caught:
        text(template)
    assert str(caught.value) == words
