"""The systemd unit."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from dockyard.controller import unit
from dockyard.errors import InvalidInput, NotFound, NotSupported
from dockyard.state.paths import Paths

EXPECTED = """\
[Unit]
Description=Dockyard controller: restarts, health checks, containers that come back at boot
Wants=network-online.target
After=network-online.target
RequiresMountsFor="/srv/a b/100%%"

[Service]
Type=exec
Environment=DOCKYARD_PUBLISH_ADDRESS=127.0.0.1
Environment="DOCKYARD_X=a \\"$b\\""
ExecStart=/usr/bin/python3 "/srv/a b/100%%" "it's" $$HOME
Restart=on-failure
RestartSec=1s
KillMode=process
TimeoutStopSec=30s
OOMScoreAdjust=-500

[Install]
WantedBy=multi-user.target
"""


def test_the_unit_is_written_out_with_systemds_quoting() -> None:
    paths = Paths("/srv/a b/100%", "/run/x")

    argv = ["/usr/bin/python3", "/srv/a b/100%", "it's", "$HOME"]
    settings = {"DOCKYARD_PUBLISH_ADDRESS": "127.0.0.1", "DOCKYARD_X": 'a "$b"'}
    assert unit.text(paths, argv, settings) == EXPECTED


@pytest.mark.parametrize("words", ["/srv\nExecStart=/bin/evil", "a\rb"])
def test_nothing_adds_lines_to_the_unit(words: str) -> None:
    honest, argv = Paths("/srv/x", "/run/x"), ["/bin/true"]
    with pytest.raises(InvalidInput, match="can't hold"):
        unit.text(Paths(words, "/run/x"), argv, {})
    with pytest.raises(InvalidInput, match="can't hold"):
        unit.text(honest, [*argv, words], {})
    with pytest.raises(InvalidInput, match="can't hold"):
        unit.text(honest, argv, {"DOCKYARD_X": words})


def test_each_root_has_a_unit_of_its_own() -> None:
    other = Paths("/srv/other", "/run/other")

    assert unit.name(Paths("/var/lib/dockyard", "/run/dockyard")) == "dockyard.service"
    assert unit.name(other) == f"dockyard-{other.root_hash}.service"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_finds_nothing_wrong_with_it(tmp_path: Path) -> None:
    paths = Paths("/var/lib/dockyard", "/run/dockyard")
    made = tmp_path / "dockyard.service"
    made.write_text(unit.text(paths, unit.command(paths), {"DOCKYARD_X": 'a "$b"'}))

    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(made)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    complaints = [line for line in done.stderr.splitlines() if "dockyard" in line]
    assert (done.returncode, complaints) == (0, []), done.stderr


def test_without_systemd_it_says_what_else_there_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(unit, "_RUNNING", str(tmp_path / "none"))
    monkeypatch.setattr(unit, "DIRECTORY", str(tmp_path))
    monkeypatch.setattr("dockyard.system.host.require_root", lambda what: None)
    paths = Paths("/srv/other", "/run/other")

    with pytest.raises(NotSupported, match="systemd does not run") as caught:
        unit.install(paths)
    assert "--print" in str(caught.value.hint)
    with pytest.raises(NotFound):
        unit.uninstall(paths)
    assert list(tmp_path.iterdir()) == []
