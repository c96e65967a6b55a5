"""The Dockerfiles below ``tests/data/dockerfiles`` and what BuildKit makes of them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from tests.support.image_summary import Summary

DATA = Path(__file__).parents[1] / "data"
CASES = DATA / "dockerfiles"
EXPECTED = DATA / "buildkit"


@dataclass(frozen=True)
class Case:
    """One Dockerfile with its context, and the options of its build."""

    name: str
    build_args: dict[str, str] = field(default_factory=dict)
    target: str | None = None
    labels: dict[str, str] = field(default_factory=dict)
    file: str = "Dockerfile"
    secrets: dict[str, str] = field(default_factory=dict)
    prepare: str = ""
    xattrs: dict[str, dict[str, str]] = field(default_factory=dict)
    differs: dict[str, dict[str, str]] = field(default_factory=dict)
    waiting: str = ""

    @property
    def expected_at(self) -> Path:
        """The file with what BuildKit said."""
        return EXPECTED / f"{self.name}.json"

    def expected(self) -> Summary:
        """What BuildKit made of it: a summary, or ``error`` and ``line``."""
        found: Summary = json.loads(self.expected_at.read_text())
        return found

    def wanted(self) -> Summary:
        """What Dockyard shall make of it: the same, but for what differs on purpose."""
        found = self.expected()
        if "error" in self.differs and "error" not in found:
            return {"error": self.differs["error"]["ours"]}
        for key, difference in self.differs.items():
            assert key in found or "ours" in difference, f"{self.name} doesn't differ in {key}"
            assert found.get(key) != difference.get("ours"), f"{self.name}: {key} is no difference"
            found.pop(key, None)
            if "ours" in difference:
                found[key] = difference["ours"]
        return found

    def place(self, directory: Path) -> Path:
        """Makes the context below a directory: with fixed modes, and what git can't keep."""
        context = directory / self.name
        shutil.copytree(CASES / self.name, context, symlinks=True)
        for path in (context, *context.rglob("*")):
            if not path.is_symlink():
                executable = path.is_dir() or (os.access(path, os.X_OK) and _is_script(path))
                path.chmod(0o755 if executable else 0o644)
        if self.prepare:
            subprocess.run(
                ["sh", "-euc", f"umask 022; {self.prepare}"], cwd=context, check=True,
            )  # fmt: skip
        for name, attributes in self.xattrs.items():
            for key, value in attributes.items():
                os.setxattr(context / name, key, value.encode())
        return context


def _is_script(path: Path) -> bool:
    return path.read_bytes()[:2] == b"#!"


@cache
def all_cases() -> tuple[Case, ...]:
    """Every case, by name."""
    options: dict[str, dict[str, Any]] = tomllib.loads((CASES / "cases.toml").read_text())
    names = sorted(path.name for path in CASES.iterdir() if path.is_dir())
    unknown = options.keys() - set(names)
    assert not unknown, f"cases.toml names no directory: {unknown}"
    return tuple(
        Case(name, **{k.replace("-", "_"): v for k, v in options.get(name, {}).items()})
        for name in names
    )
