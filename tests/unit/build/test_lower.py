from __future__ import annotations

import pytest

from dockyard.build import graph
from dockyard.build.dockerfile.parser import parse
from dockyard.build.lower import BaseImage, base_names, lower
from dockyard.build.names import Settings
from dockyard.build.remote.address import Git
from dockyard.build.triggers import with_triggers
from dockyard.errors import BuildError, InvalidInput
from dockyard.oci.image import ExecutionConfig, History, ImageConfig
from dockyard.oci.platform import Platform

BASE = ImageConfig(
    architecture="amd64", created="2024-01-01T00:00:00Z", history=(History(created_by="base"),),
    config=ExecutionConfig(env=("PATH=/bin", "LANG=C"), cmd=("sh",), working_dir="/base"),
)  # fmt: skip


def settings(**fields: object) -> Settings:
    given: dict[str, object] = {"architecture": "amd64", "build_args": {}}
    return Settings(**(given | fields))  # type: ignore[arg-type]  # fields by name


def plan(text: str, **fields: object) -> graph.Plan:
    dockerfile = parse(text, filename="Dockerfile")
    given = settings(**fields)
    bases = {name: BaseImage(f"id of {name}", BASE, name) for name in base_names(dockerfile, given)}
    return lower(dockerfile, bases, given)


def runs(made: graph.Plan) -> list[graph.Run]:
    return [v.operation for v in made.vertices if isinstance(v.operation, graph.Run)]


def copies(made: graph.Plan) -> list[graph.Copy]:
    return [v.operation for v in made.vertices if isinstance(v.operation, graph.Copy)]


def test_only_images_that_the_target_needs_are_asked_for() -> None:
    text = "FROM a AS one\nFROM b AS two\nFROM c\nCOPY --from=two /x /\nCOPY --from=ext:1 /y /\n"
    dockerfile = parse(text, filename="Dockerfile")

    assert set(base_names(dockerfile, settings())) == {"b", "c", "ext:1"}
    assert set(base_names(dockerfile, settings(target="one"))) == {"a"}


def test_arguments_before_from_choose_the_base() -> None:
    text = "ARG V=1\nFROM img:${V}\nARG V\nRUN echo $V\n"

    assert "img:1" in plan(text).vertices[0].name
    assert "img:2" in plan(text, build_args={"V": "2"}).vertices[0].name
    assert "V=2" in runs(plan(text, build_args={"V": "2"}))[0].env


def test_an_argument_that_is_not_declared_reaches_no_step() -> None:
    made = plan("FROM a\nRUN true\n", build_args={"X": "1"})

    assert not any("X=" in entry for entry in runs(made)[0].env)
    assert any("X" in warning for warning in made.warnings)


def test_env_wins_over_arg_and_the_order_matters() -> None:
    made = plan("FROM a\nARG A=arg\nRUN one\nENV A=env\nRUN two\n")

    assert "A=arg" in runs(made)[0].env
    assert "A=env" in runs(made)[1].env
    assert "A=env" in made.config.env
    assert not any(entry == "A=arg" for entry in made.config.env)


def test_proxies_do_not_change_what_a_step_is() -> None:
    text = "FROM a\nARG HTTP_PROXY\nRUN true\n"
    one, two = (plan(text, build_args={"HTTP_PROXY": value}) for value in ("x", "y"))

    assert runs(one) == runs(two)
    assert one.vertices[1].ignored_env == ("HTTP_PROXY=x",)


def test_paths_are_relative_to_the_working_directory() -> None:
    made = plan("FROM a\nWORKDIR sub\nCOPY f .\nCOPY f x\nCOPY f /abs/\nWORKDIR ../up\nRUN pwd\n")

    assert [copy.destination for copy in copies(made)] == ["/base/sub/", "/base/sub/x", "/abs/"]
    assert runs(made)[0].cwd == "/base/up"


def test_shell_and_exec_form() -> None:
    made = plan('FROM a\nRUN a b\nRUN ["a", "$b"]\nSHELL ["/bin/bash", "-lc"]\nRUN c\nCMD d\n')

    assert [run.args for run in runs(made)] == [
        ("/bin/sh", "-c", "a b"), ("a", "$b"), ("/bin/bash", "-lc", "c"),
    ]  # fmt: skip
    assert made.config.cmd == ("/bin/bash", "-lc", "d")


def test_an_entrypoint_drops_the_bases_command_but_not_ones_own() -> None:
    assert plan('FROM a\nENTRYPOINT ["e"]\n').config.cmd is None
    assert plan('FROM a\nCMD ["c"]\nENTRYPOINT ["e"]\n').config.cmd == ("c",)


def test_stages_build_on_each_other() -> None:
    made = plan("FROM a AS one\nENV X=1\nRUN one\nFROM one\nRUN two\n")

    assert "X=1" in runs(made)[1].env
    assert [len(v.inputs) for v in made.vertices] == [0, 1, 1]
    assert [line.history.created_by for line in made.lines][-1] == "RUN /bin/sh -c two"


def test_history_has_a_line_for_each_instruction() -> None:
    made = plan("FROM a\nENV A=b\nRUN x\nLABEL k=v\nCOPY f /f\n")
    shown = [(line.history.created_by, line.vertex is not None) for line in made.lines]

    assert shown == [
        ("ENV A=b", False), ("RUN /bin/sh -c x", True), ("LABEL k=v", False), ("COPY f /f", True),
    ]  # fmt: skip


