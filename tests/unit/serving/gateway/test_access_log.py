"""The gateway's access log."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec

from dockyard.serving.decide.model import Traffic
from dockyard.serving.gateway.access_log import Reader, Request, added, traffic


def _line(**fields: Any) -> bytes:
    return msgspec.json.encode({"target": "p.a", "upstream": "10.0.0.2:80", **fields}) + b"\n"


def test_lines_are_read_once_as_they_come(tmp_path: Path) -> None:
    path = tmp_path / "log"
    reader = Reader(str(path))
    assert reader.read() == []
    with path.open("ab", buffering=0) as log:
        log.write(_line(id="1") + _line(id="2")[:20])
        assert [one.id for one in reader.read()] == ["1"]
        log.write(_line(id="2")[20:] + b"no json\n" + _line(id="3"))
        assert [one.id for one in reader.read()] == ["2", "3"]
    assert reader.read() == []
    reader.close()


def test_a_rotation_loses_and_repeats_nothing(tmp_path: Path) -> None:
    path, old = tmp_path / "log", tmp_path / "log.1"
    path.write_bytes(_line(id="1"))
    reader = Reader(str(path))
    assert [one.id for one in reader.read()] == ["1"]
    os.rename(path, old)
    with old.open("ab") as log:
        log.write(_line(id="2"))
    assert [one.id for one in reader.read()] == ["2"]
    with old.open("ab") as log:
        log.write(_line(id="3"))
    path.write_bytes(_line(id="4"))
    assert [one.id for one in reader.read()] == ["3", "4"]
    path.write_bytes(_line(id="5")[:-1])
    reader.read()
    reader.close()


def test_a_reader_may_begin_with_what_comes(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(_line(id="1"))
    reader = Reader(str(path), from_end=True)
    with path.open("ab") as log:
        log.write(_line(id="2"))
    assert [one.id for one in reader.read()] == ["2"]
    reader.close()


def test_what_the_activator_served_and_what_nobody_did_is_no_traffic() -> None:
    requests = [
        Request(target="p.a", upstream="10.0.0.2:80", status=200, duration=3.0, at="7"),
        Request(target="p.a", upstream="10.0.0.2:80", status=500, duration=90.0, at="8"),
        Request(target="p.a", upstream="10.0.0.2:80", status=0, flags="DC", at="8"),
        Request(target="p.a", upstream="10.0.0.2:80", status=0, flags="UC,DC", at="8"),
        Request(target="p.a", upstream="10.0.0.2:80", status=503, flags="UC", at="8"),
        Request(target="p.a", upstream="/run/a.sock", status=503, at="8"),
        Request(target="p.a", upstream=None, status=429, at="8"),
        Request(target="p.b", upstream="10.0.0.3:80", status=200, duration=1e6, at="8"),
        Request(target="p.a", upstream="10.0.0.2:80", status=200, at="6"),
    ]
    found = traffic(requests, since=7.0)
    assert (found["p.a"].requests, found["p.a"].errors) == (5, 3)
    assert found["p.a"].latencies[2.0] == 3
    assert found["p.a"].latencies[5.0] == 4
    assert found["p.a"].latencies[float("inf")] == 5
    assert found["p.b"].latencies[300_000.0] == 0
    assert list(found["p.a"].latencies) == sorted(found["p.a"].latencies)


def test_traffic_adds_up() -> None:
    one = Traffic(requests=2, errors=1, latencies={1.0: 1, float("inf"): 2})
    assert added(one, one) == Traffic(requests=4, errors=2, latencies={1.0: 2, float("inf"): 4})
    assert added(Traffic(), one) == one
