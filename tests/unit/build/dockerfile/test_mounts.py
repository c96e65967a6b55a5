from __future__ import annotations

import pytest

from dockyard.build.dockerfile.instructions import CacheSharing, Device, Mount, MountType
from dockyard.build.dockerfile.mounts import parse_device, parse_mount
from dockyard.errors import BuildError


@pytest.mark.parametrize(
    ("flag", "expected"),
    [
        ("target=/a", {"target": "/a"}),
        ("type=bind,from=b,src=/s,dst=/t,rw", {"from_": "b", "source": "/s", "target": "/t"}),
        ("type=CACHE,destination=/t", {"type": MountType.CACHE, "target": "/t"}),
        (
            "type=cache,target=/t,id=x,sharing=locked,mode=0755,uid=1,gid=2",
            {
                "type": MountType.CACHE,
                "target": "/t",
                "id": "x",
                "sharing": CacheSharing.LOCKED,
                "mode": 0o755,
                "uid": 1,
                "gid": 2,
            },
        ),
        ("type=tmpfs,target=/t,size=1g", {"type": MountType.TMPFS, "target": "/t", "size": 2**30}),
        (
            "type=secret,id=x,env=TOKEN,required",
            {"type": MountType.SECRET, "id": "x", "env": "TOKEN", "required": True},
        ),
        ("type=ssh,required=false", {"type": MountType.SSH}),
        ('"source=a,b",target=/t', {"source": "a,b", "target": "/t"}),
    ],
)
def test_options(flag: str, expected: dict[str, object]) -> None:
    mount = parse_mount(flag)
    names = set(Mount.__struct_fields__) - {"flag", "read_only"}
    found = {name: getattr(mount, name) for name in names}
    assert {name: value for name, value in found.items() if value or name in expected} == {
        "type": MountType.BIND,
        **expected,
    }


@pytest.mark.parametrize(
    ("flag", "read_only"),
    [
        ("target=/a", True),
        ("target=/a,rw", False),
        ("target=/a,readwrite=false", True),
        ("target=/a,ro=0", False),
        ("type=cache,target=/a", False),
        ("type=cache,target=/a,readonly", True),
        ("type=tmpfs,target=/a", False),
        ("type=secret,id=a", True),
    ],
)
def test_only_caches_and_tmpfs_are_writable_by_default(flag: str, read_only: bool) -> None:
    assert parse_mount(flag).read_only is read_only


def test_values_with_variables_wait_for_their_expansion() -> None:
    flag = "type=$kind,target=$dir,mode=$mode,id=a"
    early = parse_mount(flag)
    assert (early.type, early.target, early.mode) == (MountType.BIND, "$dir", None)
    values = {"$kind": "cache", "$dir": "/x", "$mode": "700"}
    late = parse_mount(flag, lambda value: values.get(value, value))
    assert (late.type, late.target, late.mode, late.id) == (MountType.CACHE, "/x", 0o700, "a")


@pytest.mark.parametrize(
    ("flag", "message", "hint"),
    [
        ("type=chache,target=/a", 'unsupported mount type "chache"', "did you mean cache?"),
        ("tagret=/a", "unexpected key 'tagret' in 'tagret=/a'", "did you mean target?"),
        ("target", "invalid field 'target' must be a key=value pair", None),
        ("from=$x,target=/a", "doesn't support variable expansion", "AS name"),
        ("target=/a,ro=maybe", "invalid value for readonly: maybe", "true or false"),
        ("type=tmpfs,target=/a,size=big", "invalid value for size: big", "64m"),
        ("type=cache,target=/a,mode=9", "invalid value for mode: 9", "octal"),
        ("type=cache,target=/a,uid=-1", "invalid value for uid: -1", "number"),
        ("type=cache,target=/a,sharing=x", 'unsupported sharing value "x"', "shared, private"),
        ("target=/a,sharing=locked", "sharing not allowed for bind type mounts", "cache"),
        ("target=/a,mode=755", "mode not allowed for bind type mounts", None),
        ("target=/a,required", "required not allowed for bind", "secret and ssh"),
        ("type=cache,target=/a,size=1", "size not allowed for cache", "tmpfs"),
        ("type=secret", "one of source, target required", "id=NAME"),
        ("type=secret,id=a,from=b", "secret mount should not have a from", None),
        ("type=secret,id=a,src=b", "both source and id can't be set", None),
        ('"target=a', "failed to parse csv options", None),
    ],
)
def test_mistakes(flag: str, message: str, hint: str | None) -> None:
    with pytest.raises(BuildError) as caught:
        parse_mount(flag)
    assert message in caught.value.message
    assert (hint or "") in (caught.value.hint or "")


def test_devices() -> None:
    assert parse_device("vendor.com/gpu=0") == Device("vendor.com/gpu=0")
    assert parse_device("name=vendor.com/gpu,required=true") == Device("vendor.com/gpu", True)
    with pytest.raises(BuildError, match="--device needs a name"):
        parse_device("required")
