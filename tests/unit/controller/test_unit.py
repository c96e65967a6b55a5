"""The systemd unit."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dockyard.cli.commands.system_install import command as install
from dockyard.cli.commands.system_uninstall import command as uninstall
from dockyard.controller import unit
from dockyard.errors import ComponentFailed, InvalidInput, NotFound, NotSupported
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


SYSTEMCTL = """\
#!/bin/sh
echo "$*" >> "$0.calls"
[ "$1" != "$REFUSED" ] || { echo "Unit is bad." >&2; exit 1; }
"""


@pytest.fixture
def systemd(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A directory of units on a host whose systemd notes what it is told."""
    units, program = tmp_path / "units", tmp_path / "bin" / "systemctl"
    for directory in (units, program.parent):
        directory.mkdir()
    program.write_text(SYSTEMCTL)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    monkeypatch.setenv("DOCKYARD_ROOT", "/srv/other")
    monkeypatch.setenv("DOCKYARD_RUN", "/run/other")
    monkeypatch.setattr(unit, "_RUNNING", str(tmp_path))
    monkeypatch.setattr(unit, "DIRECTORY", str(units))
    monkeypatch.setattr("dockyard.system.host.require_root", lambda what: None)
    return units


def told(systemd: Path) -> list[str]:
    """What systemctl was called with since the last look."""
    calls = systemd.parent / "bin" / "systemctl.calls"
    found = calls.read_text().splitlines()
    calls.unlink()
    return found


def test_the_service_is_installed_and_removed(
    systemd: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = Paths("/srv/other", "/run/other")
    name, made = unit.name(paths), systemd / unit.name(paths)
    for _ in range(2):  # it can be repeated, as after an upgrade
        assert install("dockyard system install", []) == 0
        assert capsys.readouterr().out == f"{made}\n"
        assert told(systemd) == ["daemon-reload", f"enable {name}", f"restart {name}"]
        assert made.read_text() == unit.text(paths, unit.command(paths), unit.settings())
        assert made.stat().st_mode & 0o7777 == 0o644
    assert f"{sys.executable} " in made.read_text()
    assert "Environment=DOCKYARD_ROOT=/srv/other\n" in made.read_text()

    assert uninstall("dockyard system uninstall", []) == 0
    assert capsys.readouterr().out == f"{made}\n"
    assert told(systemd) == [f"disable --now {name}", "daemon-reload"]
    assert list(systemd.iterdir()) == []


def test_what_systemd_refuses_is_told(systemd: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REFUSED", "enable")
    with pytest.raises(ComponentFailed, match="Unit is bad"):
        unit.install(Paths("/srv/other", "/run/other"))
    assert len(told(systemd)) == 2
