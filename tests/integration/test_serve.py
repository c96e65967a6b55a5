"""Services that are served: from zero and back, changed, broken, taken away."""

from __future__ import annotations

import datetime as dt
import functools
import json
import os
import signal
import socket
import threading
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.support.roots import Root
from tests.support.serving import Answer, Stand, free_port

from dockyard.serving import places, programs
from dockyard.serving.supervise.model import Kept


@pytest.fixture
def stand(root: Root, tmp_path: Path) -> Stand:
    return Stand(root, tmp_path)


class Asking(threading.Thread):
    """Asks again and again until it is told to stop; what went wrong is kept."""

    def __init__(self, stand: Stand) -> None:
        super().__init__()
        self.stand = stand
        self.stopping = threading.Event()
        self.answers: list[Answer] = []
        self.wrong: list[str] = []

    def run(self) -> None:
        while not self.stopping.is_set():
            try:
                answer = self.stand.get()
            except OSError as error:
                self.wrong.append(repr(error))
                continue
            self.answers.append(answer)
            if answer.status != 200:
                self.wrong.append(f"{answer.status} {answer.body}")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self.join()


def test_from_zero_and_back(stand: Stand) -> None:
    scale = {"min": 0, "max": 2, "target": 10}
    stand.write(web=stand.service({"scale": scale, "grace": "6s"}))
    stand.up()
    assert stand.replicas("web") == []
    answer = stand.get("/some/path?x=1")
    assert (answer.status, answer.body.split()[2]) == (200, "/some/path?x=1")
    assert len(stand.replicas("web")) == 1
    assert stand.row("web")["Status"] == "serving"
    stand.until(lambda: stand.replicas("web") == [])
    assert stand.row("web")["Status"] == "idle"
    told = stand.root.cli("explain", "web", check=True).stdout
    assert "0 -> 1 replicas" in told
    assert "1 -> 0 replicas" in told


def test_more_come_for_processors_that_are_used(stand: Stand) -> None:
    scale = {"min": 1, "max": 2, "target": 0.002, "metric": "cpu"}
    stand.write(web=stand.service({"scale": scale}))
    stand.up()
    with Asking(stand):
        stand.until(lambda: len(stand.replicas("web")) == 2)
    told = stand.root.cli("explain", "web", check=True).stdout
    assert "processors, 0.002 a replica: 1 -> 2 replicas" in told


def test_a_new_version_takes_over_without_a_failed_request(stand: Stand) -> None:
    def service(version: str) -> None:
        stand.write(web=stand.service({"scale": {"min": 1, "max": 2}},
                                      environment={"VERSION": version}))  # fmt: skip

    service("1")
    stand.up()
    assert stand.get().body.split()[0] == "1"
    with Asking(stand) as asking:
        service("2")
        stand.up()
        stand.until(lambda: asking.answers[-1].body.split()[0] == "2")
        stand.until(lambda: len(stand.replicas("web")) == 1)
    assert asking.wrong == []
    assert {answer.body.split()[0] for answer in asking.answers} == {"1", "2"}


def test_a_service_with_a_port_of_its_own_is_updated_while_requests_wait(stand: Stand) -> None:
    port = free_port()

    def service(version: str) -> None:
        stand.write(web=stand.service({"scale": {"min": 1, "max": 1}},
                                      environment={"VERSION": version},
                                      ports=[f"127.0.0.1:{port}:8000"]))  # fmt: skip

    service("1")
    stand.up()
    with Asking(stand) as asking:
        service("2")
        stand.up()
        stand.until(lambda: asking.answers[-1].body.split()[0] == "2")
    assert asking.wrong == []
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as answer:
        assert answer.read().decode().split()[0] == "2"


