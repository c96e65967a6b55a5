from __future__ import annotations

import msgspec
import pytest
from tests.support.facts import FACTS

from dockyard.containers.model import DeviceRate, Resources
from dockyard.containers.spec_resources import cpu_list, limits, needs_more_facts
from dockyard.errors import InvalidInput, NotSupported
from dockyard.oci.resources import BlockDevice, Limits, resources

V1 = msgspec.structs.replace(
    FACTS, cgroup_mode="v1", controllers=FACTS.controllers - {"io"} | {"blkio"},
    knobs=frozenset({
        "memory.memsw.limit_in_bytes", "memory.soft_limit_in_bytes", "memory.swappiness",
        "memory.oom_control", "cpu.rt_runtime_us", "blkio.weight", "blkio.weight_device",
    }),
    real_time=(50_000, 1_000_000),
)  # fmt: skip


def number_of(path: str) -> tuple[int, int]:
    return {"/dev/sda": (8, 0), "/dev/sdb": (8, 16)}[path]


def test_limits_are_passed_on_and_bound_swap_where_there_is_any() -> None:
    asked = Resources(memory=1 << 30, cpus=1.5, pids_limit=10)

    assert limits(asked, FACTS, number_of) == (Limits(memory=1 << 30, cpus=1.5, pids=10), ())
    swapping = msgspec.structs.replace(FACTS, has_swap=True)
    assert limits(asked, swapping, number_of)[0].memory_and_swap == 2 << 30
    assert limits(Resources(pids_limit=-1, cpu_quota=-1), FACTS, number_of) == (Limits(), ())


def test_every_limit_reaches_the_runtime() -> None:
    sda = (DeviceRate("/dev/sda", 100),)
    asked = Resources(
        memory=20 << 20, memory_swap=-1, memory_reservation=10 << 20, memory_swappiness=5,
        oom_kill_disable=True, cpu_shares=512, cpu_period=50_000, cpu_quota=25_000,
        cpu_rt_period=1000, cpu_rt_runtime=10, cpuset_cpus="0-1", cpuset_mems="0",
        blkio_weight=300, blkio_weight_device=sda, device_read_bps=sda, device_write_bps=sda,
        device_read_iops=sda, device_write_iops=(DeviceRate("/dev/sdb", 7),),
    )  # fmt: skip
    made, warnings = limits(asked, V1, number_of)

    assert warnings == ()
    assert made.block_io.write_iops == (BlockDevice(8, 16, 7),)
    rate = [{"major": 8, "minor": 0, "rate": 100}]
    assert resources(made) == {
        "devices": [{"allow": False, "access": "rwm"}],
        "memory": {"limit": 20 << 20, "swap": -1, "reservation": 10 << 20, "swappiness": 5,
                   "disableOOMKiller": True},
        "cpu": {"shares": 512, "period": 50_000, "quota": 25_000, "realtimePeriod": 1000,
                "realtimeRuntime": 10, "cpus": "0-1", "mems": "0"},
        "blockIO": {
            "weight": 300, "weightDevice": [{"major": 8, "minor": 0, "weight": 100}],
            "throttleReadBpsDevice": rate, "throttleWriteBpsDevice": rate,
            "throttleReadIOPSDevice": rate,
            "throttleWriteIOPSDevice": [{"major": 8, "minor": 16, "rate": 7}],
        },
    }  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "controller"),
    [
        (Resources(memory=1 << 30), "memory"),
        (Resources(cpus=1), "cpu"),
        (Resources(cpu_shares=5), "cpu"),
        (Resources(cpuset_cpus="0"), "cpuset"),
        (Resources(pids_limit=5), "pids"),
        (Resources(device_read_bps=(DeviceRate("/dev/sda", 1),)), "blkio"),
    ],
)
def test_a_limit_that_cannot_be_kept_is_an_error(asked: Resources, controller: str) -> None:
    lost = {controller, "io" if controller == "blkio" else controller}
    poor = msgspec.structs.replace(FACTS, controllers=FACTS.controllers - lost)

    with pytest.raises(NotSupported, match=f"no {controller} controller"):
        limits(asked, poor, number_of)


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        (Resources(memory_swappiness=60), "--memory-swappiness is discarded"),
        (Resources(oom_kill_disable=True), "--oom-kill-disable is discarded"),
        (Resources(memory=1 << 30, memory_swap=2 << 30), "limited without swap"),
        (Resources(memory_reservation=1 << 30), "--memory-reservation is discarded"),
        (Resources(blkio_weight=100), "--blkio-weight is discarded"),
        (Resources(blkio_weight_device=(DeviceRate("/dev/sda", 100),)), "-device is discarded"),
    ],
)
def test_tuning_that_the_kernel_lacks_is_left_out_with_a_warning(
    asked: Resources, word: str
) -> None:
    bare = msgspec.structs.replace(FACTS, knobs=frozenset())
    made, warnings = limits(asked, bare, number_of)

    assert made == Limits(memory=asked.memory)
    assert len(warnings) == 1
    assert word in warnings[0]
    assert needs_more_facts(asked)


