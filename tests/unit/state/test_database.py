from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import pytest

from dockyard.containers.options import (
    Console,
    Networking,
    Options,
    Resources,
    Security,
    Ulimit,
)
from dockyard.errors import DiskFull, PermissionMissing, StateError
from dockyard.networks.model import PortMapping
from dockyard.state import database as module
from dockyard.state.database import Database
from dockyard.state.schema import MIGRATIONS


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "state.db")


def add(database: Database, name: str) -> None:
    database.execute(
        "INSERT INTO volumes (name, created, anonymous, state) VALUES (?, 1, 0, 'ready')", (name,)
    )


def names(database: Database) -> list[str]:
    return [row[0] for row in database.query("SELECT name FROM volumes ORDER BY name")]


def test_a_new_one_has_the_schema_and_wal(path: str) -> None:
    database = Database(path)

    assert database.query_one("PRAGMA user_version") == (len(MIGRATIONS),)
    assert database.query_one("PRAGMA journal_mode") == ("wal",)
    assert database.query_one("PRAGMA foreign_keys") == (1,)
    assert database.query_one("PRAGMA synchronous") == (2,)
    database.close()


def test_what_needs_no_wait_is_seen_at_once_and_the_next_change_waits_again(path: str) -> None:
    database, other = Database(path), Database(path)
    with database.transaction(durable=False) as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (1,)
        connection.execute(
            "INSERT INTO volumes (name, created, anonymous, state) VALUES ('data', 1, 0, 'ready')"
        )

    assert names(other) == ["data"]
    assert database.query_one("PRAGMA synchronous") == (2,)
    with pytest.raises(RuntimeError), database.transaction(durable=False):
        raise RuntimeError
    assert database.query_one("PRAGMA synchronous") == (2,)
    database.close()
    other.close()


@pytest.mark.skipif(sys.version_info < (3, 12), reason="this Python can't tell SQLite to keep it")
def test_the_log_stays_when_the_last_connection_goes_and_does_not_grow_without_end(
    path: str,
) -> None:
    log = Path(f"{path}-wal")
    sizes = []
    for number in range(60):
        database = Database(path)
        add(database, f"volume{number}")
        database.close()
        sizes.append(log.stat().st_size)

    assert all(sizes)
    assert max(sizes) < 1 << 20
    database = Database(path)
    assert len(names(database)) == 60
    database.close()


def test_an_old_one_is_brought_up_to_date(path: str) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(MIGRATIONS[0])
        connection.execute(
            "INSERT INTO volumes (name, created, anonymous, state) VALUES ('kept', 1, 0, 'ready')"
        )
        connection.execute("PRAGMA user_version=1")
        connection.commit()
    database = Database(path)

    assert names(database) == ["kept"]
    assert database.query_one("PRAGMA user_version") == (len(MIGRATIONS),)
    database.close()


def test_one_of_a_newer_version_is_left_alone(path: str) -> None:
    Database(path).close()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS future (x)")
        connection.execute("PRAGMA user_version=99")
    database = Database(path)

    with pytest.raises(StateError, match="newer version") as caught:
        database.query("SELECT 1")
    assert caught.value.reference == "state-too-new"
    database.close()


def test_a_block_that_fails_changes_nothing(path: str) -> None:
    database = Database(path)
    with contextlib.suppress(RuntimeError), database.transaction() as connection:
        connection.execute(
            "INSERT INTO volumes (name, created, anonymous, state) VALUES ('a', 1, 0, 'ready')"
        )
        raise RuntimeError

    assert names(database) == []
    database.close()


def test_constraints_are_for_the_caller(path: str) -> None:
    database = Database(path)
    add(database, "a")
    with pytest.raises(sqlite3.IntegrityError):
        add(database, "a")
    database.close()


def test_a_broken_file_is_named_and_not_touched(path: str) -> None:
    Path(path).write_bytes(b"nonsense" * 1000)
    database = Database(path)

    with pytest.raises(StateError, match="is damaged") as caught:
        database.query("SELECT 1")
    assert caught.value.reference == "state-damaged"
    assert Path(path).read_bytes() == b"nonsense" * 1000
    database.close()


def test_a_place_without_directory_says_what_to_do(tmp_path: Path) -> None:
    database = Database(str(tmp_path / "missing" / "state.db"))

    with pytest.raises(PermissionMissing, match="cannot open") as caught:
        database.query("SELECT 1")
    assert "DOCKYARD_ROOT" in (caught.value.hint or "")


def test_a_lock_held_too_long_is_an_error(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BUSY_SECONDS", 0.05)
    database = Database(path)
    add(database, "a")
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StateError, match="locked by another process") as caught:
            add(database, "b")
        other.execute("ROLLBACK")
    assert caught.value.reference == "state-locked"
    add(database, "b")
    database.close()