def test_what_is_killed_comes_back_and_nothing_fails_where_requests_may_be_repeated(
    stand: Stand,
) -> None:
    stand.write(web=stand.service({"scale": {"min": 2, "max": 2}, "idempotent": True}))
    stand.up()
    stand.until(lambda: stand.row("web")["Replicas"].startswith("2/2"))
    with Asking(stand) as asking:
        with stand.root.engine() as engine:
            victim = engine.containers.get(stand.replicas("web")[0])
            assert victim.process is not None
            victim.process.signal(signal.SIGKILL)
        stand.until(lambda: victim.id not in stand.replicas("web"))
        stand.until(lambda: stand.row("web")["Replicas"].startswith("2/2"))
        for name in ("controller", "activator"):
            found = programs.status(stand.root.paths)[name]
            assert found is not None
            assert found.process is not None
            before = found.process
            os.kill(before.pid, signal.SIGKILL)
            stand.until(functools.partial(_is_another, stand, name, before))
        stand.until(lambda: stand.row("web")["Replicas"].startswith("2/2"))
    assert asking.wrong == []


def _is_another(stand: Stand, name: str, before: object) -> bool:
    found = programs.status(stand.root.paths)[name]
    return found is not None and found.alive and found.process != before


def test_a_start_that_fails_is_told_at_once_with_its_reason(stand: Stand) -> None:
    scale = {"min": 0, "max": 1}
    stand.write(
        web=stand.service({"scale": scale}, environment={"CRASH": "minilm"}),
        other=stand.service({"route": {"path": "/other", "listen": f"127.0.0.1:{stand.port}"}}),
    )
    stand.up()
    answer = stand.get()
    assert answer.status == 503
    assert "demo-web-1 exited with code 3" in answer.body
    assert "minilm" not in answer.body  # what a container prints is not for clients
    assert int(answer.headers["retry-after"]) >= 1
    row = stand.row("web")
    assert row["Status"] == "failed"
    assert row["Reason"] == "demo-web-1 exited with code 3: no such model: minilm"
    logged = stand.root.cli("services", "logs", "--programs", check=True).stdout
    assert "demo/web demo-web-1: no such model: minilm" in logged
    assert stand.get("/other/x").status == 200


def test_up_says_why_a_service_with_a_least_number_does_not_come_up(stand: Stand) -> None:
    stand.write(web=stand.service({"scale": {"min": 1, "max": 1}}, environment={"CRASH": "x"}))
    done = stand.up(check=False)
    assert done.returncode == 1
    assert "service web: demo-web-1 exited with code 3: no such model: x" in done.stderr


def test_traffic_is_split_as_it_is_set(stand: Stand) -> None:
    stand.write(
        web=stand.service({"scale": {"min": 1, "max": 1}}),
        next=stand.service({"variant_of": "web", "weight": 0, "scale": {"min": 1, "max": 1}},
                           environment={"VERSION": "2"}),
    )  # fmt: skip
    stand.up()
    assert {stand.get().body.split()[0] for _ in range(20)} == {"1"}
    done = stand.root.cli("traffic", "set", "web=1", "next=1", check=True)
    assert done.stdout == "web: 50 %\nnext: 50 %\n"
    stand.until(lambda: stand.row("next")["Share"] == "50%")
    stand.until(lambda: {stand.get().body.split()[0] for _ in range(20)} == {"1", "2"})
    refused = stand.root.cli("traffic", "set", "web=1", "nxt=1")
    assert refused.returncode == 1
    assert "web has no variant 'nxt'" in refused.stderr


def test_stopped_services_answer_503_and_start_again(stand: Stand) -> None:
    stand.write(web=stand.service({"scale": {"min": 1, "max": 1}}))
    stand.up()
    file = str(stand.directory / "compose.yaml")
    stand.root.cli("compose", "-f", file, "stop", check=True)
    stand.until(lambda: stand.replicas("web") == [])
    answer = stand.get()
    assert (answer.status, "stopped" in answer.body) == (503, True)
    stand.root.cli("compose", "-f", file, "start", check=True)
    assert stand.get().status == 200


