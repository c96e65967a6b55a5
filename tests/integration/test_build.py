"""Building images: what Docker's rules say ends up in them, what the cache keeps, how it fails."""

from __future__ import annotations

import io
import os
import socket
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
from tests.support.roots import Root, foreground

from dockyard import Engine
from dockyard.build.progress import Event
from dockyard.errors import BuildError, DockyardError, InvalidInput, NotFound, RegistryError
from dockyard.images.model import Image
from dockyard.system.files import remove_tree


class Context:
    """A directory with a Dockerfile, and builds of it."""

    def __init__(self, engine: Engine, path: Path) -> None:
        self.engine = engine
        self.path = path
        self.events: list[Event] = []

    def write(self, name: str, text: str = "", *, mode: int = 0o644) -> Path:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)
        return file

    def build(self, dockerfile: str, **options: object) -> Image:
        self.write("Dockerfile", dockerfile)
        self.events.clear()
        return self.engine.build(str(self.path), tag="made", listener=self.events.append, **options)  # type: ignore[arg-type]  # options by name

    def kinds(self) -> list[str]:
        """How each step but the base ended, in the Dockerfile's order."""
        ends = {"cached", "done", "failed", "canceled"}
        last = {event.step: event for event in self.events if event.kind in ends}
        return [last[step].kind for step in sorted(last) if " FROM " not in last[step].name]

    def show(self, script: str) -> list[str]:
        """What a shell script prints in the image."""
        container, output = foreground(self.engine, "sh", "-c", script, image="made")
        assert container.exit_code == 0, output.stderr
        return output.text.splitlines()


@pytest.fixture
def context(engine: Engine, tmp_path: Path) -> Context:
    return Context(engine, tmp_path)


def test_copy_follows_dockers_rules_for_destinations(context: Context) -> None:
    context.write("a.txt", "a")
    context.write("dir/b.txt", "b")
    context.write("dir/sub/c.txt", "c")
    context.build(
        "FROM busybox\n"
        "COPY a.txt /file\n"  # no slash: the destination is the file's name
        "COPY a.txt /into/\n"  # a slash: a directory, made if missing
        "COPY dir /dir\n"  # a directory: its content, not itself
        "COPY dir /etc\n"  # merged with what is there
        "COPY a.txt dir /both/\n"
        "WORKDIR /work\n"
        "COPY a.txt .\n"
        "COPY a.txt rel/x\n"
    )

    assert context.show(
        "cat /file /into/a.txt /dir/b.txt /dir/sub/c.txt /etc/b.txt; echo; ls /both /work;"
        "test -f /etc/passwd && cat /work/rel/x"
    ) == ["aabcb"[:2] + "bcb", "/both:", "a.txt", "b.txt", "sub", "", "/work:", "a.txt", "rel", "a"]


def test_copied_files_are_roots_with_their_mode_and_directories_755(context: Context) -> None:
    script = context.write("bin/run", "#!/bin/sh\n", mode=0o755)
    os.chown(script, 1234, 1234)
    context.write("secret", mode=0o600)
    context.build("FROM busybox\nCOPY bin /opt/deep/bin\nCOPY secret /secret\n")

    assert context.show("stat -c '%a %u:%g' /opt /opt/deep/bin/run /secret") == [
        "755 0:0", "755 0:0", "600 0:0",
    ]  # fmt: skip


def test_chown_by_name_and_number_and_chmod(context: Context) -> None:
    context.write("f")
    context.build(
        "FROM busybox\n"
        "COPY --chown=app f /a\nCOPY --chown=app:staff f /b\nCOPY --chown=7:8 f /c\n"
        "COPY --chown=9 f /d\nCOPY --chmod=4711 f /e\nCOPY --chown=app --chmod=u=rw,go= f /new/g\n"
    )

    assert context.show("stat -c '%u:%g %a' /a /b /c /d /e /new/g /new") == [
        "1000:1001 644", "1000:50 644", "7:8 644", "9:9 644", "0:0 4711", "1000:1001 600",
        "1000:1001 755",
    ]  # fmt: skip


