from __future__ import annotations

from dockyard.devices.model import Device, Edits, Spec
from dockyard.devices.registry import Loaded, Registry, combine


def loaded(path: str, priority: int, *names: str, kind: str = "v.com/gpu") -> Loaded:
    devices = tuple(Device(name=name, container_edits=Edits(env=(f"{name}={path}",)))
                    for name in names)  # fmt: skip
    edits = Edits(env=(f"SPEC={path}",))
    return Loaded(path, priority, Spec(cdi_version="1.0.0", kind=kind, devices=devices,
                                       container_edits=edits))  # fmt: skip


def source(registry: Registry, name: str) -> str:
    return registry.devices[name].source.path


def test_a_later_directory_takes_precedence() -> None:
    registry = combine([loaded("/etc/a", 0, "x", "y"), loaded("/run/b", 1, "x")])
    assert source(registry, "v.com/gpu=x") == "/run/b"
    assert source(registry, "v.com/gpu=y") == "/etc/a"
    assert registry.problems == ()
    again = combine([loaded("/run/b", 1, "x"), loaded("/etc/a", 0, "x")])
    assert source(again, "v.com/gpu=x") == "/run/b"


def test_a_name_twice_in_one_directory_is_nobodys() -> None:
    registry = combine([loaded("/etc/a", 0, "x", "y"), loaded("/etc/b", 0, "x", "z")])
    assert sorted(registry.devices) == ["v.com/gpu=y", "v.com/gpu=z"]
    assert "conflicting device v.com/gpu=x (also in /etc/a)" in registry.problems[0].words


def test_a_conflict_below_does_not_hide_a_later_directory() -> None:
    registry = combine(
        [loaded("/etc/a", 0, "x"), loaded("/etc/b", 0, "x"), loaded("/run/c", 1, "x")]
    )
    assert source(registry, "v.com/gpu=x") == "/run/c"


def test_edits_of_a_specification_come_once_and_before_its_devices() -> None:
    registry = combine([loaded("/a", 0, "x", "y"), loaded("/b", 0, "z", kind="w.com/nic")])
    names = ("v.com/gpu=x", "w.com/nic=z", "v.com/gpu=y", "v.com/gpu=x")
    assert registry.edits(names).env == ("SPEC=/a", "x=/a", "SPEC=/b", "z=/b", "y=/a")
    assert registry.missing(("v.com/gpu=x", "v.com/gpu=q")) == ("v.com/gpu=q",)
    assert registry.kinds() == ("v.com/gpu", "w.com/nic")


def test_numbers_are_in_their_order() -> None:
    registry = combine([loaded("/a", 0, "all", "10", "2", "0", "GPU-7")])
    assert registry.names_of("v.com/gpu") == ("0", "2", "10", "GPU-7", "all")
