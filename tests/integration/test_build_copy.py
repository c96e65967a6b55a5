"""What COPY and ADD bring into an image: flags, links, archives, other contexts, triggers."""

from __future__ import annotations

import io
import os
import stat
import tarfile
from pathlib import Path

import pytest
from tests.integration.test_build import Context
from tests.support.roots import Root

from dockyard import Engine
from dockyard.build import sight
from dockyard.build.context import Entry, Tree
from dockyard.build.ops.copy import Destination
from dockyard.errors import BuildError, HostileInput, InvalidInput

LIST = "cd /%s && find . | sort | while read -r f; do stat -c '%%a %%u:%%g %%n' \"$f\"; done"


@pytest.fixture
def context(engine: Engine, tmp_path: Path) -> Context:
    return Context(engine, tmp_path)


def entries(context: Context, directory: str) -> list[str]:
    """Mode, owner and name of all in a directory of the image."""
    return context.show(LIST % directory)


def names(context: Context, directory: str) -> list[str]:
    return context.show(f"cd /{directory} && find . ! -type d | sort")


def test_exclude_leaves_out_of_directories_what_its_patterns_match(context: Context) -> None:
    """As BuildKit: relative to each source, `!` brings back, named files are always copied."""
    for name in ("a.txt", "d/a.txt", "d/b.md", "d/keep.md", "d/sub/c.txt", "d/sub/d.md"):
        context.write(name, name)
    context.build(
        "FROM busybox\n"
        "COPY --exclude=*.txt --exclude=sub/*.md d /one/\n"
        "COPY --exclude=**/*.txt d /two/\n"
        "COPY --exclude=*.md --exclude=!keep.md d /three/\n"
        "COPY --exclude=*.txt a.txt d/* /four/\n"
        "ADD --exclude=sub d /five/\n"
        "COPY --exclude=d/sub . /six/\n"
    )

    assert names(context, "one") == ["./b.md", "./keep.md", "./sub/c.txt"]
    assert names(context, "two") == ["./b.md", "./keep.md", "./sub/d.md"]
    assert names(context, "three") == ["./a.txt", "./keep.md", "./sub/c.txt", "./sub/d.md"]
    assert names(context, "four") == ["./a.txt", "./b.md", "./d.md", "./keep.md"]
    assert names(context, "five") == ["./a.txt", "./b.md", "./keep.md"]
    assert names(context, "six") == ["./Dockerfile", "./a.txt", "./d/a.txt", "./d/b.md",
                                     "./d/keep.md"]  # fmt: skip


def test_parents_keeps_directories_from_the_pivot_on(context: Context) -> None:
    for name in ("x/a.txt", "y/a.txt", "x/y/b.txt", "x/y/c.md", "q/r/z"):
        context.write(name, name)
    (context.path / "x" / "y").chmod(0o750)
    context.build(
        "FROM busybox\n"
        "COPY --parents x/a.txt y/a.txt /plain/\n"
        "COPY --parents x/./y/*.txt /pivot/\n"
        "COPY --parents ./x/./y ./q/r/ /many/\n"
        "COPY --parents **/*.txt /star/\n"
        "COPY --parents --exclude=**/*.md x /out\n"
        "COPY --parents nothing/*.x /none/\n"
        "COPY --from=busybox --parents /bin/./busybox /stage/\n"
    )

    assert names(context, "plain") == ["./x/a.txt", "./y/a.txt"]
    assert entries(context, "pivot") == ["755 0:0 .", "750 0:0 ./y", "644 0:0 ./y/b.txt"]
    assert names(context, "many") == ["./q/r/z", "./y/b.txt", "./y/c.md"]
    assert names(context, "star") == ["./x/a.txt", "./x/y/b.txt", "./y/a.txt"]
    assert names(context, "out") == ["./x/a.txt", "./x/y/b.txt"]
    assert names(context, "stage") == ["./busybox"]
    with pytest.raises(BuildError, match='"/x/none": not found'):
        context.build("FROM busybox\nCOPY --parents x/none /d/\n")


