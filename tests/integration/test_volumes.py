"""The volume commands, with real containers."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest
from tests.support.roots import Root

from dockyard import Engine
from dockyard.containers.model import Mount, Options
from dockyard.errors import StateError


def test_a_volumes_life_by_command(root: Root) -> None:
    assert (
        root.cli("volume", "create", "--label", "tier=hot", "data", check=True).stdout == "data\n"
    )
    left = Path(root.paths.locks, "v-data.lock")  # by a command that was killed
    left.touch()
    assert root.cli("volume", "create", "data").stdout == "data\n"
    assert not left.exists()
    assert root.cli("volume", "ls", "-q").stdout == "data\n"
    root.cli("run", "--rm", "-v", "data:/d", "--network", "none", "busybox",
             "sh", "-c", "head -c 1500 /dev/zero > /d/file", check=True)  # fmt: skip

    (seen,) = json.loads(root.cli("volume", "inspect", "data", check=True).stdout)
    assert seen["Labels"] == {"tier": "hot"}
    assert os.path.getsize(f"{seen['Mountpoint']}/file") == 1500
    assert seen["UsageData"] == {"RefCount": 0, "Size": 1500}
    assert root.cli("volume", "inspect", "-f", "{{.Name}}", "data").stdout == "data\n"
    assert root.cli("volume", "ls", "--size").stdout.splitlines()[1].split() == [
        "local", "data", "0", "1.5kB",
    ]  # fmt: skip

    assert root.cli("volume", "rm", "data", check=True).stdout == "data\n"
    assert not os.path.exists(seen["Mountpoint"])
    gone = root.cli("volume", "rm", "data")
    assert gone.returncode == 1
    assert "get data: no such volume" in gone.stderr
    assert root.cli("volume", "rm", "-f", "data").returncode == 0


def test_one_in_use_stays_and_prune_takes_the_others(root: Root) -> None:
    root.cli("run", "-d", "--name", "user", "-v", "used:/d", "-v", "/anonymous", "--network",
             "none", "busybox", "sleep", "60", check=True)  # fmt: skip
    root.cli("volume", "create", "unused", check=True)
    anonymous = root.cli("volume", "create", check=True).stdout.strip()

    refused = root.cli("volume", "rm", "used")
    assert refused.returncode == 1
    assert "volume is in use" in refused.stderr
    pruned = root.cli("volume", "prune", "-f", check=True).stdout
    assert anonymous in pruned
    assert "Total reclaimed space: 0B" in pruned
    everything = root.cli("volume", "prune", "-af", check=True).stdout
    assert everything.splitlines()[:2] == ["Deleted Volumes:", "unused"]
    assert len(root.cli("volume", "ls", "-q").stdout.splitlines()) == 2
    assert root.cli("volume", "ls", "-q", "--filter", "dangling=true").stdout == ""


def test_an_empty_volume_takes_the_images_content_with_owners(root: Root) -> None:
    root.cli("create", "-v", "made:/etc", "-v", "other:/nowhere", "busybox", check=True)
    (made,) = json.loads(root.cli("volume", "inspect", "made", check=True).stdout)
    assert "app:x:1001" in Path(made["Mountpoint"], "group").read_text()
    root.cli("volume", "create", "empty", check=True)
    found = root.cli("run", "--rm", "-v", "empty:/etc", "--network", "none", "busybox",
                     "cat", "/etc/group", check=True)  # fmt: skip
    assert "app:x:1001" in found.stdout
    root.cli("run", "--rm", "-v", "empty:/etc", "--network", "none", "busybox", "sh", "-c",
             "rm /etc/group && chown 7:8 /etc", check=True)  # fmt: skip
    seen = root.cli("run", "--rm", "-v", "empty:/etc", "--network", "none", "busybox", "sh", "-c",
                    "ls /etc; stat -c %u:%g /etc", check=True).stdout.split()  # fmt: skip
    assert "group" not in seen
    assert seen[-1] == "7:8"


def test_a_create_that_cannot_fill_leaves_nothing(
    root: Root, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(rootfs: str, *_arguments: object, **_options: object) -> int:
        assert os.path.exists(f"{rootfs}/etc/group")
        raise OSError(errno.EIO, "a disk that fails")

    monkeypatch.setattr("dockyard.system.copy.copy_tree", fails)
    image = engine.parts.images.find("busybox")
    mount = Mount(kind="volume", source=None, target="/etc")
    with pytest.raises(StateError):
        engine.containers.create(image, "busybox", Options(mounts=(mount,)))
    assert root.leftovers() == []


def test_it_may_stand_for_a_directory_of_the_host(root: Root, tmp_path: Path) -> None:
    (tmp_path / "weights").write_text("mine")
    root.cli("volume", "create", "-o", "type=none", "-o", "o=bind", "-o", f"device={tmp_path}",
             "models", check=True)  # fmt: skip
    seen = root.cli("run", "--rm", "-v", "models:/m:ro", "--network", "none", "busybox", "sh", "-c",
                    "cat /m/weights; touch /m/new")  # fmt: skip
    assert seen.stdout == "mine"
    assert "Read-only file system" in seen.stderr
    root.cli("volume", "rm", "models", check=True)
    assert (tmp_path / "weights").read_text() == "mine"


def test_wrong_requests_say_what_to_do(root: Root) -> None:
    for arguments, words in (
        (("create", "a/b"), "includes invalid characters"),
        (("create", "-d", "nfs", "xx"), 'volume driver "nfs" is not available'),
        (("create", "-o", "type=tmpfs", "xx"), "--tmpfs"),
        (("create", "-o", "type=none", "-o", "o=bind", "-o", "device=/nowhere", "xx"), "no such"),
        (("ls", "--filter", "size=1"), "filters are"),
        (("inspect", "x"), "no such volume"),
    ):
        done = root.cli("volume", *arguments)
        assert done.returncode != 0
        assert words in done.stderr
    assert root.cli("volume", "ls", "-q").stdout == ""