def test_an_unknown_owner_names_the_line(context: Context) -> None:
    context.write("f")
    with pytest.raises(BuildError, match="unable to find user ghost") as caught:
        context.build("FROM busybox\nCOPY --chown=ghost f /\n")
    assert "2 | " in (caught.value.context or "")


def test_a_destination_under_a_linked_directory_lands_behind_the_link(context: Context) -> None:
    context.write("lib/libx.so", "x")
    context.build(
        "FROM busybox\nRUN mkdir -p /usr/lib /abs && ln -s usr/lib /lib && ln -s /abs /link\n"
        "COPY lib /lib\nCOPY lib/libx.so /link/y\n"
    )

    assert context.show("readlink /lib; cat /usr/lib/libx.so /abs/y; readlink /link") == [
        "usr/lib", "xx/abs",
    ]  # fmt: skip


def test_no_link_of_the_image_leads_out_of_it(context: Context, tmp_path: Path) -> None:
    victim = tmp_path.parent / "victim"
    context.write("f", "x")
    context.build(f"FROM busybox\nRUN ln -s ../../../../../../../..{victim} /out\nCOPY f /out/f\n")

    assert not victim.exists()
    assert context.show(f"cat {victim}/f") == ["x"]


def test_links_of_the_context_are_followed_when_named_and_kept_inside_directories(
    context: Context,
) -> None:
    context.write("real/file", "r")
    (context.path / "named").symlink_to("real/file")
    (context.path / "tree").mkdir()
    (context.path / "tree" / "inner").symlink_to("../real/file")
    context.build("FROM busybox\nCOPY named /named\nCOPY tree /tree\n")

    assert context.show("test -L /named || cat /named; readlink /tree/inner") == ["r../real/file"]


def test_links_that_leave_the_context_find_nothing(context: Context, tmp_path: Path) -> None:
    (tmp_path.parent / "outside").write_text("secret")
    (context.path / "escape").symlink_to("../outside")
    with pytest.raises(BuildError, match="not found"):
        context.build("FROM busybox\nCOPY escape /x\n")
    with pytest.raises(BuildError, match="not found"):
        context.build("FROM busybox\nCOPY ../outside /x\n")


def test_wildcards_and_missing_sources(context: Context) -> None:
    for name in ("a1.txt", "a2.txt", "b.md"):
        context.write(name, name)
    context.build("FROM busybox\nCOPY a?.txt *.md /x/\n")
    assert context.show("ls /x") == ["a1.txt", "a2.txt", "b.md"]

    with pytest.raises(BuildError, match='"/nothing": not found') as caught:
        context.build("FROM busybox\nCOPY nothing /x/\n")
    assert "COPY nothing /x/" in (caught.value.context or "")
    with pytest.raises(BuildError, match="destination must be a directory"):
        context.build("FROM busybox\nCOPY a1.txt a2.txt /one\n")


def test_dockerignore_leaves_out_and_takes_back(context: Context) -> None:
    context.write(".dockerignore", "*.log\nsecret\n**/cache\n!keep.log\n")
    for name in ("a.log", "keep.log", "secret/key", "deep/cache/x", "deep/y"):
        context.write(name, name)
    context.build("FROM busybox\nCOPY . /x\n")

    assert context.show("cd /x && find . -type f | sort") == [
        "./.dockerignore", "./Dockerfile", "./deep/y", "./keep.log",
    ]  # fmt: skip
    with pytest.raises(BuildError, match="not found"):
        context.build("FROM busybox\nCOPY secret/key /x\n")


def test_add_makes_the_nodes_of_an_archive_which_are_dead(context: Context) -> None:
    """A tree of debootstrap's has a few; in a container they open nothing of the host."""
    with tarfile.open(context.path / "dev.tar", "w") as archive:
        for name, major, minor in (("null", 1, 3), ("disk", 259, 65535)):
            info = tarfile.TarInfo(name)
            info.type, info.devmajor, info.devminor, info.mode = (
                tarfile.CHRTYPE,
                major,
                minor,
                0o666,
            )
            archive.addfile(info)
    context.build("FROM busybox\nADD dev.tar /x/\n")
    assert context.show(
        "cd /x; stat -c '%n %F %t:%T %a' null disk; (: < disk) 2>&1 | grep -c 'not permitted'"
    ) == [
        "null character special file 1:3 666", "disk character special file 103:ffff 666", "1",
    ]  # fmt: skip


