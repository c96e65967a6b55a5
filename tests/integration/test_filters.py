"""A system call filter that was compiled for an earlier container holds the next one as well."""

from __future__ import annotations

import os

import pytest
from tests.support.roots import Root, foreground

from dockyard import Engine, Security

ATTEMPT = "unshare -U true 2>/dev/null; echo $?; grep ^Seccomp: /proc/self/status"


def kept(root: Root) -> list[str]:
    return [name for name in os.listdir(root.paths.run) if name.startswith("filter-")]


def test_what_is_refused_the_first_time_is_refused_with_the_kept_filter(
    root: Root, engine: Engine
) -> None:
    _, free = foreground(
        engine, "sh", "-c", ATTEMPT, security=Security(options=("seccomp=unconfined",))
    )
    assert free.stdout.split() == [b"0", b"Seccomp:", b"0"]
    assert kept(root) == []

    for _ in range(3):
        _, held = foreground(engine, "sh", "-c", ATTEMPT)
        assert held.stdout.split() == [b"1", b"Seccomp:", b"2"]

    if engine.parts.runtime().name != "crun":
        pytest.skip("only crun leaves its filters")
    assert len(kept(root)) == 1


def test_another_set_of_capabilities_has_a_filter_of_its_own(root: Root, engine: Engine) -> None:
    foreground(engine, "true")
    _, granted = foreground(engine, "sh", "-c", ATTEMPT, security=Security(cap_add=("SYS_ADMIN",)))
    _, held = foreground(engine, "sh", "-c", ATTEMPT)

    assert granted.stdout.split() == [b"0", b"Seccomp:", b"2"]
    assert held.stdout.split() == [b"1", b"Seccomp:", b"2"]
    if engine.parts.runtime().name == "crun":
        assert len(kept(root)) == 2