def test_an_image_that_is_served_can_not_be_removed(stand: Stand) -> None:
    stand.write(web=stand.service({"scale": {"min": 0, "max": 1}}))
    stand.up()
    done = stand.root.cli("rmi", "python:3.11")
    assert done.returncode == 1
    assert "service demo/web is using its referenced image" in done.stderr


def test_what_the_file_no_longer_has_is_no_longer_served(stand: Stand) -> None:
    other = {"route": {"path": "/other", "listen": f"127.0.0.1:{stand.port}"}}
    stand.write(web=stand.service(), other=stand.service(other))
    stand.up()
    assert stand.get("/other").status == 200
    stand.write(web=stand.service())
    stand.up()
    assert [stand.get("/other").body.split()[2]] == ["/other"]  # it is web's now
    stand.until(lambda: stand.replicas("other") == [])


@pytest.fixture(autouse=True)
def said(stand: Stand) -> Iterator[None]:
    """What the programs printed, where a test fails."""
    yield
    for name in places.PROGRAMS:
        path = Path(stand.root.paths.serving, name, "output.log")
        if path.exists():
            print(f"--- {name}\n{path.read_text()[-4000:]}")


def test_logs_figures_and_metrics_of_services(stand: Stand) -> None:
    cold = {"route": {"path": "/cold", "listen": f"127.0.0.1:{stand.port}"}, "scale": {"min": 0}}
    stand.write(web=stand.service({"scale": {"min": 2, "max": 2}}, environment={"VERSION": "7"}),
                cold=stand.service(cold))  # fmt: skip
    stand.up()
    stand.until(lambda: stand.row("web")["Replicas"].startswith("2/2"))
    for _ in range(5):
        assert stand.get().status == 200
    every = stand.root.cli("logs", "--all", "--grep", "begin", check=True).stdout
    assert sorted(every.splitlines()) == ["demo-web-1 | begins", "demo-web-2 | begins"]
    since = ("logs", "--all", "--grep", "begin", "--since")
    assert stand.root.cli(*since, "1h", check=True).stdout == every
    assert stand.root.cli(*since, _later(), check=True).stdout == ""
    told = stand.root.cli("services", "logs", "web", check=True).stdout
    assert sorted(told.splitlines()) == sorted(every.splitlines())
    assert stand.root.cli("services", "logs", "web", "--grep", "x{9}", check=True).stdout == ""
    assert "demo/web ready" in stand.root.cli("services", "logs", "--programs", check=True).stdout
    bucket = ("dockyard_request_seconds_bucket", "", "+Inf")
    stand.until(lambda: _figures(stand).get(bucket) == 5)  # Envoy counts these every 5 s
    found = _figures(stand)
    assert found["dockyard_replicas_ready", "", ""] == 2
    assert found["dockyard_requests_total", "2xx", ""] == 5
    assert [found[f"dockyard_{one}", "", ""] for one in _NOTHING] == [0] * len(_NOTHING)
    assert found["dockyard_memory_bytes", "", ""] > 2 * 1_000_000
    used = found["dockyard_cpu_seconds_total", "", ""]
    assert used > 0.01
    stand.root.cli("scale", "web=1", check=True)
    stand.until(lambda: len(stand.replicas("web")) == 1)
    assert _figures(stand)["dockyard_cpu_seconds_total", "", ""] >= used
    assert stand.get("/cold").status == 200
    assert _figures(stand, "cold")["dockyard_cold_starts_total", "", ""] == 1
    top = stand.root.cli("services", "top", "--no-stream", "--format", "json", check=True).stdout
    rows = {row["Variant"]: row["Replicas"] for row in map(json.loads, top.splitlines())}
    assert rows == {"demo/web": "1/1", "demo/cold": "1/1"}


_NOTHING = ("cold_starts_total", "queue_length", "queue_overflows_total", "queue_failures_total")


def _later() -> str:
    moment = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    return moment.isoformat(timespec="seconds")


