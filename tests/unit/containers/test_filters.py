"""Compiled filters are found again for exactly what they were compiled from."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import msgspec
import pytest

from dockyard.containers import filters
from dockyard.containers.runtime import Runtime
from dockyard.state.paths import Paths

PROFILE: dict[str, object] = {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": []}
PROGRAM = b"\x06\x00\x00\x00"


@pytest.fixture
def runtime(paths: Paths, tmp_path: Path) -> Runtime:
    program = tmp_path / "crun"
    program.write_bytes(b"#!")
    return Runtime(str(program), paths.runtime_state)


def create(paths: Paths, runtime: Runtime, profile: object, **annotations: str) -> None:
    """Leaves what crun leaves after it has created the container ``c1``."""
    document = {"linux": {"seccomp": profile}, "annotations": annotations}
    os.makedirs(paths.bundle("c1"))
    Path(paths.bundle("c1"), "config.json").write_bytes(msgspec.json.encode(document))
    os.makedirs(f"{runtime.state}/c1")
    Path(runtime.state, "c1", "seccomp.bpf").write_bytes(PROGRAM)
    filters.keep(paths, runtime, "c1")


def test_the_program_of_the_same_profile_is_found(paths: Paths, runtime: Runtime) -> None:
    assert filters.recall(paths, runtime, PROFILE) == {}
    create(paths, runtime, PROFILE)

    found = filters.recall(paths, runtime, PROFILE)

    assert found == {filters.ANNOTATION: base64.b64encode(PROGRAM).decode()}


def test_another_profile_has_no_program(paths: Paths, runtime: Runtime) -> None:
    create(paths, runtime, PROFILE)

    assert filters.recall(paths, runtime, {**PROFILE, "defaultAction": "SCMP_ACT_ALLOW"}) == {}
    assert filters.recall(paths, runtime, None) == {}


def test_profiles_whose_files_meet_are_told_apart(
    paths: Paths, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filters, "_path", lambda paths, _profile: f"{paths.run}/filter-same")
    create(paths, runtime, PROFILE)

    assert filters.recall(paths, runtime, {**PROFILE, "defaultAction": "SCMP_ACT_ALLOW"}) == {}
    assert filters.recall(paths, runtime, PROFILE)


def test_a_new_runtime_compiles_anew(paths: Paths, runtime: Runtime) -> None:
    create(paths, runtime, PROFILE)
    Path(runtime.path).write_bytes(b"#! another version")

    assert filters.recall(paths, runtime, PROFILE) == {}


def test_a_profile_that_is_more_than_a_program_is_never_kept(
    paths: Paths, runtime: Runtime
) -> None:
    listening = {**PROFILE, "listenerPath": "/run/listener"}
    create(paths, runtime, listening)

    assert filters.recall(paths, runtime, listening) == {}
    assert not [name for name in os.listdir(paths.run) if name.startswith("filter-")]


def test_a_program_that_was_given_is_not_kept_again(paths: Paths, runtime: Runtime) -> None:
    create(paths, runtime, PROFILE, **{filters.ANNOTATION: "Zm9yZWlnbg=="})

    assert filters.recall(paths, runtime, PROFILE) == {}


def test_a_damaged_file_counts_for_nothing(paths: Paths, runtime: Runtime) -> None:
    create(paths, runtime, PROFILE)
    for name in os.listdir(paths.run):
        if name.startswith("filter-"):
            Path(paths.run, name).write_bytes(b"{")

    assert filters.recall(paths, runtime, PROFILE) == {}