def test_names_that_are_not_utf_8_are_copied(context: Context) -> None:
    bad = os.fsdecode(b"bad\xff")
    context.write(f"{bad}/{bad}", "content")
    (context.path / f"link{bad}").symlink_to(bad)
    script = "printf '/made\\377' > /name; echo made > $(cat /name)"
    steps = (
        f"FROM busybox AS made\nRUN {script}\nFROM busybox\nCOPY . /context\n"
        "COPY --from=made /made* /made/\n"
        "RUN --mount=target=/m --mount=from=made,target=/n cat /m/bad*/* /n/made* > /seen\n"
    )
    first = context.build(steps)

    assert context.show("cat /context/link*/* /made/* /seen | tr '\\n' ' '; ls /context") == [
        "contentmade contentmade Dockerfile", "bad?", "linkbad?",
    ]  # fmt: skip
    assert context.build(steps).id == first.id
    assert set(context.kinds()) == {"cached"}
    (context.path / f"link{bad}").unlink()
    (context.path / f"link{bad}").symlink_to(os.fsdecode(b"bad\xfe"))
    assert context.build(steps).id != first.id


def test_link_stands_alone(context: Context) -> None:
    """Nothing of the parent counts: its links aren't followed, its directories are covered."""
    context.write("a", "a")
    context.write("d/b", "b")
    base = (
        "FROM busybox\n"
        "RUN mkdir -m 700 /real /perm && ln -s /real /lnk && mkdir /was && echo %s > /made\n"
    )
    steps = (
        "COPY --link a /lnk/a\nCOPY --link --chown=5:6 d /perm/\nCOPY --link a /was\n"
        "WORKDIR /w\nCOPY --link a b\n"
    )
    context.build(base % 1 + steps)

    assert context.show("test -L /lnk || ls /lnk; ls /real; cat /was; cat /w/b") == ["a", "aa"]
    assert entries(context, "perm") == ["755 5:6 .", "644 5:6 ./b"]
    context.build(base % 2 + steps)
    assert context.kinds() == ["done", "cached", "cached", "cached", "done", "cached"]
    assert context.show("cat /made; ls /lnk") == ["2", "a"]


def test_link_with_a_users_name_finds_it_in_the_image(context: Context) -> None:
    context.write("a", "a")
    context.build("FROM busybox\nCOPY --link --chown=app:staff a /x/a\n")

    assert entries(context, "x") == ["755 1000:50 .", "644 1000:50 ./a"]


def test_destinations_have_nothing_of_the_source_directory(context: Context) -> None:
    """Made with 0755, or what --chmod says in octal; what is below keeps its own mode."""
    context.write("d/s/f", "", mode=0o640)
    (context.path / "d").chmod(0o711)
    (context.path / "d" / "s").chmod(0o700)
    context.build(
        "FROM busybox\nCOPY d /plain\nCOPY --chmod=1711 d /oct/al\nCOPY --chmod=g+w,o= d /sym\n"
        "COPY --chmod=777 d/s/f /wide/\n"
    )

    assert entries(context, "plain") == ["755 0:0 .", "700 0:0 ./s", "640 0:0 ./s/f"]
    assert entries(context, "oct") == ["711 0:0 .", "711 0:0 ./al", "1711 0:0 ./al/s",
                                       "1711 0:0 ./al/s/f"]  # fmt: skip
    assert entries(context, "sym") == ["755 0:0 .", "720 0:0 ./s", "660 0:0 ./s/f"]
    assert entries(context, "wide") == ["755 0:0 .", "777 0:0 ./f"]


def test_what_is_ignored_is_not_there_for_links_either(context: Context) -> None:
    context.write("real/f", "f")
    context.write(".dockerignore", "through\nhidden\n")
    (context.path / "through").symlink_to("real")
    context.write("hidden/f", "f")
    (context.path / "to-hidden").symlink_to("hidden/f")
    (context.path / "out").symlink_to("/etc/passwd")
    (context.path / "up").symlink_to("../../../../etc/passwd")
    for source in ("through/f", "through", "to-hidden", "out", "up", "through/*"):
        with pytest.raises(BuildError, match="not found"):
            context.build(f"FROM busybox\nCOPY {source} /x\n")
    context.build("FROM busybox\nCOPY ../../real/f /x\nCOPY real /d\n")
    assert context.show("cat /x") == ["f"]