def test_another_address_for_metrics_has_the_controller_replaced(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand.write(web=stand.service({"scale": {"min": 1}}))
    stand.up()
    before = programs.status(stand.root.paths)
    address = f"127.0.0.1:{free_port()}"
    with Asking(stand) as asking:
        monkeypatch.setenv("DOCKYARD_METRICS", address)
        stand.up()
        monkeypatch.delenv("DOCKYARD_METRICS")
        stand.up()
        with urllib.request.urlopen(f"http://{address}/metrics") as page:
            assert b'dockyard_replicas_ready{project="demo"' in page.read()
    assert asking.wrong == []
    after = programs.status(stand.root.paths)
    same = {name for name in before if _process(before[name]) == _process(after[name])}
    assert same == {places.GATEWAY, places.ACTIVATOR}


def _process(kept: Kept | None) -> int:
    assert kept is not None
    assert kept.process is not None
    return kept.process.pid


def _figures(stand: Stand, variant: str = "web") -> dict[tuple[str, str, str], float]:
    metrics = stand.root.cli("services", "metrics", check=True).stdout
    return {
        (sample.name, sample.labels.get("code", ""), sample.labels.get("le", "")): sample.value
        for family in text_string_to_metric_families(metrics)
        for sample in family.samples
        if sample.labels["variant"] == variant
    }


def test_a_taken_port_is_told_and_disturbs_nobody(stand: Stand) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        route = {"listen": f"127.0.0.1:{taken.getsockname()[1]}"}
        stand.write(web=stand.service(), other=stand.service({"route": route}))
        done = stand.up(check=False)
        assert done.returncode == 1
        assert "service other isn't served: it can't listen" in done.stderr
        assert stand.get().status == 200
        assert "can't listen" in stand.row("other")["Reason"]


def test_up_says_what_has_no_effect_beside_a_block(stand: Stand) -> None:
    web = stand.service({"sticky": {"cookie": "variant"}})
    after = {"image": "busybox", "depends_on": {"web": {"condition": "service_healthy"}}}
    web = {**web, "scale": 3, "deploy": {"placement": {"constraints": ["a"]}}}
    stand.write(web=web, after=after)
    told = stand.up("--dry-run").stderr
    assert "services.web.scale has no effect: x-dockyard.scale says how many there are" in told
    assert "services.web.x-dockyard.sticky has no effect: there are no variants" in told
    assert "services.web.deploy.placement has no effect here" in told
    assert "services.after.depends_on.web: after doesn't wait for web, which is served" in told


def test_ctrl_c_ends_what_up_in_the_foreground_began(stand: Stand) -> None:
    stand.write(web=stand.service({"scale": {"min": 1, "max": 1}}))
    file = str(stand.directory / "compose.yaml")
    foreground = stand.root.start("up", "-f", file)
    stand.until(lambda: stand.replicas("web"))
    stand.until(lambda: stand.row("web")["Status"] == "serving")
    foreground.send_signal(signal.SIGINT)
    foreground.communicate(timeout=60)
    assert stand.row("web")["Status"] == "suspended"
    assert stand.replicas("web") == []


def test_a_replica_that_is_restarted_gets_nothing_until_it_is_ready_again(stand: Stand) -> None:
    scale = {"min": 2, "max": 2}
    stand.write(web=stand.service({"scale": scale, "idempotent": True}, environment={"START": "1"}))
    stand.up()
    stand.until(lambda: stand.row("web")["Replicas"].startswith("2/2"))
    with Asking(stand) as asking:
        stand.root.cli("restart", "demo-web-1", check=True)
        stand.until(lambda: stand.row("web")["Replicas"].startswith("2/2"))
    assert asking.wrong == []


def test_one_that_is_paused_is_replaced_until_it_goes_on(stand: Stand) -> None:
    stand.write(web=stand.service({"scale": {"min": 1, "max": 1}}))
    stand.up()
    stand.root.cli("pause", "demo-web-1", check=True)
    stand.until(lambda: len(stand.replicas("web")) == 2 and stand.row("web")["Status"] == "serving")
    assert {stand.get(timeout=5).status for _ in range(5)} == {200}
    stand.root.cli("unpause", "demo-web-1", check=True)
    stand.until(lambda: len(stand.replicas("web")) == 1)
    assert stand.get().status == 200


def test_what_keeps_a_service_from_serving_is_said_in_a_line(stand: Stand) -> None:
    def service(path: str, **more: Any) -> dict[str, Any]:
        block = {
            "route": {"path": path, "listen": f"127.0.0.1:{stand.port}"},
            "scale": {"min": 0, "max": 1}, **more.pop("block", {}),
        }  # fmt: skip
        return stand.service(block, **more)

    hungry = ["python", "-c", "x = bytearray(1 << 28)"]
    stand.write(
        port=service("/port", block={"port": 9999, "ready": {"path": "/", "deadline": "1s"}}),
        health=service("/health", block={"ready": {"path": "/healthz", "deadline": "1s"}},
                       environment={"HEALTH": "500"}),
        hungry=service("/hungry", command=hungry, mem_limit="32m"),
        web=service("/web"),
    )  # fmt: skip
    stand.up()
    reasons = {
        "port": "wasn't ready within 1 s: GET / on port 9999: connection refused",
        "health": "wasn't ready within 1 s: GET /healthz on port 8000: it answers 500",
        "hungry": "was killed for its memory (its limit is 32 MiB)",
    }
    for name, reason in reasons.items():
        answer = stand.get(f"/{name}")
        assert (answer.status, reason in answer.body) == (503, True), answer.body
        row = stand.row(name)
        assert (row["Status"], reason in row["Reason"]) == ("failed", True), row
        assert stand.get("/web").status == 200
    logged = stand.root.cli("services", "logs", "--programs", check=True).stdout
    assert "demo/port demo-port-1: begins" in logged  # the last lines of one that was removed


def test_a_full_queue_refuses_and_says_when_to_come_again(stand: Stand) -> None:
    block = {"scale": {"min": 1, "max": 1}, "concurrency": 1, "queue": {"max": 1}}
    stand.write(web=stand.service(block, environment={"DELAY": "1"}))
    stand.up()
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: stand.get(), range(6)))
    good = [answer for answer in answers if answer.status == 200]
    refused = [answer for answer in answers if answer.status == 503]
    assert len(good) + len(refused) == 6
    assert len(good) >= 2
    assert refused
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
    assert {answer.body.split()[-1] for answer in good} == {"1"}  # never two at a time


