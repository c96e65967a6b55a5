"""The systemd unit that serves a registry."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from dockyard.controller.unit import quoted
from dockyard.registry.server.serve import Settings
from dockyard.system import process


def command(settings: Settings) -> list[str]:
    """What the unit runs. Pure."""
    argv = [sys.executable, "-m", "dockyard.cli.main", "registry", "serve", "--root", settings.root]
    for host, port in settings.listen:
        argv += ["--addr", f"[{host}]:{port}" if ":" in host else f"{host}:{port}"]
    for name, value in (
        ("--tlscert", settings.certificate), ("--tlskey", settings.key), ("--url", settings.url),
        ("--mirror", settings.mirror), ("--share", settings.share),
    ):  # fmt: skip
        argv += [name, value] if value else []
    argv += ["--insecure-http"] if settings.insecure_http else []
    return argv + (["--open"] if settings.open else [])


def environment() -> dict[str, str]:
    """Dockyard's settings of this process, which the service gets too."""
    return {name: value for name, value in sorted(process.passed_on().items())
            if name.startswith("DOCKYARD_")}  # fmt: skip


def text(settings: Settings, variables: Mapping[str, str]) -> str:
    """The unit file: it may write its own directory, and an engine's with which it shares. Pure.

    Raises:
        InvalidInput: a path has a control character, which would begin another line.
    """
    given = "".join(
        f"Environment={quoted(f'{key}={value}', command=False)}\n"
        for key, value in variables.items()
    )
    stop = int(settings.shutdown_seconds) + 15
    root = quoted(settings.root, command=False)
    return f"""\
[Unit]
Description=Dockyard registry
Wants=network-online.target
After=network-online.target
RequiresMountsFor={root}

[Service]
Type=exec
{given}ExecStartPre=/bin/mkdir -p -m 0700 {quoted(settings.root)}
ExecStart={" ".join(quoted(word) for word in command(settings))}
ExecReload=/bin/kill -HUP $MAINPID
Restart=on-failure
RestartSec=1s
TimeoutStopSec={stop}s
LimitNOFILE=65536
UMask=0077
NoNewPrivileges=yes
PrivateTmp=yes
ProtectSystem=full
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictSUIDSGID=yes

[Install]
WantedBy=multi-user.target
"""
