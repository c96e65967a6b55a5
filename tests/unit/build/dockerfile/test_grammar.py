from __future__ import annotations

import pytest

from dockyard.build.dockerfile import instructions as ins
from dockyard.build.dockerfile.lexer import Heredoc
from dockyard.build.dockerfile.parser import parse
from dockyard.errors import BuildError

SECOND = 1_000_000_000


def one(line: str) -> ins.Instruction:
    """The first instruction after FROM."""
    return parse("FROM scratch\n" + line).stages[0].instructions[0]


def fields(line: str) -> dict[str, object]:
    """The fields of the instruction, without its place and what was left at its default."""
    instruction = one(line)
    return {
        name: getattr(instruction, name)
        for name, default in zip(instruction.__struct_fields__, _defaults(instruction), strict=True)
        if name not in {"location", "text"} and getattr(instruction, name) != default
    }


def _defaults(instruction: ins.Instruction) -> list[object]:
    required = len(instruction.__struct_fields__) - len(instruction.__struct_defaults__)
    return [object()] * required + list(instruction.__struct_defaults__)


@pytest.mark.parametrize(
    ("line", "type_", "expected"),
    [
        ("ENV a=1 b='2 3'", ins.Env, {"variables": (("a", "1"), ("b", "'2 3'"))}),
        ("ENV a  b  c", ins.Env, {"variables": (("a", "b  c"),), "legacy": True}),
        ("LABEL a=b", ins.Label, {"labels": (("a", "b"),)}),
        ("ARG a b=1 c=", ins.Arg, {"arguments": (("a", None), ("b", "1"), ("c", ""))}),
        ("WORKDIR /a b", ins.Workdir, {"path": "/a b"}),
        ("user me:us", ins.User, {"user": "me:us"}),
        ("EXPOSE 80 443/tcp $p", ins.Expose, {"ports": ("$p", "443/tcp", "80")}),
        ("VOLUME /a /b", ins.Volume, {"paths": ("/a", "/b")}),
        ('VOLUME ["/a b"]', ins.Volume, {"paths": ("/a b",)}),
        ("STOPSIGNAL SIGINT", ins.Stopsignal, {"signal": "SIGINT"}),
        ('SHELL ["/bin/bash", "-c"]', ins.Shell, {"arguments": ("/bin/bash", "-c")}),
        ("MAINTAINER a <b@c>", ins.Maintainer, {"name": "a <b@c>"}),
        ("CMD []", ins.Cmd, {"command": ins.ExecForm(())}),
        ("CMD ['a']", ins.Cmd, {"command": ins.ShellForm("['a']")}),
        ('ENTRYPOINT ["a"]', ins.Entrypoint, {"command": ins.ExecForm(("a",))}),
        ("entrypoint a $B", ins.Entrypoint, {"command": ins.ShellForm("a $B")}),
        ("RUN  a  $B 'c", ins.Run, {"command": ins.ShellForm("a  $B 'c")}),
        ("COPY a b /c/", ins.Copy, {"sources": ("a", "b"), "destination": "/c/"}),
        ('COPY ["a b", "/c"]', ins.Copy, {"sources": ("a b",), "destination": "/c"}),
        ('COPY ["<<E", "/c"]', ins.Copy, {"sources": ("<<E",), "destination": "/c"}),
        ("HEALTHCHECK NONE", ins.Healthcheck, {"command": None}),
        ('HEALTHCHECK CMD ["a"]', ins.Healthcheck, {"command": ins.ExecForm(("a",))}),
    ],
)
def test_arguments(line: str, type_: type[ins.Instruction], expected: dict[str, object]) -> None:
    assert type(one(line)) is type_
    assert {name: _plain(value) for name, value in fields(line).items()} == expected


def _plain(value: object) -> object:
    match value:
        case ins.KeyValue():
            return value.key, value.value
        case ins.ArgDefault():
            return value.name, value.default
        case tuple():
            return tuple(map(_plain, value))
    return value