def test_a_very_deep_tree_is_copied_from_a_stage(context: Context) -> None:
    """Deeper than the interpreter's recursion limit."""
    context.build(
        "FROM busybox AS made\n"
        "RUN mkdir -p $(printf 'd/%.0s' $(seq 1200))\n"
        "FROM busybox\n"
        "COPY --from=made /d /copy\n"
    )
    assert context.show("find /copy -type d | wc -l") == ["1200"]


def test_a_dockerfile_that_is_not_utf_8_is_named_with_its_line(context: Context) -> None:
    (context.path / "Latin").write_bytes(b"FROM busybox\nLABEL name=caf\xe9\n")
    with pytest.raises(BuildError, match="not UTF-8") as caught:
        context.engine.build(str(context.path), dockerfile=str(context.path / "Latin"))
    assert "Latin:2" in (caught.value.context or "")
    assert r"caf\xe9" in (caught.value.context or "")
    assert caught.value.hint


def test_add_unpacks_archives_and_copies_others(context: Context) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        info = tarfile.TarInfo("top/file")
        info.size, info.uid, info.mode = 2, 1000, 0o640
        archive.addfile(info, io.BytesIO(b"hi"))
    (context.path / "a.tar.gz").write_bytes(buffer.getvalue())
    context.write("plain.gz", "no archive")
    context.build("FROM busybox\nADD a.tar.gz /un\nCOPY a.tar.gz /kept/\nADD plain.gz /p\n")

    assert context.show("cat /un/top/file; stat -c ' %u %a' /un/top/file; ls /kept; cat /p") == [
        "hi 1000 640",
        "a.tar.gz",
        "no archive",
    ]


def test_an_archive_cannot_leave_its_place(context: Context, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "evil.tar", "w") as archive:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path.parent)
        archive.addfile(link)
        for name in ("link/pwned", "../../pwned", "/pwned"):
            info = tarfile.TarInfo(name)
            info.size = 1
            archive.addfile(info, io.BytesIO(b"x"))
    try:
        context.build("FROM busybox\nADD evil.tar /a/b/\n")
    except DockyardError as error:
        assert error.message  # noqa: PT017  # either refused, or kept inside
    assert not (tmp_path.parent / "pwned").exists()
    assert not Path("/pwned").exists()


def test_heredocs_make_files_and_scripts(context: Context) -> None:
    context.build(
        "FROM busybox\nENV WHO=world\n"
        "COPY <<one <<'two' /etc/made/\nhello $WHO\none\nhello $WHO\ntwo\n"
        "RUN <<EOF\necho first > /r\necho second >> /r\nEOF\n"
        'RUN <<EOF\n#!/bin/awk -f\nBEGIN { print "awk" > "/awk" }\nEOF\n'
    )

    assert context.show("cat /etc/made/one /etc/made/two /r /awk") == [
        "hello world", "hello $WHO", "first", "second", "awk",
    ]  # fmt: skip


def test_stages_give_files_and_unused_ones_are_not_built(context: Context) -> None:
    context.build(
        "FROM busybox AS model\nRUN mkdir /m && echo weights > /m/w && chown -R app /m\n"
        "FROM busybox AS broken\nRUN exit 1\n"
        "FROM busybox\nCOPY --from=model /m /model\nCOPY --from=0 /m/w /w\n"
    )

    assert context.show("cat /model/w /w; stat -c %u /model/w") == ["weights", "weights", "1000"]
    assert not any("broken" in event.name for event in context.events)


def test_a_target_builds_only_that_stage(context: Context) -> None:
    text = "FROM busybox AS one\nRUN echo 1 > /n\nFROM one AS two\nRUN echo 2 > /n\n"
    context.build(text, target="one")
    assert context.show("cat /n") == ["1"]
    with pytest.raises(InvalidInput, match='target stage "tow" could not be found') as caught:
        context.build(text, target="tow")
    assert "two" in (caught.value.hint or "")


