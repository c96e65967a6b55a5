"""RUN --mount in real builds: what steps see, what stays, what never leaks, with hostile steps."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from tests.integration.test_build import Context
from tests.support.roots import Root

from dockyard import Engine
from dockyard.build.mounts.caches import CacheMount, CacheMounts
from dockyard.errors import BuildError


@pytest.fixture
def context(engine: Engine, tmp_path: Path) -> Context:
    place = tmp_path / "context"
    place.mkdir()
    return Context(engine, place)


def caches(engine: Engine) -> tuple[CacheMount, ...]:
    return CacheMounts(engine.paths, engine.database).all()


def added(context: Context) -> list[str]:
    """Paths of what the image has above its base: one name per line, sorted."""
    image = context.engine.images.find("made")
    base = context.engine.images.find("busybox")
    found: list[str] = []
    for layer in image.layers[len(base.layers) :]:
        top = context.engine.paths.layer(layer.id)
        for directory, names, files in os.walk(top):
            found += [os.path.join(directory, name)[len(top) :] for name in names + files]
    return sorted(found)


def test_a_bind_shows_the_context_read_only_and_leaves_nothing(context: Context) -> None:
    context.write(".dockerignore", "hidden\n")
    context.write("hidden", "no")
    context.write("sub/a.txt", "a")
    os.chown(context.write("one", "1"), 1234, 1234)
    context.build(
        "FROM busybox\nWORKDIR /w\n"
        "RUN --mount=target=/src --mount=target=deep/er,source=sub --mount=target=/f,source=one "
        "cat deep/er/a.txt /f > /seen && ls -A /src >> /seen && stat -c '%u %a' /src/one >> /seen"
        " && ! touch /src/x && ! sh -c 'echo > /f'\n"
    )

    assert context.show("cat /seen") == ["a1.dockerignore", "Dockerfile", "one", "sub", "0 644"]
    assert added(context) == ["/seen", "/w"]


def test_what_is_written_to_a_bind_is_discarded(context: Context) -> None:
    context.write("file", "mine")
    context.build(
        "FROM busybox AS other\nRUN echo theirs > /file\n"
        "FROM busybox\n"
        "RUN --mount=target=/c,rw --mount=from=other,target=/o,rw echo more >> /c/file && "
        "echo more >> /o/file && rm /o/bin/busybox && cat /c/file /o/file > /seen\n"
        "RUN --mount=from=other,target=/o cat /o/file > /after && test -e /o/bin/busybox\n"
    )

    assert context.show("cat /seen /after") == ["minemore", "theirs", "more", "theirs"]
    assert (context.path / "file").read_text() == "mine"


def test_a_bind_from_a_stage_or_an_image_follows_links_inside_it(context: Context) -> None:
    context.build(
        "FROM busybox AS made\n"
        "RUN mkdir /real && echo x > /real/f && ln -s /real /link && ln -s / /etc/top\n"
        "FROM busybox\n"
        "RUN --mount=from=made,source=/link/f,target=/f --mount=from=debian:bookworm,target=/d "
        "--mount=from=made,source=/etc/top/../../real,target=/r "
        "cat /f /r/f /d/etc/debian_version > /seen\n"
    )

    seen = context.show("cat /seen")
    assert seen[:2] == ["x", "x"]
    assert seen[2].startswith("12.")
    assert added(context) == ["/seen"]


@pytest.mark.parametrize(
    ("mount", "message"),
    [
        ("source=nothing,target=/x", '"/nothing": not found'),
        ("source=../outside,target=/x", '"/outside": not found'),
        ("source=escape,target=/x", '"/escape": not found'),
        ("type=bind,target=/", 'invalid mount target "/"'),
        ("type=tmpfs,target=/proc/sys", 'invalid mount target "/proc/sys"'),
        ("type=tmpfs,target=/evil/self", "cannot mount on /evil/self: links lead it to /proc/self"),
        ("type=cache,target=/x,source=nothing", "open /nothing: no such file"),
        ("type=secret,id=token,required=true", "secret token: not found"),
        ("type=ssh,required=true", "unset ssh forward key default"),
        ("type=ssh,source=/x", "ssh does not support source"),
    ],
)
def test_mounts_that_cannot_be(context: Context, mount: str, message: str) -> None:
    (context.path.parent / "outside").write_text("secret")
    (context.path / "escape").symlink_to("../outside")
    with pytest.raises(BuildError, match=message) as caught:
        context.build(f"FROM busybox\nRUN ln -s /proc /evil\nRUN --mount={mount} cat /x\n")
    assert "3 | " in (caught.value.context or "")


def test_the_cache_key_has_what_a_bind_shows_and_nothing_of_the_others(context: Context) -> None:
    dockerfile = (
        "FROM busybox AS one\nARG X\nRUN echo $X > /noise && echo same > /used\n"
        "FROM busybox\n"
        "RUN --mount=target=/src,source=in --mount=from=one,source=/used,target=/u "
        "--mount=type=secret,id=s --mount=type=cache,target=/c cat /src/f /u > /seen\n"
    )
    context.write("in/f", "1")
    context.build(dockerfile, secrets={"s": "a"})
    context.write("other", "not mounted")
    context.write("in/f", "1")  # another time, the same content
    context.build(dockerfile, secrets={"s": "b"}, build_args={"X": "2"})
    assert context.kinds()[-1] == "cached"

    context.write("in/f", "2")
    context.build(dockerfile, build_args={"X": "2"})
    assert context.kinds()[-1] == "done"
    assert context.show("cat /seen") == ["2same"]


def test_a_cache_lasts_and_its_content_is_not_in_the_image(context: Context) -> None:
    step = "RUN --mount=type=cache,target=/var/c echo x >> /var/c/f; wc -l < /var/c/f > /seen"
    context.build(f"FROM busybox\n{step}\n")
    context.build(f"FROM busybox\n{step} # again\n")
    assert context.show("cat /seen; ls -A /var 2>/dev/null | wc -l") == ["2", "0"]

    context.build(
        "FROM busybox\nUSER app\n"
        "RUN --mount=type=cache,target=/c,id=own,uid=1000,gid=50,mode=0700 "
        "stat -c '%u %g %a' /c && touch /c/mine && ls -A /c\n"
        "RUN --mount=type=cache,target=/other,id=own,uid=1000,gid=50,mode=0700,ro "
        "test -e /other/mine && ! touch /other/no\n"
        "RUN --mount=type=cache,target=/c,id=own,uid=1000 test ! -e /c/mine\n"
    )
    assert sorted(cache.name for cache in caches(context.engine)) == ["/var/c", "own", "own"]


def test_a_cache_begins_with_what_from_has(context: Context) -> None:
    dockerfile = (
        "FROM busybox AS seed\nRUN mkdir -p /s/t && echo seed > /s/t/f && chown 7 /s/t/f\n"
        "FROM busybox\n"
        "RUN --mount=type=cache,from=seed,source=/s,target=/c "
        "cat /c/t/f && stat -c %u /c/t/f > /seen && echo 1 >> /c/t/f && cat /c/t/f >> /seen\n"
        "RUN --mount=type=cache,from=seed,source=/s,target=/c cat /c/t/f >> /seen\n"
        "RUN --mount=from=seed,target=/c cat /c/s/t/f >> /seen\n"
    )
    context.build(dockerfile)
    assert context.show("cat /seen") == ["7", "seed", "1", "seed", "1", "seed"]


def test_sharing(context: Context, tmp_path: Path) -> None:
    """Steps of one build at the same time: each mode does what it says."""
    step = (
        "RUN --mount=type=cache,id={id},target=/c,sharing={id} "
        "echo x >> /c/in; i=0; while [ $i -lt 30 ] && [ $(wc -l < /c/in) -lt 2 ]; "
        "do sleep 0.1; i=$((i+1)); done; wc -l < /c/in > /{n}\n"
    )
    stages = "".join(
        f"FROM busybox AS {mode}{n}\n" + step.format(id=mode, n=n)
        for mode in ("shared", "private")
        for n in (1, 2)
    )
    copies = "".join(
        f"COPY --from={mode}{n} /{n} /{mode}{n}\n" for mode in ("shared", "private") for n in (1, 2)
    )
    context.build(f"{stages}FROM busybox\n{copies}")

    assert context.show("cat /shared1 /shared2 /private1 /private2") == ["2", "2", "1", "1"]
    assert [cache.name for cache in caches(context.engine)].count("private") == 2


def test_locked_waits_for_another_process(root: Root, engine: Engine, tmp_path: Path) -> None:
    step = "RUN --mount=type=cache,id=one,target=/c,sharing=locked "
    for name, script in (
        ("first", "mkdir /c/held && sleep 1 && rmdir /c/held"),
        ("second", "test ! -e /c/held && mkdir /c/held && sleep 0.2 && rmdir /c/held"),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "Dockerfile").write_text(f"FROM busybox\n{step}{script}\n")
    first = root.start("build", str(tmp_path / "first"))
    deadline = time.monotonic() + 30
    while not any(cache.in_use for cache in caches(engine)) and time.monotonic() < deadline:
        time.sleep(0.05)
    second = root.cli("build", str(tmp_path / "second"))

    assert second.returncode == 0, second.stderr
    assert first.wait(30) == 0
    assert len(caches(engine)) == 1


def test_tmpfs(context: Context) -> None:
    context.build(
        "FROM busybox\n"
        "RUN --mount=type=tmpfs,target=/t/deep,size=1m mount | grep /t/deep > /seen; "
        "touch /t/deep/x && ! dd if=/dev/zero of=/t/deep/y bs=1M count=2\n"
    )
    (line,) = context.show("cat /seen")
    assert line.startswith("tmpfs on /t/deep type tmpfs")
    assert "size=1024k" in line
    assert added(context) == ["/seen"]