def test_flags_of_copy_and_add() -> None:
    assert fields(
        "COPY --from=b --chown=1:2 --chmod=755 --link --parents --exclude=*.md --exclude=x a /"
    ) == {
        "sources": ("a",),
        "destination": "/",
        "from_": "b",
        "chown": "1:2",
        "chmod": "755",
        "link": True,
        "parents": True,
        "exclude": ("*.md", "x"),
    }
    assert fields("ADD --checksum=sha256:0 --keep-git-dir --unpack=false --link=False u /") == {
        "sources": ("u",),
        "destination": "/",
        "checksum": "sha256:0",
        "keep_git_dir": True,
        "unpack": False,
    }


def test_flags_of_run() -> None:
    assert fields(
        "RUN --network=none --security=insecure --device=nvidia.com/gpu=all,required make"
    ) == {
        "command": ins.ShellForm("make"),
        "network": ins.NetworkMode.NONE,
        "security": ins.SecurityMode.INSECURE,
        "devices": (ins.Device("nvidia.com/gpu=all", required=True),),
    }


def test_flags_of_healthcheck() -> None:
    assert fields(
        "HEALTHCHECK --interval=1m --timeout=3s --start-period=5s --start-interval=1s "
        "--retries=4 cmd curl -f localhost"
    ) == {
        "command": ins.ShellForm("curl -f localhost"),
        "interval": 60 * SECOND,
        "timeout": 3 * SECOND,
        "start_period": 5 * SECOND,
        "start_interval": SECOND,
        "retries": 4,
    }


def test_from_has_platform_and_name() -> None:
    (stage,) = parse("FROM --platform=$BUILDPLATFORM a:1@sha256:0 aS Some-Name.1").stages
    assert (stage.base.image, stage.name, stage.base.platform) == (
        "a:1@sha256:0",
        "some-name.1",
        "$BUILDPLATFORM",
    )


def test_heredocs_of_copy_stand_beside_its_paths() -> None:
    instruction = one("COPY a <<X <<'Y' /d/\nx\nX\ny\nY\n")
    assert isinstance(instruction, ins.Copy)
    assert instruction.sources == ("a",)
    assert instruction.contents == (
        Heredoc(name="X", content="x\n"),
        Heredoc(name="Y", content="y\n", expands=False),
    )


@pytest.mark.parametrize(
    ("source", "script"),
    [
        ("RUN a  b", ins.Script("a  b")),
        ("RUN <<E\na\nb\nE", ins.Script("a\nb\n")),
        ("RUN <<-E\n\ta\nE", ins.Script("a\n")),
        (
            "RUN <<E\n#!/bin/sh\na\nE",
            ins.Script("#!/bin/sh\na\n", interpreted=True, place="/dev/pipes/E"),
        ),
        ("RUN <<E python3 > /f\na\nE", ins.Script("<<E python3 > /f\na\nE")),
        ("RUN x <<-A <<B\n\ta\nA\nb\nB", ins.Script("x <<-A <<B\n\ta\nA\nb\nB")),
        ('RUN ["a"]', ins.Script("")),
    ],
)
def test_what_the_shell_runs(source: str, script: ins.Script) -> None:
    run = one(source)
    assert isinstance(run, ins.Run)
    assert run.script() == script


