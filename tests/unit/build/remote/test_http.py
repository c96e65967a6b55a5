from __future__ import annotations

import io
import os
from http.client import HTTPMessage
from pathlib import Path
from urllib.error import HTTPError

import pytest

from dockyard.build.remote import http
from dockyard.build.remote.address import Web
from dockyard.errors import HostileInput
from dockyard.state.room import Room

WEB = Web(url="https://u:s3cret@example.com/f", name="f")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Wed, 21 Oct 2015 07:28:00 GMT", 1445412480), ("", 0), ("nonsense", 0),
        ("Thu, 01 Jan 1960 00:00:00 GMT", 0), ("Wed, 99 Oct 2015 07:28:00 GMT", 0),
    ],
)  # fmt: skip
def test_times_of_the_web(text: str, seconds: int) -> None:
    assert http.seconds_of(text) == seconds


@pytest.mark.parametrize("announced", ["", "1000"])
def test_an_answer_that_does_not_end_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, announced: str
) -> None:
    monkeypatch.setattr(http, "_MAX_BYTES", 100)
    monkeypatch.setattr(http, "_CHUNK_BYTES", 64)
    headers = HTTPMessage()
    headers["Content-Length"] = announced
    answer = HTTPError(WEB.url, 200, "", headers, io.BytesIO(b"x" * 1000))
    with (tmp_path / "f").open("wb") as target, pytest.raises(HostileInput) as raised:
        http._store(WEB, answer, target.fileno(), Room(str(tmp_path)))

    assert "more than 100 bytes" in raised.value.message
    assert "s3cret" not in raised.value.message
    assert os.stat(tmp_path / "f").st_size <= 100
