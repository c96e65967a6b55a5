"""``events``: what Docker tells of a container's life, while it is lived and afterwards."""

from __future__ import annotations

import json
import signal

from tests.support.roots import Root

from dockyard import Engine


def actions(root: Root, *filters: str) -> list[str]:
    arguments = [word for one in filters for word in ("--filter", one)]
    form = "{{.Type}} {{.Action}}"
    done = root.cli("events", "--since", "1h", "--until", "0s", "--format", form, *arguments,
                    check=True)  # fmt: skip
    return done.stdout.splitlines()


def test_a_life_is_told_in_dockers_words(root: Root) -> None:
    root.cli("run", "-d", "--name", "box", "--label", "a=b", "-v", "data:/x", "--network", "none",
             "busybox", "sleep", "60", check=True)  # fmt: skip
    root.cli("exec", "box", "sh", "-c", "exit 3")
    root.cli("stop", "-t", "0", "box", check=True)
    root.cli("start", "box", check=True)
    root.cli("rm", "-f", "box", check=True)

    assert actions(root, "label=a=b") == [
        "container create", "container start", "container exec_create: sh -c exit 3",
        "container exec_start: sh -c exit 3", "container exec_die", "container kill",
        "container kill", "container stop", "container die", "container start", "container kill",
        "container die", "container destroy",
    ]  # fmt: skip
    assert actions(root, "volume=data") == [
        "volume create", "volume mount", "volume unmount", "volume mount", "volume unmount",
    ]  # fmt: skip
    assert actions(root, "container=box", "event=die", "event=stop") == [
        "container stop", "container die", "container die",
    ]  # fmt: skip


def test_the_network_and_the_foreground_are_told_too(root: Root) -> None:
    root.cli("run", "--rm", "--name", "short", "busybox", "sh", "-c", "exit 7")

    assert actions(root) == [
        "container create", "network connect", "container attach", "container start",
        "network disconnect", "container die", "container destroy",
    ]  # fmt: skip


def test_images_are_told(engine: Engine, root: Root) -> None:
    root.cli("tag", "busybox", "other:1", check=True)
    root.cli("rmi", "other:1", check=True)

    assert actions(root, "type=image") == ["image tag", "image untag"]


def test_following_shows_what_happens_and_ends_with_ctrl_c(root: Root) -> None:
    follower = root.start("events", "--format", "json", "--filter", "type=container",
                          "--since", "1h")  # fmt: skip
    assert follower.stdout is not None
    try:
        root.cli("run", "--rm", "--network", "none", "busybox", "true", check=True)
        seen = [json.loads(follower.stdout.readline())["Action"] for _ in range(5)]
    finally:
        follower.send_signal(signal.SIGINT)
    follower.wait(10)
    assert follower.stderr is not None

    assert seen == ["create", "attach", "start", "die", "destroy"]
    assert (follower.returncode, follower.stderr.read().strip()) == (130, "")
