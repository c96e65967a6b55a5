"""A build's progress for programs: a JSON document a line, as BuildKit's ``rawjson`` has them."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Callable, Sequence
from typing import Self

from dockyard.build.progress import Event
from dockyard.cli import units

_ENDED = frozenset({"done", "cached", "failed", "canceled"})


class RawProgress:
    """Prints a document for everything that happens.

    Args:
        write: gets whole lines of text.
    """

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._offset = time.time() - time.monotonic()
        self._started: dict[int, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        """Nothing is left to write."""

    def __call__(self, event: Event) -> None:
        """Takes an event of the build."""
        moment = self._moment(event.time)
        digest = _digest(f"{event.step} {event.name}")
        if event.kind == "output":
            data = base64.b64encode(event.data).decode()
            log = {"vertex": digest, "stream": event.stream, "data": data, "timestamp": moment}
            self._put({"logs": [log]})
            return
        started = self._started.setdefault(event.step, moment)
        vertex: dict[str, object] = {"digest": digest, "name": event.name, "started": started}
        if event.kind in _ENDED:
            vertex["completed"] = moment
        if event.kind == "cached":
            vertex["cached"] = True
        elif event.kind in {"failed", "canceled"}:
            vertex["error"] = event.kind
        self._put({"vertexes": [vertex]})

    def finish(self, image_id: str, names: Sequence[str]) -> None:
        """Tells what was made."""
        moment = self._moment(time.monotonic())
        digest = _digest("exporting to image")
        times = {"started": moment, "completed": moment}
        said = [f"writing image {image_id}", *(f"naming to {name}" for name in names)]
        statuses = [
            {"id": each, "vertex": digest, "current": 0, "timestamp": moment, **times}
            for each in said
        ]
        vertex = {"digest": digest, "name": "exporting to image", **times}
        self._put({"vertexes": [vertex], "statuses": statuses})

    def _moment(self, seconds: float) -> str:
        return units.timestamp(int((seconds + self._offset) * units.NANOSECONDS))

    def _put(self, document: object) -> None:
        self._write(json.dumps(document, separators=(",", ":")) + "\n")


def _digest(text: str) -> str:
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
