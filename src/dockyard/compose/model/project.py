"""A project: services and what they share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from dockyard import decoding
from dockyard.compose.model import quantities
from dockyard.compose.model.service import Service


class IpamPool(msgspec.Struct, frozen=True, kw_only=True):
    """Addresses of a network."""

    subnet: str = ""
    gateway: str = ""
    ip_range: str = ""
    aux_addresses: dict[str, str] = {}


class Ipam(msgspec.Struct, frozen=True, kw_only=True):
    """How addresses of a network are given."""

    driver: str = ""
    config: tuple[IpamPool, ...] = ()


class Network(msgspec.Struct, frozen=True, kw_only=True):
    """A network; ``name`` is what the engine calls it."""

    name: str = ""
    driver: str = ""
    driver_opts: dict[str, str] = {}
    ipam: Ipam = Ipam()
    external: bool = False
    internal: bool = False
    attachable: bool = False
    labels: dict[str, str] = {}
    enable_ipv4: bool | None = None
    enable_ipv6: bool | None = None


class Volume(msgspec.Struct, frozen=True, kw_only=True):
    """A volume; ``name`` is what the engine calls it."""

    name: str = ""
    driver: str = ""
    driver_opts: dict[str, str] = {}
    external: bool = False
    labels: dict[str, str] = {}


class FileObject(msgspec.Struct, frozen=True, kw_only=True):
    """A secret or a config: exactly one of ``file``, ``environment``, ``content``, ``external``."""

    name: str = ""
    file: str = ""
    environment: str = ""
    content: str = ""
    external: bool = False
    labels: dict[str, str] = {}
    driver: str = ""
    driver_opts: dict[str, str] = {}
    template_driver: str = ""


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """A model that services use; ``model`` is its reference."""

    name: str = ""
    model: str = ""
    context_size: int = 0
    runtime_flags: tuple[str, ...] = ()


class Project(msgspec.Struct, frozen=True, kw_only=True):
    """All of it, normalised.

    - ``working_dir``, ``files``: absolute paths;
    - ``env_files``: those that were named for interpolation, and no ``.env`` by itself;
    - ``environment``: the variables that files were interpolated with, in which secrets and
      configs are looked up too;
    - ``disabled``: services of profiles that aren't active;
    - ``separator``: what is between the parts of names of containers and built images; ``_`` in
      the compatibility mode.
    """

    name: str
    working_dir: str = ""
    files: tuple[str, ...] = ()
    services: dict[str, Service] = {}
    disabled: dict[str, Service] = {}
    networks: dict[str, Network] = {}
    volumes: dict[str, Volume] = {}
    secrets: dict[str, FileObject] = {}
    configs: dict[str, FileObject] = {}
    models: dict[str, Model] = {}
    environment: dict[str, str] = {}
    profiles: tuple[str, ...] = ()
    separator: str = "-"
    env_files: tuple[str, ...] = ()
    extensions: dict[str, Any] = {}


def from_tree(tree: Mapping[str, Any], **more: object) -> Project:
    """The project that a normalised tree describes.

    Args:
        more: fields that a tree doesn't have.

    Raises:
        msgspec.ValidationError: it isn't normalised.
    """
    services = {
        name: {**_parted(service), "name": name}
        for name, service in tree.get("services", {}).items()
    }
    whole = {**_parted(tree), "services": services, **more}
    return decoding.from_builtins(whole, Project, quantities.decode)


def _parted(tree: Mapping[str, Any]) -> dict[str, Any]:
    own = {key: value for key, value in tree.items() if not key.startswith("x-")}
    extensions = {key: value for key, value in tree.items() if key.startswith("x-")}
    return {**own, "extensions": extensions}