@pytest.mark.parametrize("kind", ["", "gz", "bz2", "xz", "zst"])
def test_add_unpacks_archives_of_the_context(context: Context, kind: str) -> None:
    packed = io.BytesIO()
    mode = "w" if kind in {"", "zst"} else f"w:{kind}"
    with tarfile.open(fileobj=packed, mode=mode) as tar:  # type: ignore[call-overload]  # a mode
        member = tarfile.TarInfo("in/f")
        member.size, member.uid, member.mode = 1, 7, 0o600
        tar.addfile(member, io.BytesIO(b"x"))
    data = packed.getvalue()
    if kind == "zst":
        import zstandard

        data = zstandard.ZstdCompressor().compress(data)
    (context.path / "t").write_bytes(data)
    context.build(
        "FROM busybox\nADD t /u\nADD --unpack=false t /p/\nADD --chown=3:4 --chmod=711 t /o\n"
    )

    assert entries(context, "u") == ["755 0:0 .", "755 0:0 ./in", "600 7:0 ./in/f"]
    assert names(context, "p") == ["./t"]
    assert entries(context, "o") == ["755 3:4 .", "755 0:0 ./in", "600 3:4 ./in/f"]


def test_an_archive_that_tries_to_leave_is_refused(context: Context) -> None:
    with tarfile.open(context.path / "t", "w") as tar:
        link = tarfile.TarInfo("l")
        link.type, link.linkname = tarfile.SYMTYPE, "/"
        tar.addfile(link)
        tar.addfile(tarfile.TarInfo("l/../../escaped"))
    with pytest.raises(HostileInput, match="tries to leave") as caught:
        context.build("FROM busybox\nADD t /u/\n")
    assert "ADD t /u/" in (caught.value.context or "")
    assert "l/../../escaped" in caught.value.message + (caught.value.context or "")


def test_triggers_run_in_the_child_and_not_in_the_grandchild(context: Context) -> None:
    context.write("f", "f")
    context.engine.build(
        str(context.path), tag="parent",
        dockerfile=str(context.write("Parent", (
            "FROM busybox\nONBUILD COPY f /from-parent\nONBUILD ARG V=1\n"
            'ONBUILD RUN echo "$V" > /v\nONBUILD COPY --from=other /x /x\n'
        ))),
    )  # fmt: skip
    assert context.engine.resolve("parent").config.config.on_build == (
        "COPY f /from-parent", "ARG V=1", 'RUN echo "$V" > /v', "COPY --from=other /x /x",
    )  # fmt: skip
    child = "FROM busybox AS other\nRUN echo y > /x\nFROM parent\nRUN cat /v /x > /w\n"
    made = context.build(child, build_args={"V": "2"})

    assert context.show("cat /from-parent /w") == ["f2", "y"]
    assert made.config.config.on_build is None
    context.build("FROM made AS a\nONBUILD RUN touch /stage\nFROM a\nRUN rm /v\nFROM a\n")
    assert context.show("ls /stage; cat /v") == ["/stage", "2"]


def test_health_checks_are_as_docker_writes_them(context: Context) -> None:
    made = context.build(
        "FROM scratch\n"
        "HEALTHCHECK --interval=1m30s --timeout=5s --start-period=10s --start-interval=500ms"
        " --retries=7 CMD a b\n"
    )
    check = made.config.config.healthcheck
    assert check is not None
    assert (check.test, check.interval, check.timeout) == (("CMD-SHELL", "a b"), 90 * 10**9,
                                                           5 * 10**9)  # fmt: skip
    assert (check.start_period, check.start_interval, check.retries) == (10**10, 5 * 10**8, 7)
    assert made.config.history[-1].created_by == (
        'HEALTHCHECK &{["CMD-SHELL" "a b"] "1m30s" "5s" "10s" "500ms" \'\\a\'}'
    )
    none = context.build("FROM made\nHEALTHCHECK NONE\n").config.config.healthcheck
    assert none is not None
    assert none.test == ("NONE",)


def test_an_image_for_another_platform_needs_no_run(context: Context, root: Root) -> None:
    context.write("f", "f")
    text = (
        "FROM --platform=$BUILDPLATFORM busybox AS work\nARG TARGETARCH TARGETVARIANT BUILDARCH\n"
        'RUN echo "$TARGETARCH$TARGETVARIANT $TARGETPLATFORM" > /told\n'
        "FROM scratch\nCOPY --from=work /told /told\n"
    )
    made = context.build(text, platform="linux/arm/v7")
    assert (made.config.architecture, made.config.variant) == ("arm", "v7")
    context.build("FROM busybox\nCOPY --from=made /told /\n")
    assert context.show("cat /told") == ["armv7 "]
    with pytest.raises(BuildError, match="can't run on this host") as caught:
        context.build("FROM scratch\nCOPY f /\nRUN true\n", platform="linux/s390x")
    assert "Dockerfile:3" in (caught.value.context or "")
    with pytest.raises(BuildError, match="does not match the specified platform"):
        context.build("FROM --platform=linux/s390x busybox\n")
    done = root.cli("build", "--platform", "linux/nonsense", str(context.path))
    assert done.returncode == 1
    assert "invalid platform" in done.stderr


