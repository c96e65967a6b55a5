"""Where mounts land by links of the image, and of what is mounted before them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dockyard.containers import landing
from dockyard.errors import HostileInput, InvalidInput
from dockyard.images.view import LowerView
from dockyard.oci.runtime import SpecMount


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with a directory and links out of place."""
    place = tmp_path / "root"
    for name in ("dev", "proc", "srv", "var"):
        (place / name).mkdir(parents=True)
    links = {
        "a": "/dev", "b": "../../proc", "c": "/", "d": "srv/../a", "e": "srv", "loop": "loop",
        "var/run": "/run",
    }  # fmt: skip
    for name, target in links.items():
        os.symlink(target, place / name)
    return place


def bind(target: str, source: Path | str = "/nothing") -> SpecMount:
    return SpecMount(target, "bind", str(source), ("rbind", "rw"))


def check(root: Path, *mounts: SpecMount) -> None:
    landing.check(str(root), (), mounts)


@pytest.mark.parametrize(
    "target", ["/a", "/a/x", "/b/sys", "/c", "/d", "/e/../a/shm", "/c/dev", "/srv/../a"]
)
def test_what_links_lead_to_the_systems_places_is_refused(root: Path, target: str) -> None:
    with pytest.raises(InvalidInput, match="links lead it to /") as caught:
        check(root, bind(target))
    assert caught.value.exit_code == 125
    with pytest.raises(InvalidInput, match="links lead it to /"):
        check(root, SpecMount(target, "tmpfs", "tmpfs"))


def test_other_places_and_links_are_fine(root: Path) -> None:
    check(root, bind("/srv"), bind("/e/x"), bind("/var/run/x"), bind("/new"), bind("/dev/shm"),
          bind("/dev/a"), bind("/sys/fs/cgroup"), bind("/devices"))  # fmt: skip


def test_links_of_what_is_mounted_before_count(root: Path, tmp_path: Path) -> None:
    content = tmp_path / "content"
    (content / "deep").mkdir(parents=True)
    (content / "deep" / "l").symlink_to("/dev")
    (content / "out").symlink_to("../c")
    volume, inner = bind("/srv", content), bind("/srv/deep/l")

    for mounts in ((volume, inner), (inner, volume), (bind("/e", content), inner)):
        with pytest.raises(InvalidInput, match=r"cannot mount on /srv/deep/l: .* /dev,"):
            check(root, *mounts)
    with pytest.raises(InvalidInput, match="/srv/out"):
        check(root, volume, bind("/srv/out"))
    check(root, inner)
    check(root, volume, bind("/srv/deep"), inner)
    check(root, SpecMount("/srv", "tmpfs", "tmpfs"), inner)


def test_links_without_end_are_refused(root: Path) -> None:
    with pytest.raises(HostileInput, match="too many levels"):
        check(root, bind("/loop/x"))


def test_below_dev_nothing_lies_in_foreign_content(root: Path) -> None:
    with pytest.raises(InvalidInput, match=r"cannot mount on /dev/x/y: it lies in .*/dev/x"):
        check(root, bind("/dev/x/y"), bind("//dev/x/"))
    check(root, bind("/dev/x/y"), SpecMount("/dev/x", "tmpfs", "tmpfs"))
    check(root, bind("/dev/x"), bind("/dev/xy"))


def test_a_link_in_a_systems_place_is_refused() -> None:
    with pytest.raises(InvalidInput, match="symbolic link in place of /dev"):
        landing.check_system_places({"/dev"})
    landing.check_system_places(())


def test_a_step_sees_its_layers(root: Path) -> None:
    assert landing.resolve(LowerView((str(root),)), {}, "/d/null") == "dev/null"
