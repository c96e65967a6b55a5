"""``compose build``, ``push``, ``pull`` and ``watch``: images from files of this host."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.registries import own_registry
from tests.support.roots import Root
from tests.support.stacks import Stack
from tests.support.waiting import until

BUILDS = """
name: made
services:
  app:
    build:
      context: app
      args: {WORD: default, OUTER: }
      labels: {kind: app}
      secrets: [token]
      additional_contexts: {base: "service:base"}
      tags: [made-app:second]
    depends_on: [other]
  base:
    build:
      dockerfile_inline: |
        FROM busybox
        RUN echo base > /base
  other:
    build: {context: app, dockerfile: other/Dockerfile}
  plain: {image: busybox}
secrets: {token: {environment: TOKEN}}
"""
APP = """\
FROM base
ARG WORD OUTER
RUN --mount=type=secret,id=token,env=TOKEN test "$TOKEN" = hidden
RUN echo $WORD $OUTER > /word
CMD ["cat", "/base", "/word"]
"""


@pytest.fixture
def builds(root: Root, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    monkeypatch.setenv("TOKEN", "hidden")
    monkeypatch.setenv("OUTER", "outside")
    (tmp_path / "app" / "other").mkdir(parents=True)
    (tmp_path / "app" / "Dockerfile").write_text(APP)
    (tmp_path / "app" / "other" / "Dockerfile").write_text("FROM busybox\nCOPY other /other\n")
    return Stack(root, tmp_path, BUILDS)


@pytest.mark.parametrize("command", [("up", "-d"), ("pull",), ("run", "db", "true")])
def test_an_image_that_cannot_be_pulled_is_named_with_what_makes_it(
    root: Root, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")  # no registry is reached
    stack = Stack(root, tmp_path, "services: {db: {image: 'redis:6'}}")
    done = stack.run(*command)
    assert done.returncode != 0
    assert "redis:6: " in done.stderr
    assert "services.db.image" in done.stderr
    assert "bootstrap makes redis:8 and redis:7" in done.stderr


def test_what_is_here_already_is_said_where_it_cannot_be_pulled(
    root: Root, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    stack = Stack(root, tmp_path, "services: {app: {image: 'python:3.11', command: 'true'}}")
    done = stack.run("up", "-d", "--pull", "always")
    assert done.returncode != 0
    assert "localhost/python:3.11 is here" in done.stderr
    done = stack.run("up", "-d", check=True)
    assert "python:3.11 resolves to localhost/python:3.11" in done.stderr
    stack.run("down", "-t", "0", check=True)


def test_images_are_built_in_the_order_of_what_they_need(builds: Stack) -> None:
    done = builds.run("build", "--build-arg", "WORD=given", "app", check=True)
    root = builds.root
    assert (
        root.cli("run", "--rm", "--network", "none", "made-app").stdout == "base\ngiven outside\n"
    )
    assert root.cli("image", "inspect", "-f", "{{.Config.Labels.kind}}", "made-app:second",
                    check=True).stdout == "app\n"  # fmt: skip
    assert done.stderr.index(" made-base  Built") < done.stderr.index(" made-app  Built")
    assert "[app 1/3] FROM base" in done.stderr or "[app 1/3] FROM" in done.stderr
    assert "made-other" not in done.stderr, "only what was asked for, and what that is built upon"
    assert root.cli("images", "-q", "made-other").stdout == ""


def test_dependencies_are_built_where_that_is_asked(builds: Stack) -> None:
    done = builds.run("build", "-q", "--with-dependencies", "app", check=True)
    assert (done.stdout, done.stderr) == ("", "")
    assert builds.root.cli("images", "-q", "made-other").stdout != ""


def test_builds_can_be_checked_printed_and_told_of(builds: Stack) -> None:
    assert builds.output("build", "--check", "other") == "Check complete, no warnings found.\n"
    (builds.directory / "app" / "other" / "Dockerfile").write_text("from busybox AS x\n")
    assert builds.run("build", "--check", "other").returncode == 1
    printed = builds.run("build", "--progress", "plain", "--print", check=True)
    assert "--progress is a global compose flag" in printed.stderr
    bake = json.loads(printed.stdout)
    assert bake["group"]["default"]["targets"] == ["app", "base", "other"]
    assert bake["target"]["app"]["contexts"] == {"base": "target:base"}
    assert bake["target"]["app"]["secret"] == ["id=token,type=env,env=TOKEN"]
    assert "DRY-RUN MODE -  made-app  Built" in builds.run("build", "--dry-run").stderr
    assert builds.root.cli("images", "-q").stdout.count("\n") == len(
        set(builds.root.cli("images", "-q").stdout.split())
    )


def test_a_build_that_fails_names_its_service(builds: Stack) -> None:
    (builds.directory / "app" / "Dockerfile").write_text("FROM busybox\nRUN exit 7\n")
    done = builds.run("build", "app")
    assert done.returncode != 0
    assert "dockyard: services.app.build: " in done.stderr
    refused = builds.run("build", "--builder", "x")
    assert (refused.returncode, "--builder is not supported" in refused.stderr) == (125, True)


def test_images_go_to_a_registry_and_come_back(root: Root, tmp_path: Path) -> None:
    (tmp_path / "registry").mkdir()
    with own_registry(tmp_path / "registry") as registry:
        stack = Stack(root, tmp_path, f"""
