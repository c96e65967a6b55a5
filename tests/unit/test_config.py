from __future__ import annotations

import pytest

from dockyard import Config
from dockyard.errors import InvalidInput


def test_device_specifications_are_where_cdi_says_unless_told_otherwise() -> None:
    assert Config.from_environment({}).cdi_directories == ("/etc/cdi", "/var/run/cdi")
    told = Config.from_environment({"DOCKYARD_CDI_SPEC_DIRS": "/a:/b/c:"})
    assert told.cdi_directories == ("/a", "/b/c")
    with pytest.raises(InvalidInput, match="not absolute: b"):
        Config.from_environment({"DOCKYARD_CDI_SPEC_DIRS": "/a:b"})
