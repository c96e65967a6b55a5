"""Batches of a test's own: an input, the commands, and a look at what came out."""

from __future__ import annotations

import json
import random
import signal
import subprocess
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.support.bases import CHECKOUT
from tests.support.roots import Command, Root

from dockyard.batch.model import LABEL

WORKER = CHECKOUT / "tests" / "data" / "batch_worker.py"
PYTHON = ("-v", f"{WORKER}:/worker.py:ro", "python:3.11", "python", "-S", "/worker.py")
"""An image and a command that does what the records say."""


class Case:
    """One input and one output, below a directory."""

    def __init__(self, root: Root, directory: Path) -> None:
        self.root = root
        self.directory = directory
        self.input = directory / "data.jsonl"
        self.output = directory / "out"
        self.marks = directory / "marks"
        self.marks.mkdir()

    def write(self, records: Iterable[Mapping[str, Any]]) -> list[str]:
        """Writes the input; the ids."""
        ids = []
        with open(self.input, "w") as stream:
            for each in records:
                ids.append(str(each["id"]))
                stream.write(json.dumps(each) + "\n")
        return ids

    def words(self, *words: str, image: Sequence[str] = PYTHON) -> tuple[str, ...]:
        """``batch run`` with the options in front of the image."""
        return (
            "batch", "run", "--input", str(self.input), "--output", str(self.output), *words,
            "--network", "none", "-v", f"{self.marks}:/marks", *image,
        )  # fmt: skip

    def run(
        self, *words: str, image: Sequence[str] = PYTHON, check: bool = True,
        timeout: float = 120,
    ) -> Command:  # fmt: skip
        """Runs it to its end."""
        return self.root.cli(*self.words(*words, image=image), check=check, timeout=timeout)

    def start(self, *words: str, image: Sequence[str] = PYTHON) -> subprocess.Popen[str]:
        """Starts it."""
        return self.root.start(*self.words(*words, image=image))

    def has_journal(self, shard: Path) -> bool:
        """Whether a shard is still to be committed, or to be written down as such."""
        number = shard.stem.removeprefix("shard-")
        return any(Path(self.root.paths.root, "batches").glob(f"*/journal-{number}"))

    def results(self) -> dict[str, dict[str, Any]]:
        """The results by their ids; each id is there once."""
        return self._lines("shard-*.jsonl")

    def rejections(self) -> dict[str, str]:
        """The reasons by the ids of what was rejected."""
        return {own: each["error"] for own, each in self._lines("rejected-*.jsonl").items()}

    def outcomes(self) -> Counter[str]:
        """How often each id has an outcome."""
        found: Counter[str] = Counter()
        for path in [*self.output.glob("shard-*.jsonl"), *self.output.glob("rejected-*.jsonl")]:
            with open(path) as stream:
                found.update(str(json.loads(line)["id"]) for line in stream)
        return found

    def manifest(self) -> dict[str, Any]:
        """What the end of the batch says."""
        assert (self.output / "_SUCCESS").exists()
        found: dict[str, Any] = json.loads((self.output / "manifest.json").read_text())
        return found

    def _lines(self, pattern: str) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for path in sorted(self.output.glob(pattern)):
            with open(path) as stream:
                for line in stream:
                    value = json.loads(line)
                    own = str(value["id"])
                    assert own not in found, f"{own} is there twice"
                    found[own] = value
        return found


def kill_some(root: Root, dice: random.Random) -> int:
    """Kills the program of one container of a batch, if there is one; how many."""
    with root.engine() as engine:
        processes = [each.process for each in engine.containers.all() if LABEL in each.labels]
    alive = [each for each in processes if each is not None and each.alive()]
    if not alive:
        return 0
    dice.choice(alive).signal(signal.SIGKILL)
    return 1


def batch_containers(root: Root) -> int:
    """How many containers of batches there are, whatever their state."""
    with root.engine() as engine:
        return sum(LABEL in each.labels for each in engine.containers.all())
