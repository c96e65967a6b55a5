"""Which service's image a name means, and that the recipes hold together."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import pytest

from dockyard.images import bootstrap_plan as plan
from dockyard.images import resolve
from dockyard.images.bases import Base
from dockyard.images.stock import catalog, model, tags
from dockyard.oci.reference import Reference

FILES = Path(model.__file__).with_name("files")
SERVICES = [base for base in catalog.everything() if base.service]


def meant(text: str) -> list[str]:
    return [fit.base.name for fit in catalog.fits(Reference.parse(text))]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("redis:7", ["redis:7"]),
        ("redis:7.0", ["redis:7"]),
        ("redis:7-alpine", ["redis:7"]),
        ("redis:7-alpine3.20", ["redis:7"]),
        ("redis:7.0-bookworm", ["redis:7"]),
        ("redis", ["redis:8", "redis:7"]),
        ("redis:alpine", ["redis:8", "redis:7"]),
        ("docker.io/library/redis:8", ["redis:8"]),
        ("postgres:17", ["postgres:17"]),
        ("postgres:15-alpine", ["postgres:15"]),
        ("postgres:17-trixie", ["postgres:17"]),
        ("pgvector/pgvector:pg17", ["pgvector/pgvector:pg17"]),
        ("pgvector/pgvector:0.8.0-pg17", ["pgvector/pgvector:pg17"]),
        ("prom/prometheus", ["prom/prometheus:v2.53", "prom/prometheus:v2.42"]),
        ("prom/prometheus:latest", ["prom/prometheus:v2.53", "prom/prometheus:v2.42"]),
        ("prom/prometheus:v2.53", ["prom/prometheus:v2.53"]),
        ("prometheus", ["prom/prometheus:v2.53", "prom/prometheus:v2.42"]),
        ("nginx:alpine", ["nginx:1.26", "nginx:1.22"]),
        ("nginx:stable-alpine", ["nginx:1.26", "nginx:1.22"]),
        ("nginx:1.26-alpine-slim", ["nginx:1.26"]),
        ("nginx:1", ["nginx:1.26", "nginx:1.22"]),
        ("mariadb:10", ["mariadb:10.11"]),
        ("mariadb:11", ["mariadb:11.8"]),
        ("oliver006/redis_exporter:latest",
         ["oliver006/redis_exporter:v1.69", "oliver006/redis_exporter:v1.45"]),
        ("registry:2", ["registry:2"]),
        ("memcached:alpine", ["memcached:1.6"]),
        ("node:20-alpine", ["node:20"]),
    ],
)  # fmt: skip
def test_tags_of_the_official_images_mean_the_service(text: str, names: list[str]) -> None:
    assert meant(text) == names


@pytest.mark.parametrize(
    "text",
    [
        "redis:6", "redis:7.2", "redis:7.2-alpine", "redis:70", "redis:8-management",
        "redis:7.0-rc1", "postgres:1", "postgres:16", "nginx:1.27", "nginx:2", "mine/redis:7",
        "registry.example/redis:7", "localhost/redis:7", f"redis:7@sha256:{'0' * 64}",
        "pgvector/pgvector:pg16", "pgvector/pgvector:0.8.0", "grafana/grafana",
    ],
)  # fmt: skip
def test_other_versions_and_other_names_mean_nothing(text: str) -> None:
    assert meant(text) == []


def test_a_full_version_means_the_image_only_where_it_is_that_one() -> None:
    (fit,) = catalog.fits(Reference.parse("redis:7.0.15-alpine"))

    assert fit.base.name == "redis:7"
    assert fit.admits("7.0.15")
    assert not fit.admits("7.0.16")
    assert not fit.admits("7.0.1")


def test_a_stand_in_is_named_with_what_it_is_not() -> None:
    notes = [candidate.note for candidate in resolve.candidates("redis:7-alpine")]
    assert notes == [
        None,
        "redis:7-alpine resolves to localhost/redis:7 (bootstrapped from Debian, not alpine)",
    ]
    _, own = resolve.candidates("postgres:17-trixie")
    assert own.note == "postgres:17-trixie resolves to localhost/postgres:17 (bootstrapped)"
    _, other = resolve.candidates("redis:7-trixie")
    assert other.note is not None
    assert other.note.endswith("(bootstrapped from Debian, not trixie)")


def test_a_missing_service_names_the_command_that_makes_it() -> None:
    for text in ("redis:7-alpine", "localhost/redis:7", "redis:7.0"):
        assert resolve.not_found(text).hint == "dockyard bootstrap redis:7"
    assert resolve.not_found("redis:7.0.15").hint == "dockyard bootstrap redis:7.0.15"
    assert resolve.not_found("prom/prometheus").hint == "dockyard bootstrap prom/prometheus:v2.53"


@pytest.mark.parametrize(
    ("tag", "wanted"),
    [
        ("latest", tags.Wanted()),
        ("7", tags.Wanted("7")),
        ("v2.53.0", tags.Wanted("2.53.0")),
        ("stable-alpine3.20", tags.Wanted("", ("alpine3.20",))),
        ("1.26-alpine-slim", tags.Wanted("1.26", ("alpine", "slim"))),
        ("7-rc1", None),
        ("management", None),
        ("version7", None),
    ],
)
def test_tags_are_versions_and_variants(tag: str, wanted: tags.Wanted | None) -> None:
    assert tags.parse(tag) == wanted


@pytest.mark.parametrize("base", SERVICES, ids=lambda base: base.name)
def test_a_recipe_finds_itself_and_its_files(base: Base) -> None:
    service = base.service
    assert service is not None
    assert meant(base.name) == [base.name]
    assert catalog.named(base.name).base == base
    for file in service.files:
        assert (FILES / file.source).read_text()
        assert not file.path.startswith("/")
    wanted = {file.source for file in service.files if file.executable}
    for source in wanted:
        first, *_ = (FILES / source).read_text().splitlines()
        assert first in {"#!/bin/sh", "#!/usr/bin/env bash"}
        shell = "bash" if "bash" in first else "sh"
        subprocess.run([shell, "-n", str(FILES / source)], check=True)


def test_every_file_belongs_to_a_recipe() -> None:
    used = {file.source for base in SERVICES if base.service for file in base.service.files}
    kept = {str(path.relative_to(FILES)) for path in FILES.rglob("*") if path.is_file()}

    assert kept == used
    assert not any(stat.S_IMODE(path.stat().st_mode) & 0o022 for path in FILES.rglob("*"))


def test_services_run_as_the_official_images_do() -> None:
    redis = catalog.named("redis:7").base
    config = plan.image_config(redis, architecture="amd64", epoch=1700000000, version="7.0.15",
                               diff_ids=["sha256:x"]).config  # fmt: skip
    assert config.entrypoint == ("docker-entrypoint.sh",)
    assert config.cmd == ("redis-server",)
    assert config.env == (
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "REDIS_VERSION=7.0.15",
    )
    assert list(config.volumes) == ["/data"]
    assert list(config.exposed_ports) == ["6379/tcp"]
    assert config.labels["org.opencontainers.image.version"] == "7.0.15"
    postgres = catalog.named("postgres:17").base
    config = plan.image_config(postgres, architecture="amd64", epoch=1700000000, version="17.5",
                               diff_ids=["sha256:x"]).config  # fmt: skip
    assert config.env[0].endswith(":/bin:/usr/lib/postgresql/17/bin")
    assert {"PG_MAJOR=17", "PG_VERSION=17.5", "PGDATA=/var/lib/postgresql/data"} < set(config.env)
    assert config.stop_signal == "SIGINT"


def test_users_are_there_before_the_packages_and_steps_come_after_them() -> None:
    argv = plan.command(catalog.named("redis:7").base, mirror=None, apt=())
    (before,) = (word for word in argv if word.startswith("--essential-hook="))
    (after,) = (word for word in argv if word.startswith("--customize-hook="))

    assert "redis:*:999:999::/data:/usr/sbin/nologin" in before
    assert "install -d -o redis" in after
    assert "--include=ca-certificates,redis-server" in argv


def test_what_only_takes_room_is_left_out() -> None:
    argv = plan.command(catalog.named("postgres:17").base, mirror=None, apt=())

    assert "--dpkgopt=path-exclude=/usr/lib/*/libLLVM*" in argv