def test_who_reads_what_strangers_send_has_few_rights(stand: Stand) -> None:
    stand.write(web=stand.service({"scale": {"min": 0, "max": 1}}))
    stand.up()
    for name, capabilities in (("gateway", 1 << 10), ("activator", 0)):  # CAP_NET_BIND_SERVICE
        found = programs.status(stand.root.paths)[name]
        assert found is not None
        assert found.process is not None
        status = Path(f"/proc/{found.process.pid}/status").read_text()
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        assert int(fields["CapEff"], 16) == capabilities
        assert int(fields["CapBnd"], 16) == capabilities
        assert fields["NoNewPrivs"] == "1"
    assert stand.get().status == 200


def test_a_variant_that_leaves_the_file_finishes_what_it_has(stand: Stand) -> None:
    slow = {"DELAY": "0.3"}
    web = stand.service({"scale": {"min": 1, "max": 1}}, environment=slow)
    both = stand.service({"variant_of": "web", "weight": 50, "scale": {"min": 1, "max": 1}},
                         environment={**slow, "VERSION": "2"})  # fmt: skip
    stand.write(web=web, next=both)
    stand.up()
    stand.until(lambda: stand.row("next")["Status"] == "serving")
    with Asking(stand) as one, Asking(stand) as other:
        stand.until(lambda: {answer.body.split()[0] for answer in one.answers} == {"1", "2"})
        stand.write(web=web)
        stand.up()
        stand.until(lambda: stand.replicas("next") == [])
    assert one.wrong + other.wrong == []