def test_a_full_disk_is_told_from_other_faults(path: str) -> None:
    database = Database(path)
    database.query("PRAGMA max_page_count=1")  # pages beyond those that it has already
    with pytest.raises(DiskFull, match="no space left"):
        database.execute(
            "INSERT INTO volumes (name, created, anonymous, state) VALUES (?, 1, 0, 'ready')",
            ("x" * 100_000,),
        )
    database.close()


def test_threads_have_connections_of_their_own(path: str) -> None:
    database = Database(path)
    threads = [threading.Thread(target=add, args=(database, f"v{n}")) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(names(database)) == 8
    database.close()


def test_processes_that_create_it_at_once_agree(path: str) -> None:
    code = (
        "import sys; sys.path[:0] = sys.argv[3:]\n"
        "from dockyard.state.database import Database\n"
        "Database(sys.argv[1]).execute("
        "\"INSERT INTO volumes (name, created, anonymous, state) VALUES (?, 1, 0, 'ready')\","
        " (sys.argv[2],))"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", code, path, f"v{n}", *sys.path]) for n in range(8)
    ]
    assert [process.wait() for process in started] == [0] * 8

    database = Database(path)
    assert len(names(database)) == 8
    database.close()


def test_it_can_be_used_again_after_close(path: str) -> None:
    database = Database(path)
    add(database, "a")
    database.close()

    assert names(database) == ["a"]
    database.close()


CLOSED_UNDER_USERS = """
import sys, threading
sys.path[:0] = sys.argv[2:]
from dockyard.state.database import Database

SLOW = ("WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 2000)"
        " SELECT count(*) FROM n")
database = Database(sys.argv[1])
asked = threading.Semaphore(0)

def ask():
    while True:
        assert database.query_one(SLOW) == (2000,)
        with database.reading() as reading:
            assert reading.execute(SLOW).fetchone() == (2000,)
        asked.release()

threads = [threading.Thread(target=ask, daemon=True) for _ in range(4)]
for thread in threads:
    thread.start()
for _ in range(150):
    asked.acquire()
    database.close()
print(sum(thread.is_alive() for thread in threads))
"""


def test_closing_it_breaks_nobody_who_uses_it(path: str) -> None:
    """A connection that is closed under its user takes the process with it (SIGSEGV)."""
    done = subprocess.run(
        [sys.executable, "-c", CLOSED_UNDER_USERS, path, *sys.path],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip

    assert (done.returncode, done.stdout, done.stderr) == (0, "4\n", "")


def test_options_of_older_containers_are_sorted_by_subject(path: str) -> None:
    options = {
        "env": ["A=1"], "ports": [{"container_port": 80}], "network": "none", "memory": None,
        "cpus": 1.5, "pids_limit": 9, "shm_size": 5,
        "ulimits": [{"name": "nofile", "soft": 1, "hard": 2}],
        "cap_add": ["CHOWN"], "cap_drop": [], "security": ["seccomp=unconfined"],
        "interactive": True,
    }  # fmt: skip
    with sqlite3.connect(path) as connection:
        for script in MIGRATIONS[:2]:
            connection.executescript(script)
        connection.execute("PRAGMA user_version=2")
        connection.execute("INSERT INTO images VALUES ('i', x'00', 0, 0)")
        connection.execute(
            "INSERT INTO containers VALUES ('c', 'n', 'i', 'exited', 0, ?)",
            (json.dumps({"id": "c", "options": options}).encode(),),
        )
    connection.close()

    database = Database(path)
    record = database.query_one("SELECT record FROM containers")
    database.close()

    assert record is not None
    read = msgspec.convert(json.loads(record[0])["options"], Options)
    assert read == Options(
        env=("A=1",),
        networking=Networking(network="none", ports=(PortMapping(container_port=80),)),
        resources=Resources(
            cpus=1.5, pids_limit=9, shm_size=5, ulimits=(Ulimit("nofile", 1, 2),)
        ),
        security=Security(cap_add=("CHOWN",), options=("seccomp=unconfined",)),
        console=Console(interactive=True),
    )  # fmt: skip


def modes(path: str) -> set[int]:
    files = (path, f"{path}-wal", f"{path}-shm")
    return {stat.S_IMODE(os.stat(each).st_mode) for each in files}


def test_only_its_owner_may_read_it(path: str) -> None:
    database = Database(path)
    add(database, "one")

    assert modes(path) == {0o600}
    database.close()


def test_what_was_readable_is_made_private(path: str) -> None:
    first = Database(path)
    add(first, "one")
    for each in (path, f"{path}-wal", f"{path}-shm"):
        os.chmod(each, 0o644)
    second = Database(path)

    assert names(second) == ["one"]
    assert modes(path) == {0o600}
    first.close()
    second.close()