def test_metadata_is_in_the_image(context: Context) -> None:
    image = context.build(
        "FROM busybox\nARG V=1\nENV A=${V} B='two words'\nLABEL k=v\nWORKDIR /srv/app\nUSER app\n"
        "EXPOSE 80 53/udp\nVOLUME /data\nSTOPSIGNAL SIGINT\n"
        'HEALTHCHECK --interval=5s CMD true\nENTRYPOINT ["echo"]\nCMD ["hi"]\n',
        build_args={"V": "9"}, labels={"x": "y"},
    )  # fmt: skip
    config = image.config.config

    assert {"A=9", "B=two words"} <= set(config.env)
    assert (config.labels, config.working_dir, config.user) == (
        {"k": "v", "x": "y"}, "/srv/app", "app",
    )  # fmt: skip
    assert set(config.exposed_ports) == {"80/tcp", "53/udp"}
    assert (set(config.volumes), config.stop_signal) == ({"/data"}, "SIGINT")
    assert (config.entrypoint, config.cmd) == (("echo",), ("hi",))
    assert config.healthcheck is not None
    assert foreground(context.engine, image="made")[1].text == "hi\n"


def test_run_sees_args_but_the_image_does_not(context: Context) -> None:
    image = context.build(
        "FROM busybox\nARG TOKEN=t\nRUN echo $TOKEN > /seen\n", build_args={"TOKEN": "given"}
    )

    assert context.show("cat /seen; echo [$TOKEN]") == ["given", "[]"]
    assert not any("TOKEN" in entry for entry in image.config.config.env)


def test_a_second_build_is_all_cached_and_the_same(context: Context) -> None:
    text = "FROM busybox\nWORKDIR /w\nCOPY f .\nRUN echo made > /m\nRUN true\n"
    context.write("f", "1")
    first = context.build(text)
    assert context.kinds() == ["done"] * 4
    second = context.build(text)

    assert context.kinds() == ["cached"] * 4
    assert second.id == first.id


def test_the_same_step_twice_is_one_layer_twice(context: Context) -> None:
    """From the cache both are one directory, which overlayfs refuses as two lower ones."""
    context.write("f", "content")
    steps = "FROM busybox\nCOPY f /top/f\nRUN rm /top/f\nCOPY f /top/f\n"
    context.build(steps)
    image = context.build(steps + "RUN cat /top/f > /seen\n")

    assert context.kinds() == ["cached", "cached", "cached", "done"]
    assert image.layers[-2].id == image.layers[-4].id
    assert context.show("cat /top/f /seen") == ["contentcontent"]


def test_a_changed_file_redoes_the_steps_from_there(context: Context) -> None:
    text = "FROM busybox\nRUN echo before > /b\nCOPY f /f\nRUN cat /f > /g\n"
    context.write("f", "1")
    context.build(text)
    context.write("f", "2")
    context.build(text)

    assert context.kinds() == ["cached", "done", "done"]
    assert context.show("cat /g") == ["2"]


def test_only_content_counts_for_the_cache(context: Context) -> None:
    text = "FROM busybox\nCOPY . /x\n"
    file = context.write("f", "1")
    context.build(text)
    os.utime(file, (1, 1))
    context.build(text)
    assert context.kinds() == ["cached"]
    file.chmod(0o755)
    context.build(text)
    assert context.kinds() == ["done"]


def test_a_failed_build_keeps_its_finished_steps(context: Context, root: Root) -> None:
    done = "FROM busybox\nRUN cat /proc/sys/kernel/random/uuid > /made\n"
    with pytest.raises(BuildError):
        context.build(f"{done}RUN false\n")
    assert context.kinds() == ["done", "failed"]
    with pytest.raises(BuildError):
        context.build(f"{done}RUN false\n")
    assert context.kinds() == ["cached", "failed"]
    context.build(f"{done}RUN true\n")

    assert context.kinds() == ["cached", "done"]
    assert root.leftovers() == []


