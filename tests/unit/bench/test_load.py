"""The load generator, on servers of the test's own."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
import pytest
from bench.load.generate import Generator
from bench.load.model import MAX_BODY, Kind, Plan, Record, Shape, Step, address, check
from bench.load.summary import percentile, render, summarise
from tests.support.waiting import until

CHECKOUT = Path(__file__).parents[3]


class Server(ThreadingHTTPServer):
    """Counts what clients can't see."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.connections = self.requests = self.active = self.peak = 0
        self.lock = threading.Lock()
        self.open = threading.Event()
        """Set, whoever waits at ``/held`` is answered."""

    def count(self, difference: int) -> None:
        with self.lock:
            self.active += difference
            self.requests += difference > 0
            self.peak = max(self.peak, self.active)

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients may go away."""


class Handler(BaseHTTPRequestHandler):
    """Does what a path says."""

    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        with self.server.lock:
            self.server.connections += 1

    def do_GET(self) -> None:
        self.server.count(1)
        try:
            getattr(self, f"do_{self.path.strip('/') or 'ok'}")()
        finally:
            self.server.count(-1)

    do_POST = do_HEAD = do_GET  # noqa: N815  # the server's names

    def do_ok(self) -> None:
        self.answer(200, b"well")

    def do_echo(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(200, hashlib.sha256(body).hexdigest().encode(), **{"X-Version": "2"})

    def do_held(self) -> None:
        self.server.open.wait(10)
        self.answer(200, b"well")

    def do_broken(self) -> None:
        self.answer(503, b"no replica", **{"X-Dockyard-Error": "queue full"})

    def do_failed(self) -> None:
        self.answer(500, b"the model failed")

    def do_missing(self) -> None:
        self.answer(404, b"nothing")

    def do_early(self) -> None:
        self.answer(413, b"too large", Connection="close")
        self.close_connection = True

    def do_chunked(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"2\r\nwe\r\n2;x=y\r\nll\r\n0\r\nTrailer: a\r\n\r\n")

    def do_endless(self) -> None:
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"well")
        self.close_connection = True

    def do_half(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        self.wfile.write(b"half")
        self.close_connection = True

    def do_gone(self) -> None:
        self.close_connection = True

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield made
    made.open.set()
    made.shutdown()
    made.server_close()
    thread.join()


def put(plan: Plan, *, stop_after: float = 0) -> list[Record]:
    """Sends a load; what came of it."""

    async def send() -> None:
        if stop_after:
            asyncio.get_running_loop().call_later(stop_after, generator.stop)
        await generator.run()

    records: list[Record] = []
    generator = Generator(plan, records.append)
    asyncio.run(send())
    return records


def at(rate: float, seconds: float = 0.2) -> tuple[Step, ...]:
    return (Step(rate=rate, seconds=seconds),)


def test_all_requests_of_an_open_loop_are_sent_over_few_connections(server: Server) -> None:
    records = put(Plan(url=server.url, steps=(*at(100), Step(seconds=0.05), *at(50))))
    assert len(records) == server.requests == 30
    assert {record.kind for record in records} == {"ok"}
    assert server.connections < 10
    first = min(record.at for record in records)
    gaps = sorted(round(record.at - first, 3) for record in records)
    assert gaps[:3] + gaps[20:22] == [0, 0.01, 0.02, 0.25, 0.27]


def opens_after(server: Server, count: int) -> None:
    """Has the server answer a while after it has got so many requests."""

    def wait() -> None:
        until(lambda: server.requests >= count)
        threading.Timer(1.5, server.open.set).start()

    threading.Thread(target=wait, daemon=True).start()


def test_an_open_loop_waits_for_no_answer(server: Server) -> None:
    opens_after(server, 20)
    records = put(Plan(url=f"{server.url}/held", steps=at(100)))
    assert {record.kind for record in records} == {"ok"}
    assert server.peak == 20
    assert all(record.seconds > 0.5 for record in records)


def test_what_would_be_too_much_at_once_is_not_sent(server: Server) -> None:
    opens_after(server, 3)
    records = put(Plan(url=f"{server.url}/held", steps=at(100), in_flight=3))
    assert summarise(records).kinds == {"ok": 3, "unsent": 17}
    assert server.requests == 3


def test_so_many_requests_are_held(server: Server) -> None:
    steps = (Step(held=4, seconds=0.3), Step(held=1, seconds=0.1))
    records = put(Plan(url=server.url, steps=steps))
    assert {record.kind for record in records} == {"ok"}
    assert 1 <= server.peak <= 5
    assert server.connections <= 5 < server.requests


@pytest.mark.parametrize(
    ("path", "kind", "status", "detail"),
    [
        ("ok", "ok", 200, ""),
        ("chunked", "ok", 200, ""),
        ("endless", "ok", 200, ""),
        ("broken", "gateway", 503, "queue full"),
        ("failed", "status", 500, "the model failed"),
        ("missing", "status", 404, "nothing"),
        ("half", "reset", 0, "IncompleteReadError on a new connection"),
        ("gone", "reset", 0, "IncompleteReadError on a new connection"),
        ("held", "timeout", 0, ""),
    ],
)
def test_what_goes_wrong_is_told_apart(
    server: Server, path: str, kind: Kind, status: int, detail: str
) -> None:
    shape = Shape(path=f"/{path}", expect="well" if kind == "ok" else "")
    (record,) = put(Plan(url=server.url, steps=at(5), shapes=(shape,), timeout=0.5))
    assert (record.kind, record.status, record.detail) == (kind, status, detail)


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    (record,) = put(Plan(url=f"http://localhost:{port}", steps=at(5)))
    assert record.kind == "refused"


def test_large_bodies_arrive_and_wrong_answers_are_seen(server: Server) -> None:
    large = Shape(name="large", method="POST", path="/echo", body=3 << 20, echo=True)
    small = Shape(name="small", method="POST", path="/echo", text="hello", expect="goodbye")
    records = put(Plan(url=server.url, steps=at(20, 0.5), shapes=(large, small), seed=3))
    summary = summarise(records)
    assert set(summary.shapes) == {"large", "small"}
    assert summary.shapes["large"].keys() == {"ok"}
    assert summary.shapes["small"].keys() == {"wrong"}
    assert {record.version for record in records} == {"2"}


def test_an_answer_that_comes_before_the_body_was_sent_counts(server: Server) -> None:
    shape = Shape(method="POST", path="/early", body=8 << 20)
    (record,) = put(Plan(url=server.url, steps=at(5), shapes=(shape,)))
    assert (record.kind, record.status) in {("status", 413), ("reset", 0)}


def test_head_has_no_body(server: Server) -> None:
    records = put(Plan(url=server.url, steps=at(20), shapes=(Shape(method="HEAD"),), timeout=1))
    assert {record.kind for record in records} == {"ok"}


@pytest.mark.parametrize(
    "url",
    ["http://192.0.2.1/", "http://example.com", "https://127.0.0.1", "http://0.0.0.0", "http://",
     "http://127.0.0.1.example.com", "http://[2001:db8::1]:80", "ftp://localhost"],
)  # fmt: skip
def test_no_other_machine_is_put_under_load(url: str) -> None:
    with pytest.raises(ValueError, match=r"only (this machine|http)"):
        check(Plan(url=url, steps=at(1)))


@pytest.mark.parametrize("url", ["http://127.0.0.1:80", "http://[::1]:8000/a", "http://localhost"])
def test_this_machine_is(url: str) -> None:
    check(Plan(url=url, steps=at(1)))
    assert address(url)[0] in {"127.0.0.1", "::1"}


@pytest.mark.parametrize(
    "plan",
    [
        Plan(url="http://127.0.0.1", steps=()),
        Plan(url="http://127.0.0.1", steps=(Step(seconds=4000, rate=1),)),
        Plan(url="http://127.0.0.1", steps=(Step(seconds=1000, rate=10_000),)),
        Plan(url="http://127.0.0.1", steps=(Step(seconds=1, held=513),)),
        Plan(url="http://127.0.0.1", steps=(Step(seconds=1, held=1, rate=1),)),
        Plan(url="http://127.0.0.1", steps=at(1), in_flight=5000),
        Plan(url="http://127.0.0.1", steps=at(1), shapes=()),
        Plan(url="http://127.0.0.1", steps=at(1), shapes=(Shape(body=MAX_BODY + 1),)),
    ],
)
def test_a_load_is_bounded(plan: Plan) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        check(plan)


def test_a_load_that_is_told_to_stop_waits_for_what_is_under_way(server: Server) -> None:
    threading.Timer(0.6, server.open.set).start()
    records = put(Plan(url=f"{server.url}/held", steps=at(10, 60)), stop_after=0.3)
    assert {record.kind for record in records} == {"ok"}
    assert len(records) == server.requests < 10


def test_the_command_prints_figures_and_writes_records(server: Server, tmp_path: Path) -> None:
    done = command(server.url, "--steps", "40x0.2,20x0.2", "--output", str(tmp_path / "records"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].startswith("requests: 12 in ")
    assert done.stdout.splitlines()[-1] == "failed: 0"
    lines = (tmp_path / "records").read_bytes().splitlines()
    records = [msgspec.json.decode(line, type=Record) for line in lines]
    assert [record.kind for record in records] == ["ok"] * 12


def test_the_command_says_what_failed(server: Server, tmp_path: Path) -> None:
    plan = Plan(url=server.url, steps=at(10), shapes=(Shape(name="sum", path="/broken"),))
    (tmp_path / "plan").write_bytes(msgspec.json.encode(plan))
    done = command("--plan", str(tmp_path / "plan"), "--json")
    assert (done.returncode, done.stderr) == (1, "")
    assert json.loads(done.stdout)["shapes"] == {"sum": {"gateway": 2}}


def test_the_command_refuses_other_machines() -> None:
    done = command("http://192.0.2.1:80")
    assert done.returncode == 2
    assert "only this machine is put under load" in done.stderr


def test_an_interrupted_command_has_the_figures_so_far(server: Server) -> None:
    argv = [sys.executable, "-m", "bench.load", server.url, "--rate", "50", "--seconds", "60"]
    with subprocess.Popen(argv, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as process:
        while server.requests < 5:
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGINT)
        out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert out.splitlines()[-1] == "failed: 0"


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "bench.load", *arguments]
    return subprocess.run(argv, cwd=CHECKOUT, capture_output=True, text=True, timeout=60)


def record(kind: Kind, seconds: float = 0.1, version: str = "") -> Record:
    return Record(at=1000.0, seconds=seconds, name="get", kind=kind, version=version)


def test_percentiles_are_values_that_occurred() -> None:
    hundred = [float(number) for number in range(1, 101)]
    assert [percentile(hundred, each) for each in (50, 95, 99, 100)] == [50, 95, 99, 100]
    assert (percentile([7.0], 99), percentile([], 50)) == (7.0, 0.0)


def test_a_summary_says_how_many_failed_and_how() -> None:
    records = [record("ok", 0.1, "1"), record("ok", 0.3, "2"), record("reset", 2.0)]
    summary = summarise(records)
    assert (summary.requests, summary.failed, summary.slowest) == (3, 1, 300.0)
    assert render(summary).splitlines()[2:] == [
        "versions: 1 1, 2 1", "kinds:    ok 2, reset 1", "  get: ok 2, reset 1", "failed: 1",
    ]  # fmt: skip
    assert render(summarise([])).splitlines()[-1] == "failed: 0"
