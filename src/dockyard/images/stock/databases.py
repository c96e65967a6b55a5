"""Databases and caches: Redis, Valkey, PostgreSQL, MariaDB, Memcached. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from dockyard.images.bases import Base, on
from dockyard.images.stock.model import (
    VERSION,
    Account,
    File,
    Place,
    Service,
    directory,
    execution,
    script,
)

_ENTRYPOINT = "usr/local/bin/docker-entrypoint.sh"


def services() -> Iterator[Base]:
    """All of them, the latest version of each first."""
    yield _redis("redis", "8", "8.0", "trixie")
    yield _redis("redis", "7", "7.0", "bookworm")
    yield _redis("valkey/valkey", "8", "8.1", "trixie")
    yield _postgres("17", "trixie")
    yield _postgres("15", "bookworm")
    yield _pgvector()
    yield _mariadb("11.8", "trixie")
    yield _mariadb("10.11", "bookworm")
    yield _memcached()


def _redis(repository: str, tag: str, series: str, suite: str) -> Base:
    """Redis, or Valkey, which has the same words under another name."""
    name = repository.rpartition("/")[2]
    return on(
        suite, tag=tag, series=series, packages=(f"{name}-server",),
        service=Service(
            repository=repository,
            nicknames=(name,) if name != repository else (),
            program=f"{name}-server",
            accounts=(Account(name, 999, "/data"),),
            steps=(directory("/data", name),),
            files=(script(_ENTRYPOINT, "redis/docker-entrypoint.sh"),),
            execution=execution(
                entrypoint=("docker-entrypoint.sh",),
                cmd=(f"{name}-server",),
                env={f"{name.upper()}_VERSION": VERSION},
                ports=("6379/tcp",),
                volumes=("/data",),
                directory="/data",
            ),
        ),
    )  # fmt: skip


_SNAKEOIL = (
    "rm -f /etc/ssl/private/ssl-cert-snakeoil.key",
    "find /etc/ssl/certs -lname '*ssl-cert-snakeoil.pem' -delete",
    "rm -f /etc/ssl/certs/ssl-cert-snakeoil.pem",
)
"""A key that a package makes: all images would have the same one, and each another id."""
_NO_CLUSTER = (
    "mkdir -p /etc/postgresql-common",
    "echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf",
)
"""The package would make a database of its own."""
_NO_QUESTION = "sed -i '/^ NEW = /d' /var/cache/debconf/config.dat"
"""The package asks about that file, and keeps the name of a temporary one, another each time."""
_LISTEN = "sed -ri \"s/^#?(listen_addresses)\\s*=\\s*\\S+.*/\\1 = '*'/\""
"""In what every new database is configured from: other containers reach it."""
_COMPILER = ("/usr/lib/*/libLLVM*", "/usr/lib/postgresql/*/lib/llvmjit*",
             "/usr/lib/postgresql/*/lib/bitcode/*")  # fmt: skip
"""Just-in-time compilation of queries takes more room than all the rest; they run without, too."""


def _postgres(
    version: str, suite: str, *, repository: str = "postgres", flavour: str = "",
    more: tuple[str, ...] = (), series: str | None = None,
) -> Base:  # fmt: skip
    library = f"/usr/lib/postgresql/{version}"
    data = "/var/lib/postgresql/data"
    return on(
        suite, tag=flavour or version, series=series or version,
        packages=(f"postgresql-{version}", "libnss-wrapper", "locales", "zstd", "xz-utils", *more),
        service=Service(
            repository=repository,
            nicknames=("postgresql",) if not flavour else ("pgvector",),
            flavour=flavour,
            program=more[-1] if more else f"postgresql-{version}",
            accounts=(Account("postgres", 999, "/var/lib/postgresql", "/bin/bash"),),
            prepared=_NO_CLUSTER,
            excluded=_COMPILER,
            runtime=(Place("run/postgresql", 999, 0o3777),),
            steps=(
                "localedef --no-archive -i en_US -f UTF-8 en_US.UTF-8",
                f"{_LISTEN} /usr/share/postgresql/{version}/postgresql.conf.sample",
                _NO_QUESTION,
                *_SNAKEOIL,
                directory("/docker-entrypoint-initdb.d"),
                directory("/var/lib/postgresql", "postgres"),
                directory(data, "postgres", "1777"),
            ),
            files=(script(_ENTRYPOINT, "postgres/docker-entrypoint.sh"),),
            execution=execution(
                entrypoint=("docker-entrypoint.sh",),
                cmd=("postgres",),
                env={"LANG": "en_US.utf8", "PG_MAJOR": version, "PG_VERSION": VERSION,
                     "PGDATA": data},
                ports=("5432/tcp",),
                volumes=(data,),
                stop_signal="SIGINT",
            ),
            paths=(f"{library}/bin",),
        ),
    )  # fmt: skip


def _pgvector() -> Base:
    return _postgres("17", "trixie", repository="pgvector/pgvector", flavour="pg17",
                     more=("postgresql-17-pgvector",), series="0.8")  # fmt: skip


def _mariadb(version: str, suite: str) -> Base:
    data = "/var/lib/mysql"
    return on(
        suite, tag=version, series=version,
        packages=("mariadb-server", "tzdata", "zstd", "xz-utils"),
        service=Service(
            repository="mariadb",
            program="mariadb-server",
            accounts=(Account("mysql", 999, "/nonexistent"),),
            runtime=(Place("run/mysqld", 999, 0o1777),),
            steps=(
                f"rm -rf {data} /etc/mysql/debian.cnf /etc/mysql/debian-start /etc/init.d/mariadb",
                "sed -ri 's/^(bind-address|pid-file)/#&/' /etc/mysql/mariadb.conf.d/50-server.cnf",
                directory("/docker-entrypoint-initdb.d"),
                directory(data, "mysql"),
            ),
            files=(
                File("etc/mysql/mariadb.conf.d/05-skipcache.cnf", "mariadb/skipcache.cnf"),
                script(_ENTRYPOINT, "mariadb/docker-entrypoint.sh"),
                script("usr/local/bin/healthcheck.sh", "mariadb/healthcheck.sh"),
            ),
            execution=execution(
                entrypoint=("docker-entrypoint.sh",),
                cmd=("mariadbd",),
                env={"LANG": "C.UTF-8", "MARIADB_VERSION": VERSION},
                ports=("3306/tcp",),
                volumes=(data,),
            ),
        ),
    )  # fmt: skip


def _memcached() -> Base:
    return on(
        "trixie", tag="1.6", series="1.6", packages=("memcached",),
        service=Service(
            repository="memcached",
            program="memcached",
            steps=("groupmod -g 11211 memcache", "usermod -u 11211 -g 11211 memcache"),
            files=(script(_ENTRYPOINT, "memcached/docker-entrypoint.sh"),),
            execution=execution(
                entrypoint=("docker-entrypoint.sh",),
                cmd=("memcached",),
                env={"MEMCACHED_VERSION": VERSION},
                ports=("11211/tcp",),
                user="memcache",
            ),
        ),
    )  # fmt: skip