def test_only_what_the_target_needs_is_in_the_plan() -> None:
    made = plan("FROM a AS one\nRUN one\nFROM a AS two\nRUN two\nFROM one\nRUN three\n")

    assert [run.args[-1] for run in runs(made)] == ["one", "three"]
    assert made.needed() == tuple(range(len(made.vertices)))


def test_the_epoch_is_given_or_the_bases() -> None:
    assert plan("FROM a\n", epoch=1_800_000_000).epoch == 1_800_000_000
    assert plan("FROM a\n").epoch == 1_704_067_200
    assert plan("FROM scratch\n").epoch == 315_619_200


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("FROM a\nRUN --mount=target=/ x\n", "invalid mount target", 2),
        ("FROM a\nRUN --network=host x\n", "network.host is not allowed", 2),
        ("FROM a\nCOPY https://example.com/x /\n", "can't be a URL for COPY", 2),
        ("FROM a\nCOPY git@example.com:x.git /\n", "can't be a git ref for COPY", 2),
        ("FROM a\nADD file:///etc/shadow /\n", "unsupported address", 2),
        ("FROM a\nADD --checksum=sha256:0 f /\n", "checksum requires HTTP", 2),
        ("FROM a\nADD --checksum=sha256:0 https://example.com/x /\n", "invalid checksum", 2),
        ("FROM a\nCOPY --from=5 a b\n", "stage index 5", 2),
        ("FROM $NOTHING\n", "", 1),
    ],
)
def test_what_cannot_be_done_names_its_line(text: str, message: str, line: int) -> None:
    with pytest.raises(BuildError) as caught:
        plan(text)

    assert message in caught.value.message
    assert f"Dockerfile:{line}" in (caught.value.context or "")


def test_an_unknown_target_suggests_one() -> None:
    with pytest.raises(InvalidInput, match='"fina" could not be found') as caught:
        plan("FROM a AS final\n", target="fina")
    assert "final" in (caught.value.hint or "")


def test_platform_arguments_count_where_they_are_declared() -> None:
    text = (
        "FROM --platform=$BUILDPLATFORM a AS w\nRUN one\nARG TARGETPLATFORM BUILDARCH TARGETSTAGE\n"
        "RUN two\nFROM scratch\nCOPY --from=w / /\n"
    )
    made = plan(text, platform=Platform("arm", variant="v7"))

    one, two = runs(made)
    assert not any("PLATFORM" in entry for entry in one.env)
    assert {"TARGETPLATFORM=linux/arm/v7", "BUILDARCH=amd64", "TARGETSTAGE=default"} <= set(two.env)
    assert (made.base.architecture, made.base.variant) == ("arm", "v7")
    assert "TARGETARCH=x" in runs(plan("FROM a\nARG TARGETARCH\nRUN x\n",
                                       build_args={"TARGETARCH": "x"}))[0].env  # fmt: skip


def test_archives_of_the_web_stay_packed_and_flags_reach_their_source() -> None:
    text = "FROM a\nADD %s https://example.com/t.tgz f /x/\n"
    sources = copies(plan(text % ""))[0].sources
    assert [(each.pattern, each.input, each.unpack) for each in sources] == [
        ("/t.tgz", 1, False), ("f", 0, True),
    ]  # fmt: skip
    assert all(each.unpack for each in copies(plan(text % "--unpack"))[0].sources)
    made = plan("FROM a\nADD --keep-git-dir https://example.com/r.git#v1 /x\n")
    assert made.vertices[1].operation == Git(
        remote="https://example.com/r.git", ref="v1", keep_git_dir=True
    )


def test_link_needs_numbers_and_no_chmod_to_stand_alone() -> None:
    for flags, alone in (("", True), ("--chown=1:2", True), ("--chown=app", False),
                         ("--chmod=755", False)):  # fmt: skip
        assert copies(plan(f"FROM a\nCOPY --link {flags} f /\n"))[0].link is alone


def test_triggers_come_right_after_from_and_once() -> None:
    text = "FROM a AS s\nONBUILD RUN one\nONBUILD RUN two\nFROM s\nRUN three\nFROM 1\n"
    dockerfile = parse(text.replace("FROM 1", "FROM s AS t"), filename="Dockerfile")
    whole = with_triggers(dockerfile, {"a": ("RUN zero",)}, settings())
    made = lower(whole, {"a": BaseImage("i", BASE, "a")}, settings())

    assert [run.args[-1] for run in runs(made)] == ["zero", "one", "two"]
    assert made.config.on_build is None
    assert plan("FROM a\nONBUILD RUN x\n").config.on_build == ("RUN x",)


@pytest.mark.parametrize("trigger", ["FROM b", "ONBUILD RUN x", "MAINTAINER m", "NONSENSE"])
def test_an_impossible_trigger_shows_the_from_it_came_by(trigger: str) -> None:
    dockerfile = parse("FROM a\n", filename="Dockerfile")
    with pytest.raises(BuildError):
        with_triggers(dockerfile, {"a": (trigger,)}, settings())
