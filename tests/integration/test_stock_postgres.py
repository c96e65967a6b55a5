"""PostgreSQL from Debian's packages does what the official image does."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.roots import Root
from tests.support.waiting import until

from dockyard import Engine, Options, RunningContainer

MakeStock = Callable[..., Root]
DATA = "/var/lib/postgresql/data"
NOT_YET = ("Connection refused", "starting up")
READY = "PostgreSQL init process complete; ready for start up."


@pytest.fixture
def root(stock: MakeStock) -> Root:
    return stock("postgres:17")


def postgres(
    engine: Engine, *command: str, env: dict[str, str] | None = None, **more: object
) -> RunningContainer:
    return engine.run("postgres:17-alpine", command or None, ports={5432: 0}, env=env, **more)  # type: ignore[arg-type]  # by name


def query(container: RunningContainer, statement: str, *more: str, password: str = "secret") -> str:
    """What psql prints, which asks over TCP as anybody outside would."""
    argv = ["psql", "-h", own_address(container), "-At", *more, "-c", statement]

    def answer() -> str | None:
        code, text = container.exec(argv, env={"PGPASSWORD": password, "PGCONNECT_TIMEOUT": "2"})
        return None if code and any(word in text for word in NOT_YET) else text.strip()

    return until(answer)


def own_address(container: RunningContainer) -> str:
    _, text = container.exec(["hostname", "-i"])
    return text.split()[0]


def test_without_a_password_it_is_refused_in_the_official_words(root: Root) -> None:
    done = root.cli("run", "--rm", "-q", "postgres:17")

    assert done.returncode == 1
    assert done.stderr.startswith(
        "Error: Database is uninitialized and superuser password is not specified.\n"
        "       You must specify POSTGRES_PASSWORD to a non-empty value for the\n"
    )
    both = root.cli("run", "--rm", "-q", "-e", "POSTGRES_PASSWORD=a",
                    "-e", "POSTGRES_PASSWORD_FILE=/b", "postgres:17")  # fmt: skip
    assert both.returncode == 1
    assert "both POSTGRES_PASSWORD and POSTGRES_PASSWORD_FILE are set" in both.stderr


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    place = tmp_path / "initdb"
    place.mkdir()
    (place / "1.sql").write_text("CREATE TABLE ships (name text);\n")
    with gzip.open(place / "2.sql.gz", "wt") as stream:
        stream.write("INSERT INTO ships VALUES ('compressed');\n")
    (place / "3.sh").write_text(
        'psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB"'
        " -c \"INSERT INTO ships VALUES ('scripted')\"\n"
    )
    (place / "secret").write_text("secret\n")
    place.chmod(0o755)
    return place


def test_scripts_fill_the_database_and_it_outlives_the_container(
    engine: Engine, scripts: Path
) -> None:
    env = {"POSTGRES_USER": "captain", "POSTGRES_DB": "fleet",
           "POSTGRES_PASSWORD_FILE": "/docker-entrypoint-initdb.d/secret",
           "POSTGRES_INITDB_ARGS": "--data-checksums"}  # fmt: skip
    volumes = {str(scripts): "/docker-entrypoint-initdb.d:ro", "data": DATA}
    login = ("-U", "captain", "fleet")
    with postgres(
        engine, "-c", "max_connections=42", env=env, volumes=volumes, remove=False
    ) as first:
        until(lambda: READY in first.logs(), 60)
        ships = "SELECT string_agg(name, ' ' ORDER BY name) FROM ships"
        assert query(first, ships, *login) == "compressed scripted"
        assert query(first, "SHOW max_connections", *login) == "42"
        assert query(first, "SHOW data_checksums", *login) == "on"
        assert "password authentication failed" in query(first, "SELECT 1", *login, password="no")
        _, status = first.exec(["grep", "^Uid:", "/proc/1/status"])
        assert status.split()[1] == "999"
        assert first.stop(30) == 0
        assert "received fast shutdown request" in first.logs()
        first.remove()
    with postgres(engine, volumes={"data": DATA}) as second:
        assert query(second, ships, *login) == "compressed scripted"
        assert "Skipping initialization" in second.logs()


def test_a_user_that_only_a_number_names_may_run_it(engine: Engine, tmp_path: Path) -> None:
    place = tmp_path / "data"
    place.mkdir()
    os.chown(place, 4242, 4242)
    options = Options(user="4242:4242", env=("POSTGRES_HOST_AUTH_METHOD=trust",))
    with postgres(engine, volumes={str(place): DATA}, options=options) as container:
        until(lambda: READY in container.logs(), 60)
        assert query(container, "SELECT current_user", "-U", "postgres") == "postgres"
        assert (place / "PG_VERSION").stat().st_uid == 4242
