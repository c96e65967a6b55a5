"""Rows of ``ps`` and ``stats``, and documents of ``inspect``."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dockyard.cli import containers_filter, documents, ports_view, stats_view
from dockyard.cli import containers_view as view
from dockyard.cli.commands.stats import redraw
from dockyard.containers.health.model import Report, Result, Shown
from dockyard.containers.model import Container, Mount, Networking, Options, Restart, Restarts
from dockyard.networks.model import Endpoint, PortMapping
from dockyard.observability.stats import Sample
from dockyard.oci.image import ExecutionConfig, Healthcheck
from dockyard.state.paths import Paths

SECOND = 10**9
NOW = 1181 * SECOND
PORTS = (
    PortMapping(container_port=80, host_port=8080, host_ip="0.0.0.0"),
    PortMapping(container_port=53, host_port=5353, host_ip="127.0.0.1", protocol="udp"),
)
AROUND = containers_filter.Surroundings(
    lambda _name: (),
    lambda one: ports_view.listed(
        PORTS if one.running else (), ports_view.exposed(one, ("9000/tcp",))
    ),
    lambda one: one.labels.get("health", "none"),
)


@pytest.fixture
def container() -> Container:
    return Container(
        id="c0" * 32, name="web", image_id="sha256:" + "a1" * 32, image_name="app",
        state="running", created=1000 * SECOND, started=1001 * SECOND,
        options=Options(
            env=("X=new",), command=("run me", "now"), labels={"b": "2", "a": "1"},
            networking=Networking(ports=(PortMapping(container_port=80),)),
        ),
        labels={"b": "2", "a": "1"},
        args=("sh", "-c", "echo hello; sleep 5"),
        mounts=(Mount(kind="volume", source="data", target="/d"),
                Mount(kind="bind", source="/h", target="/b", read_only=True)),
    )  # fmt: skip


def changed(container: Container, **changes: Any) -> Container:
    import msgspec

    return msgspec.structs.replace(container, **changes)


def test_a_row_reads_like_dockers(container: Container) -> None:
    row = view.row(view.Shown(container, ports_view.listed(PORTS, ("80/tcp", "443/tcp"))), NOW)
    assert row["ID"] == "c0c0c0c0c0c0"
    assert row["Command"] == '"sh -c \'echo hello; …"'
    assert row["RunningFor"] == "3 minutes ago"
    assert row["Status"] == "Up 3 minutes"
    assert row["Ports"] == "443/tcp, 127.0.0.1:5353->53/udp, 0.0.0.0:8080->80/tcp"
    assert row["Labels"] == "a=1,b=2"
    assert (row["Mounts"], row["LocalVolumes"]) == ("data,/h", "1")


def test_nothing_is_cut_on_demand(container: Container) -> None:
    row = view.row(view.Shown(container), NOW, cut=False)
    assert row["ID"] == "c0" * 32
    assert row["Command"] == "\"sh -c 'echo hello; sleep 5'\""


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"state": "exited", "finished": 1061 * SECOND, "exit_code": 3},
         "Exited (3) 2 minutes ago"),
        ({"paused": True}, "Up 3 minutes (Paused)"),
        ({"state": "restarting", "finished": 1061 * SECOND, "exit_code": 3},
         "Restarting (3) 2 minutes ago"),
        ({"state": "starting", "finished": 1061 * SECOND, "restarts": Restarts(due=1)},
         "Restarting (0) 2 minutes ago"),
        ({"state": "starting"}, "Created"),
        ({"state": "created"}, "Created"),
        ({"state": "creating"}, "Created"),
        ({"state": "removing"}, "Removal In Progress"),
    ],
)  # fmt: skip
def test_status(container: Container, changes: dict[str, Any], status: str) -> None:
    assert view.status(changed(container, **changes), NOW) == status


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ([("name", "we")], ["web"]),
        ([("name", "x"), ("name", "old")], ["old"]),
        ([("status", "running")], ["web"]),
        ([("exited", "3")], ["old"]),
        ([("label", "a")], ["web", "old"]),
        ([("label", "a=9")], []),
        ([("id", "c0c0")], ["web"]),
        ([("name", "^web$")], ["web"]),
        ([("name", "^/web")], ["web"]),
        ([("name", "we$")], []),
        ([("label", "a"), ("label", "c")], []),
        ([("since", "web")], []),
        ([("before", "web")], []),
        ([("health", "none")], ["web", "old"]),
        ([("health", "unknown")], []),
        ([("publish", "8080")], ["web"]),
        ([("publish", "8079-8081/tcp")], ["web"]),
        ([("publish", "8080/udp")], []),
        ([("publish", "80")], []),
        ([("publish", "5353/udp")], ["web"]),
        ([("publish", "0")], ["web"]),
        ([("expose", "9000")], ["web"]),
        ([("expose", "80")], ["web"]),
        ([("expose", "8080")], []),
        ([("publish", "9000")], []),
        ([("publish", "9000"), ("expose", "80")], ["web"]),
        ([("ancestor", "app")], ["web", "old"]),
        ([("ancestor", "other")], []),
        ([("volume", "data"), ("status", "exited")], ["old"]),
    ],
)
def test_filters(container: Container, filters: list[tuple[str, str]], names: list[str]) -> None:
    old = changed(container, id="d0" * 32, name="old", state="exited", exit_code=3)
    found = containers_filter.matching([container, old], filters, AROUND)
    assert [one.name for one in found] == names


def sample(**changes: int) -> Sample:
    base = {
        "time_ns": 0, "cpu_ns": 0, "memory_bytes": 32 << 20, "memory_limit": 64 << 20,
        "rx_bytes": 688, "tx_bytes": 84, "read_bytes": 0, "written_bytes": 1500, "pids": 2,
    }  # fmt: skip
    return Sample(**(base | changes))


def test_a_row_of_stats(container: Container) -> None:
    target = stats_view.Target(container, container.id)
    row = stats_view.row(target, sample(), sample(time_ns=SECOND, cpu_ns=SECOND // 4))
    assert row["CPUPerc"] == "25.00%"
    assert (row["MemUsage"], row["MemPerc"]) == ("32MiB / 64MiB", "50.00%")
    assert (row["NetIO"], row["BlockIO"], row["PIDs"]) == ("688B / 84B", "0B / 1.5kB", "2")


def test_a_stopped_container_has_no_numbers(container: Container) -> None:
    target = stats_view.Target(container, container.id)
    at_rest = stats_view.row(target, None, None)
    assert (at_rest["MemUsage"], at_rest["NetIO"], at_rest["PIDs"]) == ("0B / 0B", "0B / 0B", "0")
    removed = stats_view.row(stats_view.Target(container, "web", gone=True), None, None)
    assert (removed["MemUsage"], removed["Container"]) == ("-- / --", "web")


def test_a_live_table_is_drawn_over_the_last_one() -> None:
    assert redraw("a\nb\n") == "\x1b[Ha\x1b[K\nb\x1b[K\n\x1b[J"


@pytest.mark.parametrize(
    ("health", "words"),
    [
        ("healthy", "(healthy)"), ("unhealthy", "(unhealthy)"), ("starting", "(health: starting)"),
        ("unknown", "(health: unknown)"),
    ],
)  # fmt: skip
def test_health_follows_the_status(container: Container, health: Shown, words: str) -> None:
    row = view.row(view.Shown(container, health=health), NOW)

    assert row["Status"] == f"Up 3 minutes {words}"


def test_health_is_inspected_in_dockers_words(container: Container) -> None:
    probe = Result(start=1000, end=1500, exit_code=1, output="no\n")
    report = Report(status="unhealthy", failing_streak=4, log=(probe,))
    checked = changed(container, healthcheck=Healthcheck(test=("CMD", "probe"), retries=4))
    document = documents.container_document(
        checked, ExecutionConfig(), (), Paths("/r", "/v"), report
    )
    assert document["State"]["Health"] == {
        "Status": "unhealthy", "FailingStreak": 4,
        "Log": [{"Start": "1970-01-01T00:00:00.000001000Z", "End": "1970-01-01T00:00:00.000001500Z",
                 "ExitCode": 1, "Output": "no\n"}],
    }  # fmt: skip
    assert document["Config"]["Healthcheck"] == {
        "Test": ["CMD", "probe"], "Interval": 0, "Timeout": 0, "StartPeriod": 0,
        "StartInterval": 0, "Retries": 4,
    }  # fmt: skip


def test_what_waits_for_its_restart_counts_as_running_in_inspect(container: Container) -> None:
    waiting = changed(
        container, state="restarting", restarts=Restarts(count=3, due=1),
        options=msgspec.structs.replace(
            container.options, restart=Restart(policy="on-failure", max_retries=5)
        ),
    )  # fmt: skip
    document = documents.container_document(waiting, None, (), Paths("/r", "/v"))
    state = document["State"]
    assert (state["Status"], state["Running"], state["Restarting"]) == ("restarting", True, True)
    assert document["RestartCount"] == 3
    assert document["HostConfig"]["RestartPolicy"] == {
        "Name": "on-failure", "MaximumRetryCount": 5,
    }  # fmt: skip


def test_a_container_is_inspected_with_its_addresses_and_the_images_defaults(
    container: Container,
) -> None:
    endpoint = Endpoint(
        holder="c", network="bridge", address="10.1.0.2", prefix=22, gateway="10.1.0.1",
        mac="02:00", veth="v", ports=PORTS,
    )  # fmt: skip
    image = ExecutionConfig(env=("X=old", "PATH=/bin"), entrypoint=("e",), user="u",
                            labels={"from": "image"})  # fmt: skip
    document = documents.container_document(container, image, (endpoint,), Paths("/r", "/v"))
    assert document["NetworkSettings"]["IPAddress"] == "10.1.0.2"
    assert document["NetworkSettings"]["Ports"]["80/tcp"] == [
        {"HostIp": "0.0.0.0", "HostPort": "8080"}
    ]
    config = document["Config"]
    assert config["Env"] == ["X=new", "PATH=/bin"]
    assert (config["Entrypoint"], config["Cmd"], config["User"]) == (
        ["e"], ["run me", "now"], "u",
    )  # fmt: skip
    assert config["Labels"] == {"a": "1", "b": "2", "from": "image"}
    assert document["Mounts"][0]["Source"] == "/r/volumes/data/_data"
    assert document["Mounts"][1]["RW"] is False
    assert document["State"]["StartedAt"] == "1970-01-01T00:16:41.000000000Z"
    assert document["State"]["FinishedAt"] == "0001-01-01T00:00:00Z"


def test_a_stopped_container_has_no_address(container: Container) -> None:
    stopped = changed(container, state="exited", oom_killed=True, exit_code=137)
    document = documents.container_document(stopped, None, (), Paths("/r", "/v"))
    assert document["State"]["OOMKilled"] is True
    assert document["State"]["Pid"] == 0
    assert document["NetworkSettings"]["IPAddress"] == ""
