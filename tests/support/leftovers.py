"""What a root still has on this host: everything that it should have given back."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.support.processes import commands

from dockyard.state.paths import HOST_LOCK_DIRECTORY, Paths
from dockyard.system import process

_PERMANENT_LOCKS = ("names.", "network.", "probe.", "cgroups.", "m-")
"""Locks of what a root has once, and of its cache mounts."""

_SCRIPTS = ("/containers/exit.py", "/controller/process.py", "/activator/process.py")

PATIENCE = 10.0
"""Seconds for what the kernel does in its own time (interfaces of a dead namespace)."""


def of_root(paths: Paths, *, patience: float = PATIENCE) -> list[str]:
    """Names whatever a root without containers still has outside its images and volumes."""
    deadline = time.monotonic() + patience
    while True:
        found = [*on_host(paths), *in_directories(paths)]
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


def on_host(paths: Paths) -> Iterator[str]:
    """Mounts, processes, cgroups, interfaces, rules and locks that carry the root's name."""
    mark = paths.root_hash
    yield from _mounts(paths)
    yield from _processes(paths)
    yield from _cgroups(mark)
    yield from _interfaces(mark)
    yield from _rules(mark)
    for name in _names(HOST_LOCK_DIRECTORY):
        if mark in name:
            yield f"host lock: {name}"


def in_directories(paths: Paths) -> Iterator[str]:
    """Files of containers, workspaces and locks, and layers that records don't know."""
    for directory in (
        paths.containers, paths.workspaces, paths.exits, paths.runtime_state,
        f"{paths.run}/containers",
    ):  # fmt: skip
        for name in _names(directory):
            if (directory, name) != (paths.runtime_state, ".cache"):  # newer crun's own filters
                yield f"file: {directory}/{name}"
    if os.path.isdir(paths.controller):  # it ends, and takes that along, with the last container
        yield f"controller: {_names(paths.controller)}"
    if os.path.isdir(paths.serving):
        yield f"serving: {_names(paths.serving)}"
    for name in _names(paths.locks):
        if not name.startswith(_PERMANENT_LOCKS):
            yield f"lock file: {name}"
    for name in _names(paths.run):
        if name.startswith("probe-") and os.path.isdir(f"{paths.run}/{name}"):
            yield f"probe: {name}"
    yield from _records(paths)


def _records(paths: Paths) -> Iterator[str]:
    with sqlite3.connect(f"file:{paths.database}?mode=ro", uri=True) as connection:
        known = {row[0] for row in connection.execute("SELECT id FROM layers")}
        states = connection.execute("SELECT id, state FROM layers WHERE state<>'ready'").fetchall()
        for table in ("containers", "workspaces", "endpoints", "leases", "networks"):
            count = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            if count:
                yield f"{count} rows in {table}"
        fillings = connection.execute(
            "SELECT name FROM volumes WHERE state='deleting' OR anonymous"
        ).fetchall()
        caches = {row[0] for row in connection.execute("SELECT id FROM cache_mounts")}
        made = connection.execute("SELECT id FROM cache_mounts WHERE state<>'ready'").fetchall()
    connection.close()
    yield from (f"cache {name} is not ready" for (name,) in made)
    for name in sorted(caches ^ set(_names(paths.caches))):
        yield f"cache without record or directory: {name}"
    present = set(_names(paths.layers))
    yield from (f"layer directory without record: {name}" for name in sorted(present - known))
    yield from (f"layer record without directory: {name}" for name in sorted(known - present))
    yield from (f"layer {name} is {state}" for name, state in states)
    yield from (f"volume {name}" for (name,) in fillings)


def _mounts(paths: Paths) -> Iterator[str]:
    for line in Path("/proc/self/mountinfo").read_text(errors="surrogateescape").splitlines():
        point = line.split(" ")[4]
        if point.startswith((f"{paths.root}/", f"{paths.run}/")):
            yield f"mount: {point}"


def _processes(paths: Paths) -> Iterator[str]:
    """Monitors, runtimes and scripts of ours name the root's directories; commands are left out."""
    for pid, words in commands():
        program = os.path.basename(words[0])
        exiting = any(word.endswith(_SCRIPTS) for word in words)
        if not exiting and program not in {
            "aardvark-dns",
            "conmon",
            "crun",
            "envoy",
            "runc",
            "ssh-agent",
        }:
            continue
        if any(word.startswith((paths.root, paths.run)) for word in words):
            yield f"process {pid}: {' '.join(words)[:200]}"


def _cgroups(mark: str) -> Iterator[str]:
    for base, directories, _ in os.walk("/sys/fs/cgroup"):
        ours = [name for name in directories if mark in name]
        for name in ours:
            inside = list(_leaf_groups(f"{base}/{name}"))
            if name.endswith(".slice") and len(inside) == 1:
                continue  # systemd keeps it
            yield from (f"cgroup: {path}" for path in inside)
        directories[:] = [name for name in directories if name not in ours]


def _leaf_groups(top: str) -> Iterator[str]:
    """The group and all below it."""
    for base, _, _ in os.walk(top):
        yield base


def _interfaces(mark: str) -> Iterator[str]:
    done = subprocess.run(["ip", "-json", "link"], capture_output=True, check=True)
    for interface in json.loads(done.stdout):
        if mark in interface["ifname"]:
            yield f"interface: {interface['ifname']}"


def _rules(mark: str) -> Iterator[str]:
    commands = (["nft", "list", "ruleset"], ["iptables-save"], ["iptables-legacy-save"])
    for command in commands:
        program = process.find(command[0])
        if program is None:
            continue
        done = subprocess.run([program, *command[1:]], capture_output=True, check=False)
        for line in done.stdout.decode(errors="replace").splitlines():
            if mark in line:
                yield f"rule ({command[0]}): {line.strip()}"


def _names(directory: str) -> list[str]:
    try:
        return sorted(os.listdir(directory))
    except FileNotFoundError:
        return []
