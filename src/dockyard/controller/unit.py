"""The systemd unit that makes the controller a service and brings containers back at boot."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping

from dockyard.errors import InvalidInput, NotFound, NotSupported
from dockyard.state.paths import Paths
from dockyard.system import host, process
from dockyard.system.files import write_atomically

DIRECTORY = "/etc/systemd/system"
_RUNNING = "/run/systemd/system"
_DEFAULT_ROOT = "/var/lib/dockyard"
_TIMEOUT_SECONDS = 60.0
_SPACE = 0x20


def name(paths: Paths) -> str:
    """The unit's name; other roots than the default one have their own."""
    return (
        "dockyard.service" if paths.root == _DEFAULT_ROOT else f"dockyard-{paths.root_hash}.service"
    )


def command(paths: Paths) -> list[str]:
    """What the unit runs: the controller, which stays and first brings containers back."""
    script = os.path.join(os.path.dirname(__file__), "process.py")
    return process.isolated_python(script, paths.root, paths.run, "--standing")


def settings() -> dict[str, str]:
    """Dockyard's settings in this process's environment, which the service gets too."""
    return {name: value for name, value in sorted(process.passed_on().items())
            if name.startswith("DOCKYARD_")}  # fmt: skip


def text(paths: Paths, argv: list[str], environment: Mapping[str, str]) -> str:
    """The unit file. Pure.

    ``KillMode=process`` leaves the containers alone when the service stops.

    Raises:
        InvalidInput: a path or a setting has a control character, which would begin another line.
    """
    variables = "".join(
        f"Environment={quoted(f'{key}={value}', command=False)}\n"
        for key, value in environment.items()
    )
    return f"""\
[Unit]
Description=Dockyard controller: restarts, health checks, containers that come back at boot
Wants=network-online.target
After=network-online.target
RequiresMountsFor={quoted(paths.root, command=False)}

[Service]
Type=exec
{variables}ExecStart={" ".join(quoted(word) for word in argv)}
Restart=on-failure
RestartSec=1s
KillMode=process
TimeoutStopSec=30s
OOMScoreAdjust=-500

[Install]
WantedBy=multi-user.target
"""


def install(paths: Paths) -> str:
    """Writes the unit, enables it and starts it; the path of its file.

    Raises:
        PermissionMissing: not root.
        NotSupported: systemd doesn't run here.
        ComponentFailed: systemd refused the unit.
    """
    host.require_root("installing a service")
    _require_systemd()
    path = f"{DIRECTORY}/{name(paths)}"
    write_atomically(path, text(paths, command(paths), settings()).encode(), mode=0o644)
    _systemctl("daemon-reload")
    _systemctl("enable", name(paths))
    _systemctl("restart", name(paths))
    return path


def uninstall(paths: Paths) -> str:
    """Stops the service and removes its unit; containers go on running. The path of its file.

    Raises:
        NotFound: it isn't installed.
        PermissionMissing: not root.
        NotSupported, ComponentFailed: as for :func:`install`.
    """
    host.require_root("removing a service")
    path = f"{DIRECTORY}/{name(paths)}"
    if not os.path.exists(path):
        raise NotFound(f"{path} does not exist", hint="dockyard system install makes it")
    _require_systemd()
    _systemctl("disable", "--now", name(paths))
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    _systemctl("daemon-reload")
    return path


def _require_systemd() -> None:
    if not os.path.isdir(_RUNNING):
        raise NotSupported(
            "systemd does not run on this host",
            hint="dockyard system install --print shows the unit; with another init, run"
            " 'dockyard system boot' when the host has started",
        )


def _systemctl(*arguments: str) -> None:
    process.run(["systemctl", *arguments], timeout=_TIMEOUT_SECONDS)


def quoted(word: str, *, command: bool = True) -> str:
    """A word in systemd's syntax (systemd.service(5)); a dollar is special in commands only."""
    if any(ord(letter) < _SPACE for letter in word):
        raise InvalidInput(
            f"a systemd unit can't hold {word!r}",
            hint="choose DOCKYARD_* settings and directories without control characters",
        )
    escaped = word.replace("%", "%%").replace("\\", "\\\\").replace('"', '\\"')
    escaped = escaped.replace("$", "$$") if command else escaped
    plain = escaped and not any(letter in escaped for letter in " \t'\"\\;")
    return escaped if plain else f'"{escaped}"'
