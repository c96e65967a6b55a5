"""Brokers and the registry: Mosquitto, Docker's registry. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from dockyard.images.bases import Base, on
from dockyard.images.stock.model import File, Service, directory, execution, script


def services() -> Iterator[Base]:
    """All of them."""
    yield _mosquitto()
    yield _registry()


def _mosquitto() -> Base:
    return on(
        "trixie", tag="2.0", series="2.0", packages=("mosquitto", "mosquitto-clients"),
        service=Service(
            repository="eclipse-mosquitto",
            nicknames=("mosquitto",),
            program="mosquitto",
            steps=(
                "groupmod -g 1883 mosquitto", "usermod -u 1883 -g 1883 mosquitto",
                *(directory(f"/mosquitto/{name}", "mosquitto")
                  for name in ("config", "data", "log")),
            ),
            files=(
                script("docker-entrypoint.sh", "mosquitto/docker-entrypoint.sh"),
                File("mosquitto/config/mosquitto.conf", "mosquitto/mosquitto.conf"),
                File("mosquitto-no-auth.conf", "mosquitto/mosquitto-no-auth.conf"),
            ),
            execution=execution(
                entrypoint=("/docker-entrypoint.sh",),
                cmd=("/usr/sbin/mosquitto", "-c", "/mosquitto/config/mosquitto.conf"),
                ports=("1883/tcp",),
                volumes=("/mosquitto/data", "/mosquitto/log"),
            ),
        ),
    )  # fmt: skip


def _registry() -> Base:
    return on(
        "trixie", tag="2", series="2.8", packages=("docker-registry",),
        service=Service(
            repository="registry",
            program="docker-registry",
            steps=("ln -s docker-registry /usr/bin/registry", directory("/var/lib/registry")),
            files=(
                script("entrypoint.sh", "registry/entrypoint.sh"),
                File("etc/docker/registry/config.yml", "registry/config.yml"),
            ),
            execution=execution(
                entrypoint=("/entrypoint.sh",),
                cmd=("/etc/docker/registry/config.yml",),
                ports=("5000/tcp",),
                volumes=("/var/lib/registry",),
            ),
        ),
    )  # fmt: skip