services:
  app: {{image: "{registry.host}/app:1", build: {{dockerfile_inline: FROM busybox}}}}
  plain: {{image: "{registry.host}/app:1"}}
  lost: {{image: "{registry.host}/lost:1", build: {{dockerfile_inline: FROM busybox}}}}
""")  # fmt: skip
        stack.run("build", "app", check=True)
        with root.engine() as engine:
            root.own(engine.images.find(f"{registry.host}/app:1"))
        assert stack.run("push").returncode != 0, "lost was never built"
        told = stack.run("push", "--ignore-push-failures", check=True).stderr
        assert f" Pushing {registry.host}/app:1  Pushed\n" in told
        assert " plain Skipped" in told
        root.cli("rmi", f"{registry.host}/app:1", check=True)
        pulled = stack.run("pull", "app", "plain", check=True).stderr
        assert " app Pulled" in pulled
        assert "plain Skipped - Image is already being pulled by app" in pulled
        assert root.cli("images", "-q", f"{registry.host}/app").stdout != ""
        lost = stack.run("pull", "lost", check=True).stderr
        assert "must be built from source" in lost
        assert stack.run("pull", "--policy", "missing", "plain", check=True).stderr == (
            " plain Skipped - Image is already present locally\n"
        )


WATCHED = """
name: watched
services:
  web:
    build:
      dockerfile_inline: |
        FROM busybox
        COPY conf /conf
        CMD ["sleep", "600"]
    init: true
    develop:
      watch:
        - {path: src, action: sync, target: /code, ignore: ["*.tmp"], initial_sync: true}
        - {path: conf, action: rebuild}
        - path: hooks
          action: sync+exec
          target: /hooks
          exec: {command: [sh, -c, "cp /hooks/x /ran"]}
        - {path: again, action: sync+restart, target: /again}
"""


@pytest.fixture
def watched(root: Root, tmp_path: Path) -> Iterator[Stack]:
    for name in ("src", "conf", "hooks", "again"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x").write_text("1")
    stack = Stack(root, tmp_path, WATCHED)
    yield stack
    stack.run("down", "-t", "0")


def test_what_changes_here_changes_there(watched: Stack, root: Root) -> None:
    def inside(path: str) -> str:
        return watched.run("exec", "web", "cat", path).stdout

    watched.run("build", check=True)
    (watched.directory / "src" / "x").write_text("1")
    watching = watched.start("watch")
    assert watching.stdout is not None
    said = iter(watching.stdout.readline, "")
    assert next(said, None) == "Watch enabled\n", watching.stderr and watching.stderr.read()
    assert inside("/code/x") == "1", "it is newer than the image"
    source = watched.directory / "src"
    (source / "x").write_text("2")
    (source / "deep").mkdir()
    (source / "deep" / "y").write_text("3")
    (source / "left.tmp").write_text("out")
    until(lambda: (inside("/code/x"), inside("/code/deep/y")) == ("2", "3"))
    (source / "x").unlink()
    until(lambda: inside("/code/x") == "")
    assert inside("/code/left.tmp") == ""
    (watched.directory / "hooks" / "x").write_text("hook")
    until(lambda: inside("/ran") == "hook")
    started = root.cli("inspect", "-f", "{{.State.StartedAt}}", "watched-web-1").stdout
    (watched.directory / "again" / "x").write_text("4")
    until(lambda: inside("/again/x") == "4")
    until(
        lambda: root.cli("inspect", "-f", "{{.State.StartedAt}}", "watched-web-1").stdout != started
    )
    before = root.cli("inspect", "-f", "{{.Id}}", "watched-web-1").stdout
    (watched.directory / "conf" / "x").write_text("5")
    until(lambda: inside("/conf/x") == "5")
    assert root.cli("inspect", "-f", "{{.Id}}", "watched-web-1").stdout != before
    twice = watched.run("watch", "--no-up")
    assert (twice.returncode, "it is watched already" in twice.stderr) == (1, True)
    watching.send_signal(signal.SIGINT)
    out, _ = watching.communicate(timeout=20)
    assert watching.returncode == 130
    assert 'Rebuilding service(s) ["web"] after changes were detected...' in out


def test_nothing_to_watch_is_said(root: Root, tmp_path: Path) -> None:
    stack = Stack(root, tmp_path, "name: none\nservices: {web: {image: busybox}}\n")
    done = stack.run("watch", "--no-up")
    assert (
        done.returncode,
        "none of the selected services is configured for watch" in done.stderr,
    ) == (1, True)
