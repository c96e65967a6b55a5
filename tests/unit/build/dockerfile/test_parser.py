from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dockyard.build.dockerfile.instructions import Copy, Run
from dockyard.build.dockerfile.parser import parse, parse_trigger
from dockyard.build.dockerfile.substitution import expanded
from dockyard.errors import BuildError

EXAMPLE = """\
# syntax=docker/dockerfile:1
ARG VERSION=3.11
ARG EXTRA

FROM python:${VERSION} AS model
RUN pip install \\
    torch

from model as Final
COPY --from=model /m /m
CMD ["serve"]
"""


def test_a_whole_file() -> None:
    file = parse(EXAMPLE, filename="app/Dockerfile")
    assert [directive.value for directive in file.directives] == ["docker/dockerfile:1"]
    assert [arg.arguments[0].name for arg in file.meta_args] == ["VERSION", "EXTRA"]
    assert [(stage.index, stage.name, stage.base.image) for stage in file.stages] == [
        (0, "model", "python:${VERSION}"),
        (1, "final", "model"),
    ]
    assert [[each.keyword for each in stage.instructions] for stage in file.stages] == [
        ["RUN"],
        ["COPY", "CMD"],
    ]
    run = file.stages[0].instructions[0]
    assert isinstance(run, Run)
    assert run.text == "RUN pip install     torch"
    assert str(run.location) == "app/Dockerfile:6"
    assert run.location.excerpt() == (
        "app/Dockerfile:6\n   6 | >>> RUN pip install \\\n   7 | >>>     torch"
    )


@pytest.mark.parametrize(
    ("source", "message", "line"),
    [
        ("", "file with no instructions", 1),
        ("# only a comment", "file with no instructions", 1),
        ("ARG a\nARG b=1", "dockerfile contains no stages to build", 2),
        ("ARG a\nENV a=b\nFROM x", "no build stage in current context", 2),
        ("RUN x", "no build stage in current context", 1),
    ],
)
def test_mistakes_of_the_whole_file(source: str, message: str, line: int) -> None:
    with pytest.raises(BuildError, match=message) as caught:
        parse(source)
    assert (caught.value.context or "").startswith(f"Dockerfile:{line}\n")
    assert caught.value.hint


def test_blank_lines_in_continuations_are_reported_not_refused() -> None:
    file = parse("FROM x\nENV a=1 \\\n\n  b=2\n")
    assert [(each.start, each.end) for each in file.blank_continuations] == [(2, 4)]


def test_the_escape_directive_holds_for_the_whole_file() -> None:
    file = parse("# escape=`\nFROM x\nCOPY a `\n  C:\\dir\\\nENV a=b` c\n")
    copy, env = file.stages[0].instructions
    assert isinstance(copy, Copy)
    assert copy.destination == "C:\\dir\\"
    assert env.text == "ENV a=b` c"


def test_triggers_of_an_image_are_parsed() -> None:
    trigger = parse_trigger("COPY <<E /a\nhi\nE")
    assert isinstance(trigger, Copy)
    assert trigger.contents[0].content == "hi\n"


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("", "holds one instruction, not 0"),
        ("RUN a\nRUN b", "holds one instruction, not 2"),
        ("FROM x", "FROM isn't allowed"),
        ("ONBUILD RUN x", "ONBUILD isn't allowed"),
        ("RNU x", "unknown instruction"),
    ],
)
def test_bad_triggers(expression: str, message: str) -> None:
    with pytest.raises(BuildError, match=message):
        parse_trigger(expression)


KEYWORDS = [
    "FROM",
    "RUN",
    "CMD",
    "COPY",
    "ADD",
    "ENV",
    "ARG",
    "LABEL",
    "WORKDIR",
    "USER",
    "EXPOSE",
    "VOLUME",
    "ENTRYPOINT",
    "SHELL",
    "STOPSIGNAL",
    "HEALTHCHECK",
    "ONBUILD",
    "MAINTAINER",
]
PIECES = st.sampled_from(
    [
        *KEYWORDS,
        *["FROM x\n", "\n", " ", "\\\n", "# ", "# escape=`\n", "`\n", "\r\n", "\t", "\x00", "\x1c"],
        *["<<E", "<<-'E'", "E\n", "[", "]", '"a"', ",", "'", '"', "\\", "$x", "${x:-", "}", "="],
        *["--mount=", "type=cache", ",mode=", "--from=", "--link", "--", "--interval=", "1s", "a"],
        *["AS ", "NONE", "CMD ", "\ud800", "٣", "uid=٣", "9" * 5000, "--retries=", "size="],
    ]
)


@given(st.lists(PIECES, max_size=25).map("".join) | st.text())
@example("FROM x\nCMD " + "[" * 100_000)
@example("FROM x\nENV a=" + "${a:-" * 10_000)
def test_any_text_parses_and_expands_or_is_a_build_error_with_its_place(source: str) -> None:
    try:
        file = parse(source)
        for stage in file.stages:
            for instruction in (stage.base, *stage.instructions):
                expanded(instruction, {"x": "1"}, file.escape)
    except BuildError as error:
        assert error.context  # noqa: PT017  both outcomes are right
        assert error.context.startswith("Dockerfile:")  # noqa: PT017


@given(st.lists(st.sampled_from(["RUN a", "COPY a b", "ENV a=b", "CMD []"]), max_size=6))
def test_instructions_keep_their_order_and_lines(lines: list[str]) -> None:
    (stage,) = parse("\n".join(["FROM x", *lines])).stages
    assert [each.text for each in stage.instructions] == lines
    assert [each.location.start for each in stage.instructions] == list(range(2, len(lines) + 2))