def test_named_contexts_take_the_place_of_stages_and_images(
    context: Context, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    context.write("other/f", "other")
    context.write("other/no", "")
    context.write("other/.dockerignore", "no\n")
    context.write("f", "own")
    text = (
        "FROM busybox AS lib\nRUN exit 1\n"
        "FROM debian:nothing AS base\n"
        "FROM base\nCOPY f /own\nCOPY --from=lib . /lib/\n"
        "RUN --mount=from=lib,target=/m cp /m/f /mounted\n"
    )
    context.build(text, contexts={"lib": str(other), "debian:nothing": "docker-image://busybox"})

    assert context.show("cat /own; echo; cat /mounted; echo; ls -A /lib") == [
        "own", "other", ".dockerignore", "f",
    ]  # fmt: skip
    (other / "f").write_text("changed")
    context.build(text, contexts={"lib": str(other), "debian:nothing": "docker-image://busybox"})
    assert context.show("cat /lib/f /mounted") == ["changedchanged"]
    context.build("FROM lib\nCOPY f /own\n", contexts={"lib": str(other)})
    context.build("FROM busybox\nCOPY --from=made / /all/\n")
    assert names(context, "all") == ["./.dockerignore", "./f", "./own"]


def test_frontends(context: Context) -> None:
    context.build("# syntax=docker.io/docker/dockerfile:1-labs\nFROM scratch\nLABEL a=b\n")
    with pytest.raises(BuildError, match="frontend example/front:1 is not supported") as caught:
        context.build("# syntax=example/front:1\nFROM scratch\n")
    assert "Dockerfile:1" in (caught.value.context or "")
    with pytest.raises(InvalidInput, match="BUILDKIT_SYNTAX"):
        context.build("FROM scratch\n", build_args={"BUILDKIT_SYNTAX": "example/front:1"})


def test_the_mark_of_a_deleted_file_is_refused_by_its_path(context: Context) -> None:
    """A whiteout, as it is in the upper directory of an overlay that somebody copied."""
    context.write("d/file", "x")
    os.mknod(context.path / "d" / "gone", stat.S_IFCHR, os.makedev(0, 0))
    os.mknod(context.path / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    with pytest.raises(BuildError, match="cannot copy /d/gone: no device 0:0") as caught:
        context.build("FROM busybox\nCOPY d /d\n")
    assert "--exclude" in (caught.value.hint or "")
    context.build("FROM busybox\nCOPY --exclude=gone d /d\nCOPY null /d/\n")
    assert context.show("stat -c '%F %t:%T' /d/null; ls /d") == [
        "character special file 1:3", "file", "null",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "in_a_tick"),
    [("COPY data /seen", False), ("COPY data /seen", True),
     ("RUN --mount=target=/c cp /c/data /seen", False)],
)  # fmt: skip
def test_a_file_that_changes_between_digest_and_copy_is_kept_as_what_it_is(
    line: str, in_a_tick: bool, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    if in_a_tick:  # as if the change had left the file's times
        monkeypatch.setattr(sight, "_TICK", 10**18)
        monkeypatch.setattr(sight.Sight, "changed", lambda *_: None)
    changes: list[str] = []

    def copy_entry(target: Destination, tree: Tree, entry: Entry, path: str) -> None:
        if changes and entry.name == "data":
            context.write("data", changes.pop())
        copied(target, tree, entry, path)

    copied = Destination.copy_entry
    monkeypatch.setattr(Destination, "copy_entry", copy_entry)
    context.write("data", "before")
    changes.append("after")
    context.build(f"FROM busybox\n{line}\n")
    assert context.show("cat /seen") == ["after"]

    context.write("data", "before")
    context.build(f"FROM busybox\n{line}\n")
    assert context.show("cat /seen") == ["before"]

    changes += map(str, range(100))
    context.write("data", "other")
    context.build(f"FROM busybox\n{line}\n")
    assert any(b"/data changes all the time" in event.data for event in context.events)
    for _ in range(2):
        changes.clear()
        context.write("data", "other")
        context.build(f"FROM busybox\n{line}\n")
        assert context.show("cat /seen") == ["other"]
    assert context.kinds() == ["cached"]
