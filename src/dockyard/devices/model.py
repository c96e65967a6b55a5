"""The documents of the Container Device Interface 1.1.0; as it says, unknown fields are refused."""

from __future__ import annotations

import msgspec


class Document(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True,
    forbid_unknown_fields=True,
):  # fmt: skip
    """What all of its objects have in common."""


class DeviceNode(Document, frozen=True):
    """A node to make; what is left out is that of ``host_path`` (or ``path``) on the host."""

    path: str
    host_path: str = ""
    type: str = ""
    major: int = 0
    minor: int = 0
    file_mode: int | None = None
    permissions: str = ""
    """Of ``r``, ``w`` and ``m``; ``none`` for none, empty for all."""
    uid: int | None = None
    gid: int | None = None


class Mount(Document, frozen=True):
    """A mount to add; ``type`` is that of mount(2)."""

    host_path: str
    container_path: str
    options: tuple[str, ...] = ()
    type: str = ""


class Hook(Document, frozen=True):
    """A program of the host to run at a stage of the runtime; ``timeout`` is in seconds."""

    hook_name: str
    path: str
    args: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    timeout: int | None = None


class NetDevice(Document, frozen=True):
    """A network interface of the host to move into the container."""

    host_interface_name: str
    name: str


class IntelRdt(Document, frozen=True):
    """Shares of cache and memory bandwidth (resctrl)."""

    clos_id: str = msgspec.field(default="", name="closID")
    l3_cache_schema: str = ""
    mem_bw_schema: str = ""
    schemata: tuple[str, ...] | None = None
    enable_monitoring: bool = False


class Edits(Document, frozen=True):
    """What has to be added to a container."""

    env: tuple[str, ...] = ()
    device_nodes: tuple[DeviceNode, ...] = ()
    net_devices: tuple[NetDevice, ...] = ()
    hooks: tuple[Hook, ...] = ()
    mounts: tuple[Mount, ...] = ()
    intel_rdt: IntelRdt | None = None
    additional_gids: tuple[int, ...] = ()

    def __add__(self, other: Edits) -> Edits:
        """Both, these first."""
        return Edits(
            env=self.env + other.env,
            device_nodes=self.device_nodes + other.device_nodes,
            net_devices=self.net_devices + other.net_devices,
            hooks=self.hooks + other.hooks,
            mounts=self.mounts + other.mounts,
            intel_rdt=other.intel_rdt or self.intel_rdt,
            additional_gids=self.additional_gids + other.additional_gids,
        )


class Device(Document, frozen=True):
    """A device by its name within its kind."""

    name: str
    container_edits: Edits
    annotations: dict[str, str] = {}


class Spec(Document, frozen=True):
    """A specification file: devices of one kind (``vendor/class``)."""

    cdi_version: str
    kind: str
    devices: tuple[Device, ...]
    annotations: dict[str, str] = {}
    container_edits: Edits = Edits()
    """Made once, before those of any of its devices."""
