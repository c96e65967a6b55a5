"""What a command costs before it does anything: its imports."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("aiohttp", "asyncio", "importlib.metadata", "logging", "pathlib", "rich", "tempfile")


def loaded(code: str) -> set[str]:
    report = f"{code}\nimport sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", report], capture_output=True, check=True)
    return set(done.stdout.decode().split())


@pytest.mark.parametrize(
    "modules",
    ["dockyard.cli.commands.version", "dockyard.cli.commands.run, dockyard.engine",
     "dockyard.cli.commands.ps, dockyard.engine",
     "dockyard.cli.compose.flags, dockyard.cli.commands.compose_exec, dockyard.engine",
     "dockyard.cli.compose.flags, dockyard.cli.commands.compose_up, dockyard.engine"],
)  # fmt: skip
def test_common_commands_import_nothing_heavy(modules: str) -> None:
    assert not loaded(f"import dockyard.cli.main, {modules}").intersection(HEAVY)


@pytest.mark.parametrize(
    "modules",
    ["dockyard.cli.commands.version",
     "dockyard.cli.compose.flags, dockyard.cli.commands.compose_version"],
)  # fmt: skip
def test_version_imports_neither_engine_nor_records(modules: str) -> None:
    found = loaded(f"import dockyard.cli.main, {modules}")
    assert not found.intersection({"dockyard.engine", "msgspec", "sqlite3", "subprocess"})
