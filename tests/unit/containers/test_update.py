"""What ``update`` and ``top`` decide, and what a committed image is."""

from __future__ import annotations

import pytest

from dockyard.containers.content import image_of
from dockyard.containers.lifecycle import stop_seconds
from dockyard.containers.model import Container
from dockyard.containers.options import Networking, Options, Resources, Restart
from dockyard.containers.processes import parse
from dockyard.containers.update import merged
from dockyard.errors import Conflict, InvalidInput
from dockyard.networks.model import PortMapping
from dockyard.oci.image import ExecutionConfig, History, ImageConfig, RootFilesystem

MEGABYTE = 1 << 20


def test_only_what_is_given_changes() -> None:
    before = Options(resources=Resources(memory=64 * MEGABYTE, cpus=2.0))
    after = merged(before, Resources(cpus=0.5), Restart(policy="always"))

    assert after.resources == Resources(memory=64 * MEGABYTE, cpus=0.5)
    assert after.restart == Restart(policy="always")
    assert merged(before, Resources(), None) == before


def test_more_memory_than_memory_and_swap_is_refused() -> None:
    before = Options(resources=Resources(memory=64 * MEGABYTE))

    smaller = merged(before, Resources(memory=32 * MEGABYTE), None)
    assert smaller.resources.memory_swap == 128 * MEGABYTE, "the limit that it had all along"
    with pytest.raises(Conflict, match="memoryswap"):
        merged(before, Resources(memory=256 * MEGABYTE), None)
    both = Resources(memory=256 * MEGABYTE, memory_swap=300 * MEGABYTE)
    assert merged(before, both, None).resources == both
    assert merged(Options(), Resources(memory=256 * MEGABYTE), None).resources.memory_swap is None


def test_what_cannot_change_is_refused() -> None:
    with pytest.raises(InvalidInput, match="shm_size"):
        merged(Options(), Resources(shm_size=1), None)
    with pytest.raises(Conflict, match="AutoRemove"):
        merged(Options(remove=True), Resources(), Restart(policy="always"))


def test_lines_of_ps_are_those_of_the_container() -> None:
    text = (
        "UID   PID  LWP CMD\nroot    7    7 sleep 10 s\nroot    -    8 -\nroot    9   9 other\n"
        "root    -   10 -\n"
    )
    found = parse(text, {7})

    assert found.titles == ("UID", "PID", "LWP", "CMD")
    assert found.rows == (("root", "7", "7", "sleep 10 s"), ("root", "-", "8", "-"))
    with pytest.raises(InvalidInput, match="PID"):
        parse("CMD\nx\n", {7})


def container(**options: object) -> Container:
    return Container(
        id="c0" * 32, name="box", image_id="sha256:1", image_name="app", state="exited",
        created=1, options=Options(**options), args=("sh", "-c", "x"),  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("own", "asked", "seconds"),
    [(None, None, 10.0), (3, None, 3), (3, 5.0, 5.0), (-1, None, None), (None, -1.0, None)],
)
def test_how_long_stop_waits(own: int | None, asked: float | None, seconds: float | None) -> None:
    assert stop_seconds(container(stop_timeout=own), asked) == seconds


def test_a_committed_image_runs_as_its_container_did() -> None:
    image = ExecutionConfig(env=("A=1", "B=2"), cmd=("serve",), entrypoint=("init",), user="app")
    made = image_of.execution(
        container(
            env=("B=3",), labels={"x": "y"}, working_dir="/w", command=("other",),
            networking=Networking(ports=(PortMapping(container_port=80),)),
        ),
        image,
    )  # fmt: skip

    assert made.env == ("A=1", "B=3")
    assert (made.entrypoint, made.cmd, made.user) == (("init",), ("other",), "app")
    assert (made.labels, made.working_dir) == ({"x": "y"}, "/w")
    assert made.exposed_ports == {"80/tcp": {}}
    assert image_of.execution(container(entrypoint=("e",)), image).cmd is None


@pytest.mark.parametrize("diff_id", ["sha256:2", None])
def test_its_history_has_a_line_more(diff_id: str | None) -> None:
    base = ImageConfig(
        architecture="amd64", rootfs=RootFilesystem(("sha256:1",)), history=(History(),)
    )
    made = image_of.image_config(
        base, base.config, diff_id=diff_id, created_by="sh", author="me", message="m", epoch=0
    )

    assert made.history[-1].empty_layer is (diff_id is None)
    assert (made.history[-1].comment, made.author) == ("m", "me")
    assert len(made.rootfs.diff_ids) == (1 if diff_id is None else 2)
    assert made.created == "1970-01-01T00:00:00Z"
