"""What changes of files mean for services."""

from __future__ import annotations

import pytest

from dockyard.compose.model.parts import Build, Develop, Hook, ServiceVolume, Watch
from dockyard.compose.model.project import Project
from dockyard.compose.model.service import Service
from dockyard.compose.watch import rules
from dockyard.compose.watch.rules import Batch
from dockyard.errors import InvalidInput


def found(
    *watches: Watch, ignores: tuple[str, ...] = (), build: bool = True
) -> tuple[rules.Rule, ...]:
    service = Service(
        name="web", build=Build(context="/app") if build else None, develop=Develop(watch=watches)
    )
    return rules.rules(Project(name="demo", services={"web": service}), {"web": ignores})


def test_a_file_below_the_path_is_copied_to_its_place() -> None:
    sync = found(Watch(path="/app/src", action="sync", target="/code"))
    assert rules.batch(sync, {"/app/src/a/b.py", "/app/srcs/c.py", "/other"}) == Batch(
        sync={"web": {"/app/src/a/b.py": "/code/a/b.py"}}
    )


def test_a_path_may_be_one_file() -> None:
    sync = found(Watch(path="/app/x.conf", action="sync+restart", target="/etc/x.conf"))
    assert rules.batch(sync, {"/app/x.conf"}) == Batch(
        sync={"web": {"/app/x.conf": "/etc/x.conf"}}, restart=("web",)
    )


def test_each_action_is_what_it_says() -> None:
    hook = Hook(command=("reload",))
    several = found(
        Watch(path="/app/a", action="rebuild"),
        Watch(path="/app/b", action="restart"),
        Watch(path="/app/c", action="sync+exec", target="/c", exec=hook),
    )
    changed = {"/app/a/1", "/app/b/1", "/app/c/1", "/app/c/2"}
    assert rules.batch(several, changed) == Batch(
        rebuild=("web",), restart=("web",), exec=(("web", hook),),
        sync={"web": {"/app/c/1": "/c/1", "/app/c/2": "/c/2"}},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("path", "means"),
    [
        ("/app/src/a.py", True),
        ("/app/src/a.txt", False),
        ("/app/src/node_modules/x/a.py", False),
        ("/app/src/.git/a.py", False),
        ("/app/src/a.py~", False),
        ("/app/src/.a.py.swp", False),
        ("/app/src/secret/a.py", False),
    ],
)
def test_what_is_ignored_and_what_is_included(path: str, means: bool) -> None:
    rule = found(
        Watch(path="/app/src", action="rebuild", include=("**/*.py",), ignore=("node_modules/",)),
        ignores=("src/secret",),
    )[0]
    assert rule.fits(path) is means


def test_a_context_that_leaves_all_out_ignores_nothing() -> None:
    """As with Compose: such a file brings back what matters."""
    rule = found(Watch(path="/app", action="rebuild"), ignores=("*", "!src"))[0]
    assert rule.fits("/app/src/a.py")


@pytest.mark.parametrize(
    ("watch", "words"),
    [
        (Watch(path="/a", action="rebuild"), "without a build context"),
        (Watch(path="/a", action="sync"), "needs a target"),
        (Watch(path="/a", action="sync+exec", target="/a"), "needs a command"),
    ],
)
def test_rules_that_cannot_be_followed_are_named(watch: Watch, words: str) -> None:
    with pytest.raises(InvalidInput, match=rf"services\.web\.develop\.watch\[0\].*{words}"):
        found(watch, build=False)


def test_what_is_mounted_need_not_be_copied() -> None:
    mounted = ServiceVolume(type="bind", source="/app", target="/code")
    service = Service(name="web", volumes=(mounted,))
    assert rules.is_mounted("/app/src", service)
    assert not rules.is_mounted("/application", service)
