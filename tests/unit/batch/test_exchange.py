"""Records as requests, and what answers say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dockyard.batch import exchange
from dockyard.batch.exchange import Reply
from dockyard.batch.model import Http, Job, Outcome, Source
from dockyard.containers.options import Options


def job(source: Source) -> Job:
    return Job(image_id="", image_name="", options=Options(), source=source, output="/out",
               http=Http(port=80, path="/infer"))  # fmt: skip


def test_a_record_is_posted_as_it_is() -> None:
    asked = job(Source(path="/in.jsonl", format="jsonl"))
    request = exchange.request(asked, b'{"id": "a b"}', "a b")
    assert (request.path, request.body) == ("/infer", b'{"id": "a b"}')
    assert request.headers == {"X-Record-Id": "a%20b", "Content-Type": "application/json"}


def test_a_file_is_posted_itself(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "x").write_bytes(b"\0\1")
    asked = job(Source(path=str(tmp_path), format="files"))
    line = b'{"id": "sub/x", "path": "/batch/input/sub/x"}'
    assert exchange.request(asked, line, "sub/x").body == b"\0\1"


def settled(reply: Reply) -> tuple[str, object]:
    found = exchange.outcome(3, 7, "id", reply)
    return (found.kind, json.loads(found.line)) if isinstance(found, Outcome) else ("", found)


@pytest.mark.parametrize(("reply", "kind", "value"), [
    (Reply(200, b'{"label": "x"}'), "result", {"id": 7, "label": "x"}),
    (Reply(201, b'{"label": "x", "id": "7"}'), "result", {"id": "7", "label": "x"}),
    (Reply(200, b"[1]"), "result", {"id": 7, "result": [1]}),
    (Reply(200, b"plain"), "result", {"id": 7, "result": "plain"}),
    (Reply(204, b""), "result", {"id": 7, "result": None}),
    (Reply(200, b'{"error": "too long"}'), "rejection", {"id": 7, "error": "too long"}),
    (Reply(422, b"no text"), "rejection", {"id": 7, "error": "HTTP 422: no text"}),
    (Reply(404, b""), "rejection", {"id": 7, "error": "HTTP 404"}),
    (Reply(500, b"boom"), "", "HTTP 500: boom"),
    (Reply(302, b""), "", "HTTP 302"),
    (Reply(429, b"later"), "", "HTTP 429: later"),
    (Reply(408, b""), "", "HTTP 408"),
    (Reply(200, b"\xff\xfe"), "", "the answer is neither JSON nor text"),
    (Reply(200, b'{"id": 8}'), "", 'the answer carries the id "8", not "7"'),
    (Reply(200, b'{"id": null}'), "", 'the answer carries the id "None", not "7"'),
])  # fmt: skip
def test_what_an_answer_says(reply: Reply, kind: str, value: object) -> None:
    assert settled(reply) == (kind, value)


def test_a_busy_server_is_asked_again_later() -> None:
    assert exchange.busy_seconds(Reply(503, b"", "7"), 1) == 7
    assert exchange.busy_seconds(Reply(429, b"", "9999"), 1) == 30
    assert [exchange.busy_seconds(Reply(503, b""), number) for number in (1, 2, 3)] == [0.5, 1, 2]
    assert exchange.busy_seconds(Reply(500, b""), 1) is None
