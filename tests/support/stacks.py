"""A Compose project of a test's own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path

from tests.support.roots import Command, Root


class Stack:
    """A file in a directory, and the commands of ``compose`` on it."""

    def __init__(self, root: Root, directory: Path, text: str) -> None:
        self.root = root
        self.directory = directory
        self.file = directory / "compose.yaml"
        self.file.write_text(text)

    def run(
        self, *words: str, flags: Iterable[str] = (), check: bool = False,
        input: str | None = None,  # noqa: A002
        timeout: float = 120,
    ) -> Command:  # fmt: skip
        """Runs ``compose WORDS``; ``flags`` stand before the words."""
        return self.root.cli(
            "compose", "-f", str(self.file), *flags, *words, check=check, input=input,
            timeout=timeout,
        )  # fmt: skip

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Starts ``compose WORDS``."""
        return self.root.start("compose", "-f", str(self.file), *words)

    def output(self, *words: str, flags: Iterable[str] = ()) -> str:
        """What a command prints that succeeds."""
        return self.run(*words, flags=flags, check=True).stdout

    def up(self, *words: str) -> None:
        """Brings it up in the background."""
        self.run("up", "-d", *words, check=True)

    def states(self) -> dict[str, list[str]]:
        """The states of each service's containers, by their numbers."""
        found: dict[str, list[str]] = {}
        lines = self.output("ps", "-a", "--format", "json").splitlines()
        for one in sorted(map(json.loads, lines), key=lambda each: str(each["Name"])):
            found.setdefault(one["Service"], []).append(one["State"])
        return found
