from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.build.dockerfile.lexer import Heredoc, lex
from dockyard.errors import BuildError


def texts(source: str) -> list[str]:
    return [line.text for line in lex(source).lines]


def heredocs(source: str) -> list[tuple[str, str]]:
    return [(doc.name, doc.content) for line in lex(source).lines for doc in line.heredocs]


def test_comments_and_blank_lines_are_no_instructions() -> None:
    assert texts("# a\n\n  # b\nFROM x\n \t\n#c\n  RUN y # not a comment") == [
        "FROM x",
        "RUN y # not a comment",
    ]


def test_continuations_join_and_skip_comments_and_blank_lines() -> None:
    source = "RUN a \\\n  # comment \\\n\n    b \\ \t\n c\nRUN d"
    assert texts(source) == ["RUN a     b  c", "RUN d"]


def test_a_blank_line_in_a_continuation_is_remembered() -> None:
    assert [line.blank_inside for line in lex("RUN a \\\n\nb\nRUN c \\\n#\nd\n").lines] == [
        True,
        False,
    ]


def test_an_escaped_escape_does_not_continue() -> None:
    assert texts("RUN a \\\\\nRUN b") == ["RUN a \\\\", "RUN b"]


def test_a_continuation_at_the_end_of_the_file_is_allowed() -> None:
    lines = lex("FROM x\nRUN a \\\n\n# end\n").lines
    assert lines[1].text == "RUN a "
    assert (lines[1].location.start, lines[1].location.end) == (2, 2)


def test_locations_cover_continuations_and_heredocs() -> None:
    lines = lex("FROM x\n\nRUN a \\\n  b\nRUN <<E\nbody\nE\nRUN c", filename="D").lines
    assert [(line.location.start, line.location.end) for line in lines] == [
        (1, 1),
        (3, 4),
        (5, 7),
        (8, 8),
    ]
    assert lines[1].location.text == "RUN a \\\n  b"
    assert lines[2].location.text == "RUN <<E\nbody\nE"


def test_windows_line_endings_and_a_byte_order_mark() -> None:
    assert texts("\ufeffFROM x\r\nRUN a \\\r\n  b\r\n") == ["FROM x", "RUN a   b"]
    assert heredocs("RUN <<E\r\na\r\nE\r\n") == [("E", "a\r\n")]


def test_directives_stand_only_at_the_top() -> None:
    lexed = lex("# Syntax = docker/dockerfile:1 \n#escape=`\n#check=skip=all\nRUN a `\n b\\\n c")
    assert [(each.name, each.value) for each in lexed.directives] == [
        ("syntax", "docker/dockerfile:1"),
        ("escape", "`"),
        ("check", "skip=all"),
    ]
    assert lexed.escape == "`"
    assert [line.text for line in lexed.lines] == ["RUN a  b\\", "c"]


@pytest.mark.parametrize(
    "top", ["# a comment\n", "\n", "FROM x\n", "# unknown=x\n", "#!/usr/bin/env dockyard\n"]
)
def test_whatever_is_no_directive_ends_them(top: str) -> None:
    lexed = lex(top + "# escape=`\nRUN a\n")
    assert (lexed.directives, lexed.escape) == ((), "\\")


@pytest.mark.parametrize(
    ("source", "message", "line"),
    [
        ("# escape=`\n# ESCAPE=\\\nFROM x", "only one escape parser directive", 2),
        ("# syntax=a\n# escape=x\nFROM x", "invalid escape token 'x'", 2),
    ],
)
def test_bad_directives(source: str, message: str, line: int) -> None:
    with pytest.raises(BuildError, match=message) as caught:
        lex(source)
    assert (caught.value.context or "").startswith(f"Dockerfile:{line}\n")


def test_heredocs_of_one_line_follow_each_other() -> None:
    source = "COPY <<A <<-'B' /dest/\n1\nB\nA\n\t2\n\tB\nRUN x"
    lines = lex(source).lines
    assert lines[0].heredocs == (
        Heredoc(name="A", content="1\nB\n"),
        Heredoc(name="B", content="\t2\n", expands=False, strips_tabs=True),
    )
    assert lines[0].heredocs[1].body == "2\n"
    assert lines[1].text == "RUN x"


def test_comments_and_continuations_inside_a_heredoc_are_content() -> None:
    assert heredocs("RUN <<E\n# c\n\na \\\nE\n") == [("E", "# c\n\na \\\n")]


def test_a_heredoc_starts_after_the_continuation_lines() -> None:
    assert heredocs("RUN cat <<E \\\n > /f\nbody\nE") == [("E", "body\n")]


@pytest.mark.parametrize("keyword", ["run", "COPY", "Add", "ONBUILD run", "onbuild COPY"])
def test_instructions_that_take_heredocs(keyword: str) -> None:
    assert heredocs(f"{keyword} <<E /x\na\nE") == [("E", "a\n")]


@pytest.mark.parametrize("keyword", ["USER", "CMD", "ENV", "ONBUILD CMD"])
def test_instructions_that_take_none(keyword: str) -> None:
    assert texts(f"{keyword} <<E\nE") == [f"{keyword} <<E", "E"]


def test_an_unterminated_heredoc_points_at_its_beginning() -> None:
    with pytest.raises(BuildError, match="unterminated heredoc") as caught:
        lex("FROM x\nRUN cat <<END\nbody\n END\n")
    assert caught.value.context == "Dockerfile:2\n   2 | >>> RUN cat <<END"
    assert caught.value.hint == "end it with a line that holds nothing but END"


@given(st.text("RUN <-E'#`\\ \t\r\nx=\ufeff"))
def test_lexing_loses_no_line_and_repeats_none(source: str) -> None:
    try:
        lexed = lex(source)
    except BuildError:
        return
    physical = source.removeprefix("\ufeff").split("\n")
    end = 0
    for line in lexed.lines:
        location = line.location
        between = physical[end : location.start - 1]
        assert all(not text.strip() or text.strip().startswith("#") for text in between)
        assert location.text == "\n".join(physical[location.start - 1 : location.end])
        end = location.end


@given(st.lists(st.text("RUNabc=\"'$ ", min_size=1).filter(lambda text: text.strip()), max_size=5))
def test_lines_without_anything_special_come_back_as_they_are(lines: list[str]) -> None:
    assert texts("\n".join(lines)) == [line.lstrip() for line in lines]


@given(st.lists(st.text("ab ", min_size=1).map(lambda part: f"x{part}x"), min_size=1, max_size=5))
def test_splitting_by_continuations_changes_nothing(parts: list[str]) -> None:
    assert texts("\\\n".join(parts)) == ["".join(parts)]
