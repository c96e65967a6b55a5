"""The mounts of a RUN: where they go, what they show, what is refused."""

from __future__ import annotations

import pytest

from dockyard.build.dockerfile.mounts import parse_mount
from dockyard.build.graph import Mount
from dockyard.build.mounts.plan import check_target, lower_mounts
from dockyard.errors import BuildError


@pytest.mark.parametrize(
    ("flag", "mount"),
    [
        ("target=a", Mount(type="bind", target="/w/a", read_only=True)),
        ("target=../a/,source=x/..//y", Mount(type="bind", target="/a", source="/y",
                                               read_only=True)),
        ("target=/a,source=../../y", Mount(type="bind", target="/a", source="/y", read_only=True)),
        ("target=/a,from=s,rw", Mount(type="bind", target="/a", input=1)),
        ("type=cache,target=a/", Mount(type="cache", target="/w/a", id="a")),
        ("type=cache,target=/a,id=i,sharing=locked,uid=1,gid=2,mode=0700,ro,from=s,source=x",
         Mount(type="cache", target="/a", id="i", sharing="locked", uid=1, gid=2, mode=0o700,
               read_only=True, input=1, source="/x")),
        ("type=tmpfs,target=/a,size=1m", Mount(type="tmpfs", target="/a", size=1 << 20)),
        ("type=secret,id=d/s", Mount(type="secret", target="/run/secrets/s", id="d/s",
                                     read_only=True)),
        ("type=secret,target=s", Mount(type="secret", target="/w/s", id="s", read_only=True)),
        ("type=secret,id=s,env=", Mount(type="secret", id="s", env="s", read_only=True)),
        ("type=secret,id=s,env=E,target=/t,required",
         Mount(type="secret", target="/t", id="s", env="E", required=True, read_only=True)),
        ("type=ssh", Mount(type="ssh", target="/run/buildkit/ssh_agent.0", id="default")),
        ("type=ssh,id=i,target=s,mode=0600,required",
         Mount(type="ssh", target="/w/s", id="i", mode=0o600, required=True)),
    ],
)  # fmt: skip
def test_mounts(flag: str, mount: Mount) -> None:
    assert lower_mounts([parse_mount(flag)], "/w", {"s": 1}) == (mount,)


def test_each_agent_has_a_place_of_its_own() -> None:
    mounts = lower_mounts([parse_mount("type=ssh"), parse_mount("type=ssh,id=b")], "/", {})
    assert [mount.target[-1] for mount in mounts] == ["0", "1"]


@pytest.mark.parametrize("flag", ["target=/", "target=..", "type=cache", "type=tmpfs,target=/a/.."])
def test_nothing_is_mounted_on_the_root(flag: str) -> None:
    with pytest.raises(BuildError, match='invalid mount target "/"'):
        lower_mounts([parse_mount(flag)], "/w", {})


@pytest.mark.parametrize("path", ["", "proc", "proc/sys", "dev", "sys"])
def test_what_makes_a_container_is_not_mounted_over(path: str) -> None:
    with pytest.raises(BuildError, match="invalid mount target"):
        check_target(path)
    check_target(f"a/{path}")
