"""Settings for all tests."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

settings.register_profile("default", deadline=None, max_examples=60)
settings.load_profile("default")


@pytest.fixture(autouse=True)
def _no_settings_of_the_developer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests see none of the ``DOCKYARD_*`` variables of whoever runs them."""
    for name in [name for name in os.environ if name.startswith("DOCKYARD_")]:
        if name != "DOCKYARD_SOAK":
            monkeypatch.delenv(name)
