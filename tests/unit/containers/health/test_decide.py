"""Docker's rules for health, over all transitions, by a clock of the test's own."""

from __future__ import annotations

import pytest

from dockyard.containers.health import decide
from dockyard.containers.health.decide import SECOND
from dockyard.containers.health.model import Check, Health, Result, Shown
from dockyard.containers.options import HealthOptions
from dockyard.errors import InvalidInput
from dockyard.oci.image import Healthcheck
from dockyard.system.host import ProcessIdentity

KEEPER = ProcessIdentity(1, 2, "boot")
OTHER = ProcessIdentity(3, 4, "boot")
START = 1_000_000 * SECOND
CHECK = Check(
    command=("true",), interval=30 * SECOND, timeout=5 * SECOND, start_period=60 * SECOND,
    start_interval=2 * SECOND, retries=3,
)  # fmt: skip


class Simulation:
    """Probes a container that isn't there, each lasting a second."""

    def __init__(self, check: Check) -> None:
        self.check = check
        self.health = decide.begun(None, START)
        self.now = START

    def probe(self, code: int) -> str:
        """Waits for the next probe; status and failing streak after it."""
        self.now = decide.next_probe(self.health, self.check, self.now)
        result = Result(start=self.now, end=self.now + SECOND, exit_code=code)
        self.now += SECOND
        self.health = decide.after_probe(self.health, self.check, result, KEEPER)
        return f"{self.health.status} {self.health.failing_streak}"

    @property
    def seconds(self) -> float:
        return (self.now - START) / SECOND


def without_start() -> Simulation:
    check = Check(command=("true",), interval=10 * SECOND, timeout=SECOND, start_period=0,
                  start_interval=SECOND, retries=3)  # fmt: skip
    return Simulation(check)


@pytest.mark.parametrize(
    ("codes", "states"),
    [
        ((0,), ["healthy 0"]),
        ((1, 1, 1), ["starting 1", "starting 2", "unhealthy 3"]),
        ((1, 1, 0), ["starting 1", "starting 2", "healthy 0"]),
        ((0, 1, 1, 1), ["healthy 0", "healthy 1", "healthy 2", "unhealthy 3"]),
        ((0, 1, 1, 0, 1), ["healthy 0", "healthy 1", "healthy 2", "healthy 0", "healthy 1"]),
        ((1, 1, 1, 1, 0), ["starting 1", "starting 2", "unhealthy 3", "unhealthy 4", "healthy 0"]),
        ((2, -1, 127), ["starting 1", "starting 2", "unhealthy 3"]),
    ],
)  # fmt: skip
def test_states_follow_from_codes(codes: tuple[int, ...], states: list[str]) -> None:
    """0 is healthy; 1, the reserved 2, a killed probe and any other are not."""
    simulation = without_start()

    assert [simulation.probe(code) for code in codes] == states


def test_probes_follow_each_other_by_the_interval_from_the_end_of_the_last() -> None:
    simulation = without_start()
    moments = [simulation.seconds for code in (1, 0, 1) if simulation.probe(code)]

    assert moments == [11, 22, 33]


def test_failures_in_the_start_period_do_not_count() -> None:
    """Probes come by the start interval; the first after 60 s is the first that counts."""
    simulation = Simulation(CHECK)
    within = [simulation.probe(1) for _ in range(20)]
    assert set(within) == {"starting 0"}
    assert simulation.seconds == 60

    assert [simulation.probe(1) for _ in range(3)] == ["starting 1", "starting 2", "unhealthy 3"]
    assert simulation.seconds == 60 + 3 * 31


def test_the_first_success_ends_the_start_period_for_failures_and_for_its_interval() -> None:
    simulation = Simulation(CHECK)
    assert simulation.probe(1) == "starting 0"
    assert simulation.probe(0) == "healthy 0"
    assert simulation.seconds == 6

    assert [simulation.probe(1) for _ in range(3)] == ["healthy 1", "healthy 2", "unhealthy 3"]
    assert simulation.seconds == 6 + 3 * 31


def test_the_last_five_probes_are_kept_over_restarts() -> None:
    simulation = without_start()
    for code in range(1, 8):
        simulation.probe(code)
    again = decide.begun(simulation.health, START + 1)

    assert [one.exit_code for one in again.log] == [3, 4, 5, 6, 7]
    assert (again.status, again.failing_streak, again.keeper) == ("starting", 0, None)


