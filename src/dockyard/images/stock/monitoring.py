"""Prometheus, its alert manager, and exporters. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from dockyard.images.bases import Base, on
from dockyard.images.stock.model import File, Service, directory, execution, link

_TOOLS = ("wget",)
"""What health checks of compose files call; the official images have BusyBox's."""


def services() -> Iterator[Base]:
    """All of them, the latest version of each first."""
    yield _prometheus("v2.53", "trixie", ("prometheus", "promtool"))
    yield _prometheus("v2.42", "bookworm", ("prometheus",))
    yield _alertmanager()
    for series, suite in (("v1.69", "trixie"), ("v1.45", "bookworm")):
        yield _exporter("oliver006/redis_exporter", series, suite, port=9121, user="59000:59000",
                        program="/redis_exporter", package="prometheus-redis-exporter",
                        nicknames=("redis_exporter", "redis-exporter"))  # fmt: skip
    yield _exporter("prom/node-exporter", "v1.9", "trixie", port=9100,
                    program="/bin/node_exporter", package="prometheus-node-exporter",
                    nicknames=("node-exporter", "node_exporter"))  # fmt: skip
    yield _exporter("prom/pushgateway", "v1.11", "trixie", port=9091,
                    program="/bin/pushgateway", package="prometheus-pushgateway",
                    nicknames=("pushgateway",))  # fmt: skip
    yield _exporter("prometheuscommunity/postgres-exporter", "v0.17", "trixie", port=9187,
                    program="/bin/postgres_exporter", package="prometheus-postgres-exporter",
                    nicknames=("postgres-exporter", "postgres_exporter"))  # fmt: skip
    yield _exporter("prom/mysqld-exporter", "v0.17", "trixie", port=9104,
                    program="/bin/mysqld_exporter", package="prometheus-mysqld-exporter",
                    nicknames=("mysqld-exporter", "mysqld_exporter"))  # fmt: skip


def _prometheus(tag: str, suite: str, packages: tuple[str, ...]) -> Base:
    shared = "/usr/share/prometheus"
    return on(
        suite, tag=tag, series=tag.lstrip("v"), packages=(*packages, *_TOOLS),
        service=Service(
            repository="prom/prometheus",
            nicknames=("prometheus",),
            program="prometheus",
            excluded=("/usr/share/javascript/moment-timezone/data/*",),
            steps=(
                directory(shared),
                *(f"mv /etc/prometheus/{name} {shared}/{name}" for name in _CONSOLES),
                *(link(f"/etc/prometheus/{name}", f"{shared}/{name}") for name in _CONSOLES),
                "chown -R -h nobody:nogroup /etc/prometheus",
                directory("/prometheus", "nobody"),
            ),
            files=(File("etc/prometheus/prometheus.yml", "prometheus/prometheus.yml"),),
            execution=execution(
                entrypoint=("/bin/prometheus",),
                cmd=(
                    "--config.file=/etc/prometheus/prometheus.yml",
                    "--storage.tsdb.path=/prometheus",
                    f"--web.console.libraries={shared}/console_libraries",
                    f"--web.console.templates={shared}/consoles",
                ),
                ports=("9090/tcp",),
                volumes=("/prometheus",),
                user="nobody",
                directory="/prometheus",
            ),
        ),
    )  # fmt: skip


_CONSOLES = ("consoles", "console_libraries")


def _alertmanager() -> Base:
    return on(
        "trixie", tag="v0.28", series="0.28", packages=("prometheus-alertmanager", *_TOOLS),
        service=Service(
            repository="prom/alertmanager",
            nicknames=("alertmanager",),
            program="prometheus-alertmanager",
            steps=(
                link("/bin/alertmanager", "prometheus-alertmanager"),
                directory("/etc/alertmanager", "nobody"),
                directory("/alertmanager", "nobody"),
            ),
            files=(File("etc/alertmanager/alertmanager.yml", "alertmanager/alertmanager.yml"),),
            execution=execution(
                entrypoint=("/bin/alertmanager",),
                cmd=("--config.file=/etc/alertmanager/alertmanager.yml",
                     "--storage.path=/alertmanager"),
                ports=("9093/tcp",),
                volumes=("/alertmanager",),
                user="nobody",
                directory="/alertmanager",
            ),
        ),
    )  # fmt: skip


def _exporter(
    repository: str, series: str, suite: str, *, port: int, program: str, package: str,
    nicknames: tuple[str, ...], user: str = "nobody",
) -> Base:  # fmt: skip
    """One program that answers on one port, and has all its settings in flags and environment."""
    return on(
        suite, tag=series, series=series.lstrip("v"), packages=(package, *_TOOLS),
        service=Service(
            repository=repository,
            nicknames=nicknames,
            program=package,
            steps=(link(program, f"/usr/bin/{package}"),),
            execution=execution(entrypoint=(program,), ports=(f"{port}/tcp",), user=user),
        ),
    )  # fmt: skip
