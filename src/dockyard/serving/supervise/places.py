"""Where what belongs to a kept program is, below ``run/serving``. Pure."""

from __future__ import annotations

import msgspec

from dockyard.state.paths import Paths


class Places(msgspec.Struct, frozen=True):
    """The files of one program."""

    paths: Paths
    name: str

    @property
    def directory(self) -> str:
        """Also conmon's bundle and working directory."""
        return f"{self.paths.serving}/{self.name}"

    @property
    def kept(self) -> str:
        return f"{self.directory}/kept.json"

    @property
    def program(self) -> str:
        return f"{self.directory}/program.json"

    @property
    def pid(self) -> str:
        return f"{self.directory}/pid"

    @property
    def monitor_pid(self) -> str:
        return f"{self.directory}/monitor.pid"

    @property
    def output(self) -> str:
        """What it prints, in the CRI's format."""
        return f"{self.directory}/output.log"

    @property
    def lock(self) -> str:
        return f"{self.paths.locks}/serving-{self.name}.lock"

    @property
    def cgroup(self) -> str:
        return f"/dockyard-{self.paths.root_hash}/serving-{self.name}"
