"""Content on its way through TLS, where the kernel can't send files by itself."""

from __future__ import annotations

import hashlib
import http.client
import random
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.support.registries import RunningRegistry, own_registry
from tests.support.servers import authority

CONTENT = random.Random(8).randbytes(8 << 20)
DIGEST = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"


def client_of(registry: RunningRegistry) -> http.client.HTTPSConnection:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return http.client.HTTPSConnection("localhost", registry.port, timeout=60, context=context)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[RunningRegistry]:
    _, bundle = authority(tmp_path)
    options = ("--tlscert", str(bundle), "--tlskey", str(tmp_path / "key.pem"))
    with own_registry(tmp_path, *options) as running:
        client = client_of(running)
        client.request("POST", f"/v2/a/blobs/uploads/?digest={DIGEST}", CONTENT)
        assert client.getresponse().status == 201
        client.close()
        yield running


def test_whoever_takes_it_by_fits_and_starts_gets_all_of_it(registry: RunningRegistry) -> None:
    def take(number: int) -> str:
        dice = random.Random(number)
        client, found = client_of(registry), hashlib.sha256()
        client.request("GET", f"/v2/a/blobs/{DIGEST}")
        answer = client.getresponse()
        while block := answer.read(dice.randint(1, 400_000)):
            found.update(block)
            time.sleep(0.03 if dice.random() < 0.3 else 0)
        client.request("GET", "/v2/")  # the connection is good for another one
        assert client.getresponse().status == 200
        client.close()
        return f"sha256:{found.hexdigest()}"

    with ThreadPoolExecutor(8) as crowd:
        assert set(crowd.map(take, range(8))) == {DIGEST}
    assert "Traceback" not in registry.said()


def test_a_part_of_it_can_be_had(registry: RunningRegistry) -> None:
    client = client_of(registry)
    client.request("GET", f"/v2/a/blobs/{DIGEST}", headers={"Range": "bytes=1000000-3000000"})
    answer = client.getresponse()
    assert (answer.status, answer.read()) == (206, CONTENT[1_000_000:3_000_001])
    client.close()
