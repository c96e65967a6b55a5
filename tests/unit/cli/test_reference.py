"""docs/cli.md is what the commands say of themselves."""

from __future__ import annotations

from pathlib import Path

from dockyard.cli import catalog
from dockyard.cli.reference import markdown

PAGE = Path(__file__).parents[3] / "docs" / "cli.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == markdown(), (
        "run: python -m dockyard.cli.reference > docs/cli.md"
    )


def test_the_page_has_every_command_and_no_refused_option() -> None:
    text = markdown()
    assert all(f"## dockyard {entry.name}\n" in text for entry in catalog.ENTRIES)
    assert "--kernel-memory" not in text
