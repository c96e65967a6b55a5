"""Settings for all tests."""

from __future__ import annotations

import os
import signal

import pytest
from hypothesis import settings

from dockyard.system import cgroups, host, process

settings.register_profile("default", deadline=None, max_examples=60)
settings.load_profile("default")


@pytest.fixture(autouse=True)
def _no_settings_of_the_developer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests see none of the ``DOCKYARD_*`` variables of whoever runs them."""
    for name in [name for name in os.environ if name.startswith("DOCKYARD_")]:
        if name != "DOCKYARD_SOAK":
            monkeypatch.delenv(name)


def pytest_configure() -> None:
    """Who starts us in the background has signals ignored, by our commands too then."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long ones first: who begins one at the end is waited for by all other workers."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def pytest_report_header() -> str:
    """What of this host decides which tests say something: it belongs into a report."""
    layout = cgroups.read_layout()
    found = [name for name in ("crun", "runc", "conmon", "nft", "systemctl") if process.find(name)]
    kernel = ".".join(map(str, host.kernel_version()))
    return (
        f"host: kernel {kernel}, cgroups {layout.mode} ({' '.join(sorted(layout.controllers))}),"
        f" systemd {'manages them' if layout.systemd else 'does not manage them'};"
        f" components: {' '.join(found)}"
    )