def test_common_limits_need_no_further_look_at_the_host() -> None:
    assert not needs_more_facts(Resources(memory=1 << 30, cpus=2, pids_limit=5, cpu_shares=7))


def test_no_oom_killer_without_a_memory_limit_is_warned_about() -> None:
    made, warnings = limits(Resources(oom_kill_disable=True), V1, number_of)
    assert made.disable_oom_killer
    assert "no memory limit is set" in warnings[0]


def test_swap_is_no_more_than_can_be_counted() -> None:
    found, _ = limits(Resources(memory=1 << 62), msgspec.structs.replace(FACTS, has_swap=True),
                      number_of)  # fmt: skip
    assert found.memory_and_swap == (1 << 63) - 1


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (Resources(memory=1024), "minimum memory limit allowed is 6MB"),
        (Resources(memory_reservation=1024), "minimum memory reservation allowed is 6MB"),
        (Resources(memory=10 << 20, memory_reservation=20 << 20), "less than memory reservation"),
        (Resources(memory_swap=10 << 20), "always set the memory limit"),
        (Resources(memory=20 << 20, memory_swap=10 << 20), "larger than memory limit"),
        (Resources(memory_swappiness=101), "range is 0-100"),
        (Resources(cpus=5), "range of CPUs is from 0.01 to 4.00"),
        (Resources(cpus=1, cpu_quota=5000), "Nano CPUs and CPU Quota cannot both"),
        (Resources(cpus=1, cpu_period=5000), "Nano CPUs and CPU Period cannot both"),
        (Resources(cpu_period=5), "period can not be less than 1ms"),
        (Resources(cpu_quota=5), "quota can not be less than 1ms"),
        (Resources(cpu_shares=-1), "invalid CPU shares"),
        (Resources(cpu_shares=1), "the least is 2"),
        (Resources(cpuset_cpus="9"), "requested 9, available: 0-3"),
        (Resources(cpuset_cpus="x"), "invalid value x for cpuset cpus"),
        (Resources(cpuset_mems="1"), "requested 1, available: 0"),
        (Resources(blkio_weight=5), "from 10 to 1000"),
        (Resources(oom_score_adj=2000), "range for oom score adj"),
        (Resources(memory=1 << 63), "--memory is out of range"),
        (Resources(memory=10 << 20, memory_swap=1 << 63), "--memory-swap is out of range"),
        (Resources(pids_limit=(1 << 22) + 1), "--pids-limit is out of range"),
        (Resources(cpu_quota=1 << 44), "--cpu-quota is out of range"),
    ],
)
def test_values_that_make_no_sense_are_refused_in_dockers_words(
    asked: Resources, message: str
) -> None:
    with pytest.raises(InvalidInput, match=message) as caught:
        limits(asked, FACTS, number_of)
    assert caught.value.exit_code == 125


def test_real_time_scheduling_needs_a_kernel_with_it() -> None:
    with pytest.raises(NotSupported, match="no real-time scheduling"):
        limits(Resources(cpu_rt_runtime=100), FACTS, number_of)


@pytest.mark.parametrize(
    ("runtime", "period", "refusal"),
    [
        (50_000, None, None),
        (50, 1000, None),
        (None, 1000, None),
        (50_001, None, "--cpu-rt-runtime 50001 is more than .* 50000 microseconds of 1000000"),
        (51, 1000, "--cpu-rt-runtime 51 is more"),
        (2000, 1000, "runtime cannot be higher than cpu real-time period"),
        (-1, None, "--cpu-rt-runtime and --cpu-rt-period can not be negative"),
    ],
)
def test_real_time_is_a_share_of_what_is_above(
    runtime: int | None, period: int | None, refusal: str | None
) -> None:
    asked = Resources(cpu_rt_runtime=runtime, cpu_rt_period=period)
    if refusal is None:
        assert limits(asked, V1, number_of)[0].cpu_rt_runtime == runtime
        return
    with pytest.raises((InvalidInput, NotSupported), match=refusal) as caught:
        limits(asked, V1, number_of)
    assert caught.value.exit_code == 125


def test_a_new_cgroup_has_no_real_time_to_give() -> None:
    facts = msgspec.structs.replace(V1, real_time=(0, 0))
    with pytest.raises(NotSupported, match="0 microseconds of 1000000") as caught:
        limits(Resources(cpu_rt_runtime=1), facts, number_of)
    assert "--cgroup-parent" in str(caught.value.hint)


def test_a_list_of_processors_has_ranges() -> None:
    assert cpu_list("0-2,5\n") == {0, 1, 2, 5}
    assert cpu_list("") == frozenset()