def test_stopping_a_variant_does_not_stop_its_service(stand: Stand) -> None:
    stand.write(web=stand.service({"scale": {"min": 1, "max": 1}}),
                next=stand.service({"variant_of": "web", "weight": 0}))  # fmt: skip
    stand.up()
    file = str(stand.directory / "compose.yaml")
    stand.root.cli("compose", "-f", file, "stop", "next", check=True)
    assert stand.row("web")["Status"] == "serving"
    assert stand.get().status == 200


def test_services_take_each_others_places_and_none_of_them_goes(stand: Stand) -> None:
    """A plain service is served, becomes a variant, swaps with its service, and is plain again."""
    plain = stand.service(environment={"VERSION": "2"})
    block = plain.pop("x-dockyard")
    held = {"scale": {"min": 1, "max": 1}}
    web = stand.service(held, environment={"VERSION": "1"})
    stand.write(web=web, next=plain)
    stand.up()
    stand.write(web=web, next={**plain, "x-dockyard": {**block, **held, "route": {
        "path": "/next", "listen": f"127.0.0.1:{stand.port}"}}})  # fmt: skip
    stand.up()
    assert (version(stand), version(stand, "/next")) == ("1", "2")
    variant = {**plain, "x-dockyard": {"variant_of": "web", "weight": 0, "port": 8000, **held}}
    stand.write(web=web, next=variant)
    stand.up()
    assert (version(stand), version(stand, "/next")) == ("1", "1")

    old = {**web, "x-dockyard": {"variant_of": "next", "weight": 0, "port": 8000, **held}}
    stand.write(web=old, next={**plain, "x-dockyard": {**block, **held}})
    replicas = stand.replicas("next")
    with Asking(stand) as asking:
        stand.up()
        stand.until(lambda: version(stand) == "2")
    assert asking.wrong == []
    assert stand.replicas("next") == replicas, "they were what they are"
    assert sorted(row["Variant"] for row in stand.rows()) == ["next", "web"]

    stand.write(next=plain)
    stand.up()
    stand.until(lambda: stand.replicas("web") == [] and stand.rows() == [])
    assert len(stand.replicas("next")) == 1, "it is Compose's now"


def version(stand: Stand, path: str = "/") -> str:
    return stand.get(path).body.split()[0]


def test_up_waits_for_what_is_needed_and_changes_nothing_before_it_can_be_made(
    stand: Stand,
) -> None:
    held = {"scale": {"min": 1, "max": 1}}
    job = {"image": "busybox", "command": ["sh", "-c", "sleep 1; touch /made/done"],
           "network_mode": "none", "volumes": ["made:/made"]}  # fmt: skip
    after = {"job": {"condition": "service_completed_successfully"}}
    web = stand.service(held, depends_on=after)
    web["volumes"] += ["made:/made"]
    web["command"] = ["sh", "-c", "test -e /made/done && exec python /srv/server.py"]
    stand.write(job=job, web=web)
    document = json.loads((stand.directory / "compose.yaml").read_text())
    (stand.directory / "compose.yaml").write_text(json.dumps({**document, "volumes": {"made": {}}}))
    stand.up()
    assert stand.row("web")["Status"] == "serving"
    assert "exited" not in stand.root.cli("explain", "web", check=True).stdout

    first = stand.replicas("web")
    stand.up("--force-recreate")
    stand.until(lambda: len(stand.replicas("web")) == 1)
    second = stand.replicas("web")
    stand.up()
    assert (first == second, stand.replicas("web")) == (False, second)

    (stand.directory / "Dockerfile").write_text("FROM busybox\nRUN exit 7\n")
    broken = stand.service(held, build=str(stand.directory))
    del broken["image"]
    stand.write(other=broken)
    assert stand.up(check=False).returncode != 0
    assert stand.get().status == 200
    stand.root.cli("compose", "-p", "demo", "down", "-v", check=True)