def test_a_layer_deleted_by_hand_is_named_with_the_way_out(context: Context, root: Root) -> None:
    text = "FROM busybox\nRUN echo made > /made\n"
    image = context.build(text)
    remove_tree(root.paths.layer(image.layers[-1].id))
    done = root.cli("run", "--rm", "made", "true")
    short = image.id.removeprefix("sha256:")[:12]
    assert f"a layer of the image {short} is missing" in done.stderr, done.stderr
    assert f"dockyard rmi -f {short}, dockyard builder prune -a" in done.stderr
    root.cli("rmi", "-f", short, check=True)
    root.cli("builder", "prune", "-af", check=True)
    context.build(text)

    assert context.show("cat /made") == ["made"]


def test_no_cache_does_all_again(context: Context) -> None:
    text = "FROM busybox\nRUN echo x > /x\n"
    first = context.build(text)
    second = context.build(text, no_cache=True)

    assert context.kinds() == ["done"]
    assert second.id == first.id


@pytest.mark.parametrize("change", ["ENV A=1\n", "USER app\n", "WORKDIR /tmp\n", "ARG A=1\n"])
def test_what_a_step_sees_is_part_of_its_key(context: Context, change: str) -> None:
    context.build("FROM busybox\nRUN id > /dev/null\n")
    context.build(f"FROM busybox\n{change}RUN id > /dev/null\n")

    assert context.kinds()[-1] == "done"


def test_a_failing_step_shows_its_line_and_last_words(context: Context) -> None:
    with pytest.raises(BuildError) as caught:
        context.build("FROM busybox\nRUN echo fine\nRUN echo last words >&2; exit 7\n")
    error = caught.value

    assert "exit code: 7" in error.message
    assert "Dockerfile:3" in (error.context or "")
    assert "last words" in (error.context or "")
    assert context.kinds() == ["done", "failed"]
    with pytest.raises(NotFound):
        context.engine.images.find("made")


def test_a_build_ends_with_what_the_checks_found(context: Context, root: Root) -> None:
    found = (
        " 2 warnings found (use dockyard build --check to expand):\n"
        " - FromAsCasing: 'as' and 'FROM' keywords' casing do not match (line 1)\n"
        " - MaintainerDeprecated: Maintainer instruction is deprecated in favor of using label"
        " (line 2)\n"
    )
    text = "FROM busybox as base\nMAINTAINER joe\n"
    context.write("Dockerfile", text)
    done = root.cli("build", str(context.path), check=True)
    assert found in done.stderr
    assert root.cli("build", "-q", str(context.path), check=True).stderr == ""
    context.write("Dockerfile", f"{text}RUN false\n")
    failed = root.cli("build", str(context.path))
    assert (failed.returncode != 0, found in failed.stderr) == (True, True), failed.stderr
    context.write("Dockerfile", f"# check=skip=all\n{text}")
    assert "warning" not in root.cli("build", str(context.path), check=True).stderr


def test_a_missing_program_and_shell_are_explained(context: Context) -> None:
    for program, line in (
        ("nosuch", 'RUN ["nosuch", "x"]'),
        ("/no/such", 'SHELL ["/no/such", "-c"]\nRUN true'),
    ):
        with pytest.raises(BuildError, match="exit code: 127") as caught:
            context.build(f"FROM busybox\n{line}\n")
        assert f"{program} is not in the image" in str(caught.value.hint)