@pytest.mark.parametrize(
    ("health", "running", "late", "keeper", "shown"),
    [
        (Health(status="healthy", keeper=KEEPER), True, 0, KEEPER, "healthy"),
        (Health(status="unhealthy", keeper=KEEPER), True, 0, KEEPER, "unhealthy"),
        (Health(status="starting", keeper=KEEPER), True, 0, KEEPER, "starting"),
        (Health(status="healthy", keeper=KEEPER), True, 0, None, "unknown"),
        (Health(status="healthy", keeper=KEEPER), True, 0, OTHER, "unknown"),
        (Health(), True, 0, None, "starting"),
        (Health(), True, 29, KEEPER, "starting"),
        (Health(), True, 30, KEEPER, "unknown"),
        (Health(status="healthy", keeper=KEEPER), False, 0, KEEPER, "unhealthy"),
    ],
)  # fmt: skip
def test_only_what_a_living_controller_found_out_is_shown(
    health: Health, running: bool, late: int, keeper: ProcessIdentity | None, shown: Shown
) -> None:  # fmt: skip
    report = decide.report(
        health, running=running, due=START, now=START + late * SECOND, keeper=keeper
    )

    assert report.status == shown


def test_options_lie_on_top_of_the_images_check() -> None:
    image = Healthcheck(test=("CMD", "probe", "-v"), interval=SECOND, retries=5)

    assert decide.merged(image, HealthOptions()) == image
    assert decide.merged(None, HealthOptions()) is None
    assert decide.merged(Healthcheck(test=("NONE",)), HealthOptions()) is None
    assert decide.merged(image, HealthOptions(disabled=True)) is None
    assert decide.merged(image, HealthOptions(timeout=7 * SECOND)) == Healthcheck(
        test=("CMD", "probe", "-v"), interval=SECOND, retries=5, timeout=7 * SECOND
    )
    assert decide.merged(image, HealthOptions(command="test -e x", retries=1)) == Healthcheck(
        test=("CMD-SHELL", "test -e x"), interval=SECOND, retries=1
    )


@pytest.mark.parametrize(
    ("image", "asked", "words"),
    [
        (None, HealthOptions(disabled=True, command="x"), "--no-healthcheck conflicts"),
        (None, HealthOptions(interval=SECOND), "have no effect"),
        (Healthcheck(test=("NONE",)), HealthOptions(retries=1), "have no effect"),
        (None, HealthOptions(command="x", interval=1000), "Interval in Healthcheck cannot be less"),
        (None, HealthOptions(command="x", timeout=1), "Timeout in Healthcheck cannot be less"),
        (None, HealthOptions(command="x", retries=-1), "Retries in Healthcheck cannot be negative"),
        (Healthcheck(test=("SOMETHING", "x")), HealthOptions(), "unknown health check"),
        (Healthcheck(test=("CMD", "x"), interval=2**63 - 1), HealthOptions(), "too long"),
        (Healthcheck(test=("CMD", "x"), timeout=10**30), HealthOptions(), "too long"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(
    image: Healthcheck | None, asked: HealthOptions, words: str
) -> None:
    with pytest.raises(InvalidInput, match=words):
        decide.merged(image, asked)


def test_defaults_are_dockers() -> None:
    check = decide.complete(Healthcheck(test=("CMD-SHELL", "a b")), None)

    assert check == Check(
        command=("/bin/sh", "-c", "a b"), interval=30 * SECOND, timeout=30 * SECOND, start_period=0,
        start_interval=5 * SECOND, retries=3,
    )  # fmt: skip
    assert decide.complete(Healthcheck(test=("CMD", "a", "b")), None).command == ("a", "b")
    in_bash = decide.complete(Healthcheck(test=("CMD-SHELL", "a b")), ("/bin/bash", "-c"))
    assert in_bash.command == ("/bin/bash", "-c", "a b")


def test_output_is_kept_up_to_a_limit() -> None:
    assert decide.shortened(b"x" * 4096) == "x" * 4096
    assert decide.shortened(b"x" * 4097) == "x" * 4096 + "..."
    assert decide.shortened(b"\xff") == "\ufffd"
    assert decide.timed_out(CHECK, "") == "Health check exceeded timeout (5s)"
    assert decide.timed_out(CHECK, "so far") == "Health check exceeded timeout (5s): so far"
