from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from dockyard.errors import NotSupported
from dockyard.system import cgroups
from dockyard.system.cgroups import CgroupLayout

PATH = "/dockyard-x/f00"


@pytest.fixture
def layout(tmp_path: Path) -> CgroupLayout:
    return CgroupLayout(
        mode="v2",
        unified_mount=str(tmp_path),
        mounts={},
        controllers=frozenset(),
        systemd=False,
    )


def test_a_cgroup_that_does_not_exist_is_empty_and_removed(layout: CgroupLayout) -> None:
    assert cgroups.pids(layout, PATH) == ()
    assert cgroups.kill_all(layout, PATH)
    assert cgroups.remove(layout, PATH) == ()


def test_processes_of_the_whole_tree_are_listed_once(layout: CgroupLayout, tmp_path: Path) -> None:
    for below, text in {"": "7\n3\n", "inner": "3\n12\n0\n"}.items():
        group = tmp_path / PATH[1:] / below
        group.mkdir(parents=True, exist_ok=True)
        (group / "cgroup.procs").write_text(text)
    assert cgroups.pids(layout, PATH) == (3, 7, 12)


def test_the_parent_may_be_kept(layout: CgroupLayout, tmp_path: Path) -> None:
    (tmp_path / PATH[1:]).mkdir(parents=True)
    assert cgroups.remove(layout, PATH, parent=False) == ()
    assert (tmp_path / "dockyard-x").is_dir()
    assert cgroups.remove(layout, PATH) == ()
    assert not (tmp_path / "dockyard-x").exists()


def test_a_parent_of_the_users_is_kept(layout: CgroupLayout, tmp_path: Path) -> None:
    (tmp_path / "batch/f00").mkdir(parents=True)
    assert cgroups.remove(layout, "/batch/f00") == ()
    assert (tmp_path / "batch").is_dir()


def test_a_slice_of_systemds_is_kept(layout: CgroupLayout, tmp_path: Path) -> None:
    path = "dockyard-x.slice:dockyard:f00"
    (tmp_path / "dockyard.slice/dockyard-x.slice/dockyard-f00.scope").mkdir(parents=True)
    assert cgroups.remove(layout, path) == ()
    assert (tmp_path / "dockyard.slice/dockyard-x.slice").is_dir()


def test_scopes_are_left_to_systemd(layout: CgroupLayout) -> None:
    with pytest.raises(NotSupported):
        cgroups.create_and_enter(layout, "dockyard-x.slice:dockyard:monitor", 1)


@pytest.mark.parametrize("frozen", ["", "container"])
def test_a_scope_is_frozen_where_crun_keeps_its_processes(
    layout: CgroupLayout, tmp_path: Path, frozen: str
) -> None:
    scope = tmp_path / "dockyard.slice/dockyard-x.slice/dockyard-f00.scope"
    (scope / "container").mkdir(parents=True)
    for below in ("", "container"):
        (scope / below / "cgroup.freeze").write_text("0\n")
    path = "dockyard-x.slice:dockyard:f00"
    assert not cgroups.is_frozen(layout, path)
    (scope / frozen / "cgroup.freeze").write_text("1\n")
    assert cgroups.is_frozen(layout, path)


def test_knobs_are_the_files_of_the_root_and_of_those_below(
    layout: CgroupLayout, tmp_path: Path
) -> None:
    for name in ("cgroup.procs", "plain", "a/memory.max", "a/memory.high", "b/io.max"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert cgroups.knobs(layout) == {"cgroup.procs", "memory.max", "memory.high", "io.max"}


def test_a_controller_that_nobody_uses_yet_has_what_its_version_has(
    layout: CgroupLayout, tmp_path: Path
) -> None:
    unused = msgspec.structs.replace(layout, controllers=frozenset({"memory", "pids"}))
    assert {"memory.low", "memory.swap.max"} <= cgroups.knobs(unused)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "memory.max").touch()
    assert cgroups.knobs(unused) == {"memory.max"}
