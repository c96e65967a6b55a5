"""``info``."""

from __future__ import annotations

import collections
import os
from typing import TYPE_CHECKING, Any

from dockyard import __version__
from dockyard.cli import listing, options
from dockyard.cli.command import define, with_engine
from dockyard.cli.output import say
from dockyard.cli.units import binary_size
from dockyard.config import Config
from dockyard.errors import DockyardError
from dockyard.oci.reference import DEFAULT_REGISTRY
from dockyard.system import host

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("info")
@options.object_format
@with_engine
def command(engine: Engine, *, form: str | None) -> None:
    """Prints the key facts of this root and host."""
    facts = collect(engine)
    if form:
        listing.put(listing.object_text(facts, form))
    else:
        say(info_text(facts), end="")


def collect(engine: Engine) -> dict[str, Any]:
    """The fields of ``--format``, in Docker's names where it has them."""
    containers = engine.containers.all()
    states = collections.Counter(one.shown_state for one in containers)
    uname = os.uname()
    layout = engine.parts.cgroup_layout
    return {
        "ServerVersion": __version__,
        "Containers": len(containers),
        "ContainersRunning": states["running"],
        "ContainersPaused": states["paused"],
        "ContainersStopped": len(containers) - states["running"] - states["paused"],
        "Images": len(engine.images.list()),
        "Driver": "overlay",
        "CgroupDriver": "systemd" if layout.systemd else "cgroupfs",
        "CgroupVersion": {"v1": "1", "v2": "2", "hybrid": "1 (hybrid)"}[layout.mode],
        "CgroupControllers": sorted(layout.controllers),
        "DefaultRuntime": _runtime(engine),
        "KernelVersion": uname.release,
        "OperatingSystem": _operating_system(),
        "OSType": "linux",
        "Architecture": uname.machine,
        "NCPU": host.cpu_count(),
        "MemTotal": host.memory_bytes(),
        "Name": uname.nodename,
        "DockerRootDir": engine.paths.root,
        "RunDir": engine.paths.run,
        "RegistryConfig": _registries(engine.config),
        "PublishAddress": engine.config.publish_address,
        "CDISpecDirs": list(engine.config.cdi_directories),
        "DiscoveredDevices": [
            {"Source": "cdi", "ID": name} for name in sorted(engine.parts.devices.registry.devices)
        ],
    }


def info_text(facts: dict[str, Any]) -> str:
    """The facts as Docker lays them out. Pure."""
    lines = (
        (1, "Containers", facts["Containers"]),
        (2, "Running", facts["ContainersRunning"]),
        (2, "Paused", facts["ContainersPaused"]),
        (2, "Stopped", facts["ContainersStopped"]),
        (1, "Images", facts["Images"]),
        (1, "Version", facts["ServerVersion"]),
        (1, "Storage Driver", facts["Driver"]),
        (1, "Cgroup Driver", facts["CgroupDriver"]),
        (1, "Cgroup Version", facts["CgroupVersion"]),
        (1, "Cgroup Controllers", " ".join(facts["CgroupControllers"])),
        (1, "Default Runtime", facts["DefaultRuntime"]),
        (1, "Kernel Version", facts["KernelVersion"]),
        (1, "Operating System", facts["OperatingSystem"]),
        (1, "OSType", facts["OSType"]),
        (1, "Architecture", facts["Architecture"]),
        (1, "CPUs", facts["NCPU"]),
        (1, "Total Memory", binary_size(facts["MemTotal"])),
        (1, "Name", facts["Name"]),
        (1, "Root Dir", facts["DockerRootDir"]),
        (1, "Run Dir", facts["RunDir"]),
        (1, "Publish Address", facts["PublishAddress"]),
        (1, "CDI spec directories", " ".join(facts["CDISpecDirs"])),
        (1, "Discovered Devices", " ".join(one["ID"] for one in facts["DiscoveredDevices"])),
    )
    text = "".join(f"{' ' * indent}{title}: {value}\n" for indent, title, value in lines)
    return text + _registries_text(facts["RegistryConfig"])


def _registries(config: Config) -> dict[str, Any]:
    """What is set for registries, in Docker's fields; why it can't be read otherwise."""
    from dockyard.registry import settings_files  # not on the way of other commands
    from dockyard.registry.settings import LOOPBACK, Registry

    try:
        settings = settings_files.load(config.registries, os.environ)
    except DockyardError as error:
        return {"InsecureRegistryCIDRs": [], "IndexConfigs": {}, "Mirrors": [],
                "Error": error.message}  # fmt: skip
    found = {
        host: {"Name": host, "Mirrors": [str(mirror) for mirror in one.mirrors],
               "Secure": not one.insecure, "Official": host == DEFAULT_REGISTRY}
        for host, one in {DEFAULT_REGISTRY: Registry(), **settings.registries}.items()
    }  # fmt: skip
    return {
        "InsecureRegistryCIDRs": list(LOOPBACK),
        "IndexConfigs": found,
        "Mirrors": found[DEFAULT_REGISTRY]["Mirrors"],
    }


def _registries_text(facts: dict[str, Any]) -> str:
    """Lists below each other, as Docker has them; mirrors of the Hub without its name. Pure."""
    configs = facts["IndexConfigs"].values()
    insecure = [*facts["InsecureRegistryCIDRs"], *(c["Name"] for c in configs if not c["Secure"])]
    mirrors = list(facts["Mirrors"])
    mirrors += [f"{c['Name']}: {url}" for c in configs if not c["Official"] for url in c["Mirrors"]]
    if "Error" in facts:
        return f" Registries: {facts['Error']}\n"
    lines = [" Insecure Registries:", *(f"  {name}" for name in insecure)]
    lines += [" Registry Mirrors:", *(f"  {name}" for name in mirrors)] if mirrors else []
    return "".join(f"{line}\n" for line in lines)


def _runtime(engine: Engine) -> str:
    """Path of the runtime that ``run`` would use; why there is none otherwise."""
    try:
        return engine.parts.runtime().path
    except DockyardError as error:
        return f"none ({error.message})"


def _operating_system() -> str:
    try:
        with open("/etc/os-release", encoding="utf-8") as stream:
            pairs = dict(line.rstrip().split("=", 1) for line in stream if "=" in line)
    except OSError:
        return "unknown"
    return pairs.get("PRETTY_NAME", "unknown").strip('"')