def test_a_missing_base_says_which_bootstrap_makes_it(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(host: str, *_: object, **__: object) -> NoReturn:
        raise socket.gaierror(socket.EAI_NONAME, f"{host} is not asked for by tests")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(RegistryError, match="there is no host") as caught:
        context.build("FROM python:3.13\n")
    assert "dockyard bootstrap python:3.13" in (caught.value.hint or "")
    assert "Dockerfile:1" in (caught.value.context or "")


def test_scratch_is_empty(context: Context) -> None:
    context.build(
        "FROM busybox AS b\nFROM scratch\nCOPY --from=b /bin/busybox /bin/sh\nRUN exit 0\n"
    )

    assert context.show("echo /*") == ["/bin /dev /etc /proc /sys"]


def test_a_step_leaves_no_trace_of_the_engine(context: Context) -> None:
    context.build("FROM scratch AS empty\nFROM busybox\nRUN echo x > /x; env > /environment\n")

    assert context.show("ls -A /; cat /etc/resolv.conf | wc -c") != []
    layers = context.engine.images.find("made").layers
    names = sorted(os.listdir(context.engine.paths.layer(layers[-1].id)))
    assert names == ["environment", "x"]


def test_deletions_and_replacements_of_lower_files_hold(context: Context) -> None:
    context.build(
        "FROM busybox\nRUN mkdir /d && touch /d/a /d/b /gone && ln -s a /d/l\n"
        "RUN rm /gone /d/a && rm -r /d && mkdir /d && touch /d/new\nRUN rm /bin/vi\n"
    )

    assert context.show("ls -A /d; test -e /gone; echo $?; test -e /bin/vi; echo $?") == [
        "new", "1", "1",
    ]  # fmt: skip


def test_a_step_without_changes_has_no_layer(context: Context) -> None:
    base = context.engine.images.find("busybox")
    image = context.build("FROM busybox\nRUN true\nRUN echo x > /dev/null\n")

    assert len(image.layers) == len(base.layers)
    assert [entry.empty_layer for entry in image.config.history[-2:]] == [True, True]


def test_independent_stages_run_at_the_same_time(context: Context) -> None:
    context.build(
        "FROM busybox AS a\nRUN sleep 0.6\nFROM busybox AS b\nRUN sleep 0.6; touch /b\n"
        "FROM busybox\nCOPY --from=b /b /b\nCOPY --from=a /etc/passwd /p\n"
    )
    started = {e.name: e.time for e in context.events if e.kind == "started" and "RUN" in e.name}
    done = {e.name: e.time for e in context.events if e.kind == "done" and "RUN" in e.name}

    assert max(started.values()) < min(done.values())


def test_the_same_inputs_give_the_same_image_on_another_root_later(
    make_root: Callable[[], Root], tmp_path: Path
) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "f").write_text("content")
    (tmp_path / "Dockerfile").write_text(
        "FROM python:3.11 AS tools\nRUN mkdir /t && echo t > /t/t\nFROM python:3.11\n"
        "COPY --from=tools /t /t\nCOPY app /app\nWORKDIR /app\nENV A=1\n"
        "RUN echo 'print(1)' > m.py && python -m compileall -q . \n"
        "RUN mkdir -p /var/x && touch /var/x/y\n"
        'RUN pip --version\nUSER 1000\nCMD ["python", "m.py"]\n'
    )
    found = []
    for _ in range(2):
        with make_root().engine() as engine:
            found.append(engine.build(str(tmp_path), no_cache=True))
        os.utime(tmp_path / "app" / "f", (time.time() - 1000, time.time() - 1000))
        time.sleep(1.1)

    assert found[0].config_bytes == found[1].config_bytes
    assert found[0].id == found[1].id


def test_two_builds_of_one_dockerfile_at_once_agree(context: Context, root: Root) -> None:
    context.write("f", "x" * 100000)
    context.write(
        "Dockerfile", "FROM busybox\nRUN seq 10000 > /s; sleep 0.2\nCOPY f /f\nRUN cat /f > /g\n"
    )
    builds = [root.start("build", "-q", "-t", f"made:{n}", str(context.path)) for n in range(2)]
    ids = {build.communicate(timeout=60)[0].strip() for build in builds}

    assert [build.returncode for build in builds] == [0, 0]
    assert len(ids) == 1
    engine = context.engine
    assert engine.images.find("made:0").id == engine.images.find("made:1").id


def test_a_missing_context_or_dockerfile_is_explained(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="not found"):
        engine.build(str(tmp_path / "nowhere"))
    with pytest.raises(InvalidInput, match="failed to read dockerfile"):
        engine.build(str(tmp_path))
