"""What is wrong with a service is in its status in a line; those beside it serve."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.support.gateway import certificate
from tests.support.roots import Root
from tests.support.serving import Stand, free_port


@pytest.fixture
def stand(root: Root, tmp_path: Path) -> Stand:
    return Stand(root, tmp_path)


def _beside(stand: Stand) -> dict[str, Any]:
    return stand.service({"route": {"path": "/other", "listen": f"127.0.0.1:{stand.port}"}})


def test_what_can_not_come_up_is_told_long_before_its_deadline(stand: Stand) -> None:
    """A wrong port, a memory limit beyond the machine, a key that is none; the deadline is of five
    minutes."""
    tls = certificate(stand.directory, "a.test")
    Path(tls.key).write_text("no key")
    secure = {"listen": f"127.0.0.1:{free_port()}", "tls": {"cert": tls.cert, "key": tls.key}}

    def route(path: str) -> dict[str, Any]:
        return {"path": path, "listen": f"127.0.0.1:{stand.port}"}

    stand.write(
        port=stand.service({"route": route("/port"), "port": 9999}),
        huge=stand.service({"route": route("/huge")}, mem_limit="16384g"),
        secure=stand.service({"route": secure}),
        other=_beside(stand),
    )
    done = stand.up(check=False)
    assert done.returncode == 1
    assert "service secure isn't served: the gateway refuses it: " in done.stderr
    assert "the gateway refuses it: " in stand.row("secure")["Reason"]
    stand.until(lambda: stand.row("huge")["Status"] == "failed")
    why = "demo/huge needs 16384.0 GiB for a replica, the machine has "
    assert stand.row("huge")["Reason"].startswith(why)
    answer = stand.get("/huge")
    assert (answer.status, why in answer.body) == (503, True), "nobody waits for it"
    stand.until(lambda: stand.row("port")["Reason"], 15)
    row = stand.row("port")
    assert row["Status"] == "starting"
    assert "demo-port-1 runs for " in row["Reason"]
    assert "; GET /healthz on port 9999: connection refused" in row["Reason"]
    assert all("\n" not in stand.row(name)["Reason"] for name in ("port", "huge", "secure"))
    assert stand.get("/other").status == 200


def test_one_that_is_killed_for_its_memory_is_told_though_others_serve(stand: Stand) -> None:
    web = stand.service({"scale": {"min": 2, "max": 2}}, mem_limit="64m")
    stand.write(web=web, other=_beside(stand))
    stand.up()
    stand.until(lambda: stand.row("web")["Replicas"].startswith("2/2"))
    assert stand.row("web")["Reason"] == ""
    grow = "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/grow')"
    stand.root.cli("exec", "demo-web-2", "python", "-c", grow)
    stand.until(lambda: stand.row("web")["Reason"])
    stand.until(lambda: stand.row("web")["Replicas"].startswith("2/2"))
    row = stand.row("web")
    assert row["Status"] == "serving"
    killed = r"demo-web-2 was killed for its memory \(its limit is 64 MiB\), \d+ s ago: begins"
    assert re.fullmatch(killed, row["Reason"])  # with what it printed last
    assert stand.get("/other").status == 200


def test_a_full_queue_is_told(stand: Stand) -> None:
    block = {"concurrency": 1, "queue": {"max": 1}}
    stand.write(web=stand.service(block, environment={"DELAY": "2"}), other=_beside(stand))
    stand.up()
    with ThreadPoolExecutor(6) as pool:
        asked = [pool.submit(stand.get) for _ in range(6)]
        stand.until(lambda: stand.row("web")["Reason"] == (
            "queue full: 1 wait, 4 refused in the last minute"
        ))  # fmt: skip
        assert stand.get("/other").status == 200
    assert sorted(each.result().status for each in asked) == [200, 200, 503, 503, 503, 503]
    assert stand.row("web")["Status"] == "serving"
    stand.until(lambda: stand.row("web")["Reason"] == (
        "queue was full: 4 refused in the last minute"
    ))  # fmt: skip
