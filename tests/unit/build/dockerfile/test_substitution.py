from __future__ import annotations

import pytest

from dockyard.build.dockerfile import instructions as ins
from dockyard.build.dockerfile.parser import parse
from dockyard.build.dockerfile.substitution import expand_at, expanded
from dockyard.errors import BuildError

VARIABLES = {"x": "X", "two": "1 2", "empty": ""}


def one(line: str) -> ins.Instruction:
    instruction = parse("FROM scratch\n" + line).stages[0].instructions[0]
    return expanded(instruction, VARIABLES)


@pytest.mark.parametrize(
    ("line", "field", "expected"),
    [
        ("WORKDIR /$x", "path", "/X"),
        ('USER "$x":$x', "user", "X:X"),
        ("STOPSIGNAL SIG$x", "signal", "SIGX"),
        ("EXPOSE $two/tcp 80", "ports", ("1", "2/tcp", "80")),
        ('VOLUME ["/$x", "/y"]', "paths", ("/X", "/y")),
        ("ENV a$x=$two b='$x'", "variables", (("aX", "1 2"), ("b", "$x"))),
        ('ENV a $x "y z"', "variables", (("a", "X y z"),)),
        ('LABEL "$x y"=$x', "labels", (("X y", "X"),)),
        ("ARG a=$x b=$a c", "arguments", (("a", "X"), ("b", "X"), ("c", None))),
        ("COPY $x b$x /$x", "sources", ("X", "bX")),
        ("COPY a /$x", "destination", "/X"),
        ("COPY --chown=$x a b", "chown", "X"),
        ("COPY --chmod=$x a b", "chmod", "X"),
        ("COPY --exclude=$x a b", "exclude", ("$x",)),
        ("ADD --checksum=$x a b", "checksum", "X"),
        ("RUN echo $x", "command", ins.ShellForm("echo $x")),
        ('CMD ["$x"]', "command", ins.ExecForm(("$x",))),
        ("ENTRYPOINT $x", "command", ins.ShellForm("$x")),
        ("HEALTHCHECK CMD $x", "command", ins.ShellForm("$x")),
        ('SHELL ["$x"]', "arguments", ("$x",)),
        ("ONBUILD ENV a=$x", "expression", "ENV a=$x"),
    ],
)
def test_exactly_the_fields_of_the_reference_are_expanded(
    line: str, field: str, expected: object
) -> None:
    assert _plain(getattr(one(line), field)) == expected


def _plain(value: object) -> object:
    match value:
        case ins.KeyValue():
            return value.key, value.value
        case ins.ArgDefault():
            return value.name, value.default
        case tuple():
            return tuple(map(_plain, value))
    return value


def test_all_of_one_env_sees_the_same_variables() -> None:
    env = one("ENV x=new y=$x")
    assert isinstance(env, ins.Env)
    assert env.variables == (ins.KeyValue("x", "new"), ins.KeyValue("y", "X"))


def test_heredoc_bodies_expand_unless_their_delimiter_is_quoted() -> None:
    copy = one("COPY <<-A <<'B' /d/\n\t'$x'\nA\n$x\nB\n")
    assert isinstance(copy, ins.Copy)
    assert [content.body for content in copy.contents] == ["'X'\n", "$x\n"]


def test_tabs_that_a_variable_brings_into_a_body_stay() -> None:
    copy = parse("FROM x\nCOPY <<-A /d\n\t$tab\nA\n").stages[0].instructions[0]
    assert isinstance(copy, ins.Copy)
    assert expanded(copy, {"tab": "\tx"}).contents[0].body == "\tx\n"


def test_mounts_are_expanded_and_checked_then() -> None:
    run = one("RUN --mount=type=cache,target=/$x,mode=${m:-700} a")
    assert isinstance(run, ins.Run)
    assert (run.mounts[0].target, run.mounts[0].mode) == ("/X", 0o700)
    with pytest.raises(BuildError, match="mode not allowed for bind") as caught:
        one("RUN --mount=target=/$x,mode=700 a")
    assert (caught.value.context or "").startswith("Dockerfile:2\n")


def test_from_is_expanded_and_may_not_become_blank() -> None:
    (stage,) = parse("FROM --platform=$x img:$x AS a").stages
    base = expanded(stage.base, VARIABLES)
    assert (base.image, base.platform, base.name) == ("img:X", "X", "a")
    (stage,) = parse("FROM $empty").stages
    with pytest.raises(BuildError, match=r"base name \(\$empty\) should not be blank") as caught:
        expanded(stage.base, VARIABLES)
    assert caught.value.hint


def test_errors_show_the_instruction() -> None:
    with pytest.raises(BuildError, match="missing '}'") as caught:
        one("WORKDIR ${x")
    assert caught.value.context == "Dockerfile:2\n   2 | >>> WORKDIR ${x"


def test_the_files_escape_character_counts() -> None:
    file = parse("# escape=`\nFROM x\nWORKDIR C:\\`$x\\$x")
    workdir = expanded(file.stages[0].instructions[0], VARIABLES, file.escape)
    assert isinstance(workdir, ins.Workdir)
    assert workdir.path == "C:\\$x\\X"


def test_a_single_word_can_be_expanded_at_a_place() -> None:
    location = parse("FROM x\nARG a=$x").stages[0].instructions[0].location
    assert expand_at(location, "$x", VARIABLES) == "X"
    with pytest.raises(BuildError) as caught:
        expand_at(location, "${", VARIABLES)
    assert caught.value.context == location.excerpt()