def test_onbuild_keeps_what_the_image_stores_and_its_typed_trigger() -> None:
    onbuild = one("ONBUILD  COPY --link <<E /a\nhi\nE\n")
    assert isinstance(onbuild, ins.Onbuild)
    assert onbuild.expression == "COPY --link <<E /a\nhi\nE"
    assert isinstance(onbuild.trigger, ins.Copy)
    assert (onbuild.trigger.link, onbuild.trigger.contents[0].content) == (True, "hi\n")


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("RNU pip install", "unknown instruction: RNU", "did you mean RUN?"),
        ("fro x", "unknown instruction: fro", "did you mean FROM?"),
        ("&& make", "unknown instruction: &&", "end that line with a backslash"),
        ("\\", "unknown instruction: ", "end that line with a backslash"),
        ("RUN", "RUN requires at least one argument", None),
        ("RUN []", "RUN requires at least one argument", "write RUN"),
        ("CMD", "CMD requires at least one argument", "CMD [] clears"),
        ("CMD [1]", "arrays must be comprised of strings only", "double quotes"),
        ("COPY", "COPY requires at least two arguments", "write COPY source"),
        ("ADD a", "ADD requires at least two arguments, but only one was", "write ADD source"),
        ('COPY ["a"]', "COPY requires at least two arguments", None),
        ("COPY --chwon=1 a b", "unknown flag: --chwon", "did you mean --chown?"),
        ("COPY --link=maybe a b", "expecting boolean value for flag --link", None),
        ("COPY --link= a b", "missing a value on flag: --link", None),
        ("COPY --from a b", "missing a value on flag: --from", "write --from=..."),
        ("COPY --chown=1 --chown=2 a b", "duplicate flag specified: --chown", None),
        ("COPY --from=$x a b", "variable expansion is not supported for --from", "new stage"),
        ("COPY a <<E\nE", "COPY cannot accept a heredoc as a destination", None),
        ('COPY <<"a b" /x\na b', "white space in a heredoc's delimiter", "one word"),
        ("CMD --help", "unknown flag: --help", "CMD takes no flags"),
        ("ENV", "ENV requires at least one argument", None),
        ("ENV a", "ENV must have two arguments", "write ENV name=value"),
        ("ENV a=b c", 'can\'t find = in "c"', "double quotes"),
        ("ENV =b", "ENV names can not be blank", None),
        ("ARG =b", "ARG names can not be blank", None),
        ("USER", "USER requires exactly one argument", None),
        ("VOLUME []", "VOLUME requires at least one argument", None),
        ('VOLUME [" "]', "VOLUME specified can not be an empty string", None),
        ("SHELL bash -c", "SHELL requires the arguments to be in JSON form", "write SHELL ["),
        ("SHELL []", "SHELL requires at least one argument", "write SHELL ["),
        ("HEALTHCHECK", "HEALTHCHECK requires at least one argument", "write HEALTHCHECK"),
        ("HEALTHCHECK NONE x", "HEALTHCHECK NONE takes no arguments", None),
        ("HEALTHCHECK CMD", "missing command after HEALTHCHECK CMD", None),
        ("HEALTHCHECK curl x", 'unknown type "curl" in HEALTHCHECK', "write HEALTHCHECK"),
        ("HEALTHCHECK --interval=1 CMD x", 'invalid duration "1"', "30s"),
        ("HEALTHCHECK --interval=1us CMD x", "cannot be less than 1ms", None),
        ("HEALTHCHECK --retries=-1 CMD x", "--retries cannot be negative", None),
        ("HEALTHCHECK --retries=x CMD x", 'invalid number "x"', None),
        ("RUN --network=bridge x", 'invalid network mode "bridge"', "default, none, host"),
        ("RUN --device=a,b x", "unexpected option 'b' in --device", None),
        ("ONBUILD", "ONBUILD requires at least one argument", None),
        ("ONBUILD ONBUILD RUN x", "Chaining ONBUILD", None),
        ("ONBUILD FROM x", "FROM isn't allowed as an ONBUILD trigger", None),
        ("ONBUILD RNU x", "unknown instruction: RNU", "did you mean RUN?"),
        ("FROM a b", "FROM requires either one or three arguments", "write FROM image"),
        ("FROM a IN b", "FROM requires either one or three arguments", None),
        ("FROM", "FROM requires either one or three arguments", None),
        ("FROM a AS 1b", 'invalid name for build stage: "1b"', "begin with a letter"),
        ("FROM --platfrom=x a", "unknown flag: --platfrom", "did you mean --platform?"),
    ],
)
def test_mistakes_name_their_line_and_help(line: str, message: str, hint: str | None) -> None:
    with pytest.raises(BuildError) as caught:
        one(line)
    error = caught.value
    assert message in error.message
    assert (hint or "") in (error.hint or "")
    first = line.split("\n", maxsplit=1)[0]
    assert (error.context or "").startswith(f"Dockerfile:2\n   2 | >>> {first}")
    assert error.reference == "dockerfile-syntax"
