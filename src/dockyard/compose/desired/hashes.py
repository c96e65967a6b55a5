"""The hash of what a service's containers are made of: another one means other containers. Pure."""

from __future__ import annotations

import hashlib

import msgspec

from dockyard.compose.model.service import Service
from dockyard.containers.options import Mount, Options


def config_hash(service: Service, image: str, options: Options) -> str:
    """64 hexadecimal digits.

    It follows from the options that the engine is asked for, so that what only says how an image
    is built, how many containers there are or what they wait for leaves them as they are.
    """
    made = msgspec.structs.replace(
        options, env=tuple(sorted(options.env)), mounts=tuple(sorted(options.mounts, key=_target))
    )
    own = (service.container_name, service.post_start, service.pre_stop)
    return hashlib.sha256(msgspec.json.encode((image, made, own), order="sorted")).hexdigest()


def _target(mount: Mount) -> str:
    return mount.target
