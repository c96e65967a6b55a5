from __future__ import annotations

import pytest

from dockyard.devices.gpus import select
from dockyard.devices.model import Device, Edits, Spec
from dockyard.devices.registry import Loaded, Registry, combine
from dockyard.devices.request import ALL, GpuRequest
from dockyard.errors import InvalidInput, NotFound

EDITS = Edits(env=("A=1",))


def host(**kinds: tuple[str, ...]) -> Registry:
    loaded = []
    for vendor, names in kinds.items():
        devices = tuple(Device(name=name, container_edits=EDITS) for name in names)
        spec = Spec(cdi_version="1.0.0", kind=f"{vendor}.com/gpu", devices=devices)
        loaded.append(Loaded(f"/etc/cdi/{vendor}.json", 0, spec))
    return combine(loaded)


NVIDIA = host(nvidia=("0", "1", "10", "GPU-ab", "all"))


@pytest.mark.parametrize(
    ("request_", "names"),
    [
        (GpuRequest(count=ALL), ("all",)),
        (GpuRequest(count=1), ("0",)),
        (GpuRequest(count=3, capabilities=("gpu", "utility")), ("0", "1", "10")),
        (GpuRequest(ids=("GPU-ab", "1")), ("GPU-ab", "1")),
        (GpuRequest(count=2, driver="nvidia"), ("0", "1")),
        (GpuRequest(count=1, driver="nvidia.com"), ("0",)),
    ],
)
def test_a_request_becomes_names(request_: GpuRequest, names: tuple[str, ...]) -> None:
    assert select(request_, NVIDIA) == tuple(f"nvidia.com/gpu={name}" for name in names)


def test_all_without_a_device_of_that_name_is_each() -> None:
    assert select(GpuRequest(count=ALL), host(amd=("0", "1"))) == (
        "amd.com/gpu=0", "amd.com/gpu=1",
    )  # fmt: skip
    assert select(GpuRequest(count=ALL), host(amd=("b", "a"))) == (
        "amd.com/gpu=a", "amd.com/gpu=b",
    )  # fmt: skip


def test_the_only_vendor_is_meant_and_nvidia_before_others() -> None:
    assert select(GpuRequest(count=1), host(intel=("card0",))) == ("intel.com/gpu=card0",)
    both = host(amd=("0",), nvidia=("0",))
    assert select(GpuRequest(count=1), both) == ("nvidia.com/gpu=0",)
    assert select(GpuRequest(count=1, driver="amd"), both) == ("amd.com/gpu=0",)
    with pytest.raises(InvalidInput, match="several vendors") as caught:
        select(GpuRequest(count=1), host(amd=("0",), intel=("0",)))
    assert "driver=amd" in (caught.value.hint or "")


def test_names_with_their_vendor_are_taken_as_they_are() -> None:
    request = GpuRequest(ids=("amd.com/gpu=0",), driver="cdi")
    assert select(request, NVIDIA) == ("amd.com/gpu=0",)


@pytest.mark.parametrize(
    ("request_", "registry", "words"),
    [
        (GpuRequest(count=ALL), host(), "no GPU is described"),
        (GpuRequest(count=4), NVIDIA, "could not select 4 GPUs: nvidia.com/gpu has 3"),
        (GpuRequest(ids=("7",)), NVIDIA, "no such GPU: nvidia.com/gpu=7"),
        (GpuRequest(count=1, driver="amd"), NVIDIA, 'could not select device driver "amd"'),
    ],
)
def test_what_is_not_there_is_an_error(
    request_: GpuRequest, registry: Registry, words: str
) -> None:
    with pytest.raises(NotFound, match=words) as caught:
        select(request_, registry)
    assert caught.value.exit_code == 125
    if "device driver" in words or "described" in words:
        assert "nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml" in (caught.value.hint or "")
