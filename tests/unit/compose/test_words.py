"""What the engine says of flags, in a Compose file's words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.compose import ROOM, project

from dockyard import Config, Engine
from dockyard.compose import limits
from dockyard.compose.desired import words
from dockyard.compose.desired.service import desired
from dockyard.errors import InvalidInput


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with Engine(Config(root=f"{tmp_path}/root", run=f"{tmp_path}/run")) as engine:
        yield engine


@pytest.mark.parametrize(
    ("service", "message", "hint"),
    [
        ({"mem_limit": "1000"},
         "services.web.mem_limit: minimum memory limit allowed is 6MB",
         "mem_limit counts bytes; write 64m for 64 MiB"),
        ({"deploy": {"placement": {}, "resources": {"limits": {"memory": "1000"}}}},
         "services.web.deploy.resources.limits.memory: minimum memory limit allowed is 6MB",
         "deploy.resources.limits.memory counts bytes; write 64m for 64 MiB"),
        ({"mem_limit": "64000000", "mem_reservation": "65000000"},
         ("services.web.mem_limit: minimum memory limit can not be less than memory reservation"
         " limit"), "raise mem_limit, or lower mem_reservation"),
        ({"cpu_shares": 1},
         "services.web.cpu_shares: invalid CPU shares (1): the least is 2",
         "cpu_shares is a weight beside others; 1024 is the usual one"),
        ({"ulimits": {"nofile": {"soft": 5, "hard": 4}}},
         "services.web.ulimits: ulimit nofile: soft limit 5 is above hard limit 4",
         "such as ulimits: {nofile: {soft: 5, hard: 5}}"),
        ({"ulimits": {"files": 5}}, "services.web.ulimits: invalid ulimit type: files",
         "there are core, cpu"),
    ],
)  # fmt: skip
def test_a_limit_is_named_by_its_path(
    service: dict[str, Any], message: str, hint: str, engine: Engine
) -> None:
    found = project({"web": service})
    with pytest.raises(InvalidInput) as caught:
        limits.require(engine.parts, desired(found, found.services["web"], ROOM))
    assert caught.value.message == message
    assert (caught.value.hint or "").startswith(hint)


@pytest.mark.parametrize(
    ("hint", "shown"),
    [
        ("give it with --secret id=token,src=PATH (or env=NAME)",
         "give it with services.web.build.secrets"),
        ("give X a value, for instance with --build-arg and an ARG instruction",
         "give X a value, for instance with services.web.build.args and an ARG instruction"),
        ("forward an agent or a key: --ssh default[=SOCKET|KEY]",
         "forward an agent or a key: services.web.build.ssh"),
        (None, None),
    ],
)  # fmt: skip
def test_hints_of_builds_name_properties(hint: str | None, shown: str | None) -> None:
    with pytest.raises(InvalidInput) as caught, words.of_builds("web"):
        raise InvalidInput("no", hint=hint)
    assert caught.value.hint == shown
