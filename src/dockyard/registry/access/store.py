"""The records of who may what. Every method is one atomic step.

Whatever changes who may what raises the revision in the same transaction; a server that runs
compares the number with each request, so that a change holds from the next one on.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence

from dockyard.errors import Conflict, NotFound
from dockyard.registry.access.model import Action, Robot, Rule, User
from dockyard.registry.access.records import Snapshot, rules_of, snapshot
from dockyard.registry.access.schema import MIGRATIONS
from dockyard.state.database import Database


class AccessStore:
    """Reads and writes ``access.db``. Safe between threads and processes."""

    def __init__(self, path: str) -> None:
        self._database = Database(path, MIGRATIONS)

    def close(self) -> None:
        self._database.close()

    def revision(self) -> int:
        """Another number than before where anything has changed."""
        row = self._database.query_one("SELECT revision FROM registry")
        return 0 if row is None else int(row[0])

    def read(self) -> Snapshot:
        """All of it, as of one moment."""
        return snapshot(self._database)

    def add_user(self, user: User) -> None:
        """A new one; its generation is given here.

        Raises:
            Conflict: there is one of that name.
        """
        with self._change() as (connection, revision):
            try:
                connection.execute(
                    "INSERT INTO users VALUES (?, ?, ?, ?, ?, ?)",
                    (user.name, user.password, int(user.admin), int(user.disabled), revision,
                     user.created),
                )  # fmt: skip
            except sqlite3.IntegrityError:
                raise Conflict(
                    f"there is a user {user.name} already",
                    hint=f"give another password with dockyard registry user passwd {user.name}",
                ) from None
            _join(connection, user.name, user.groups)

    def set_password(self, name: str, password: str) -> None:
        """What was issued before is void; see :func:`no_such_user`."""
        with self._change() as (connection, revision):
            changed = connection.execute(
                "UPDATE users SET password=?, generation=? WHERE name=?", (password, revision, name)
            )
            if not changed.rowcount:
                raise no_such_user(name)
            connection.execute("DELETE FROM sessions WHERE user=?", (name,))

    def update_user(
        self, name: str, *, admin: bool | None = None, disabled: bool | None = None,
        join: Sequence[str] = (), leave: Sequence[str] = (),
    ) -> None:  # fmt: skip
        """Changes what is given. Who is disabled loses all that was issued to him.

        Raises:
            NotFound: there is no such user.
        """
        with self._change() as (connection, revision):
            if connection.execute("SELECT 1 FROM users WHERE name=?", (name,)).fetchone() is None:
                raise no_such_user(name)
            if admin is not None:
                connection.execute("UPDATE users SET admin=? WHERE name=?", (int(admin), name))
            if disabled is not None:
                connection.execute(
                    "UPDATE users SET disabled=?, generation=? WHERE name=?",
                    (int(disabled), revision, name),
                )
            if disabled:
                connection.execute("DELETE FROM sessions WHERE user=?", (name,))
            _join(connection, name, join)
            connection.executemany('DELETE FROM members WHERE user=? AND "group"=?',
                                   [(name, group) for group in leave])  # fmt: skip

    def remove_user(self, name: str) -> None:
        """Forgets him, and the rules that are for him: another of his name must not get them.

        Raises:
            NotFound: there is no such user.
        """
        with self._change() as (connection, _):
            if not connection.execute("DELETE FROM users WHERE name=?", (name,)).rowcount:
                raise no_such_user(name)
            connection.execute("DELETE FROM rules WHERE subject=?", (f"user:{name}",))

    def add_robot(self, robot: Robot) -> None:
        """A new one; its generation is given here.

        Raises:
            Conflict: there is one of that name.
        """
        with self._change() as (connection, revision):
            try:
                connection.execute(
                    "INSERT INTO robots VALUES (?, ?, ?, ?, ?, NULL)",
                    (robot.name, robot.secret, revision, robot.created, robot.expires),
                )
            except sqlite3.IntegrityError:
                raise Conflict(
                    f"there is a token {robot.name} already",
                    hint="choose another name, or revoke that one first with dockyard registry"
                    f" token revoke {robot.name}",
                ) from None
            connection.executemany(
                "INSERT INTO grants VALUES (?, ?, ?)",
                [(robot.name, one.pattern, ",".join(one.actions)) for one in robot.grants],
            )

    def remove_robot(self, name: str) -> None:
        """From now on nobody is that robot.

        Raises:
            NotFound: there is none of that name.
        """
        with self._change() as (connection, _):
            if not connection.execute("DELETE FROM robots WHERE name=?", (name,)).rowcount:
                raise NotFound(
                    f"no such token: {name}",
                    hint="dockyard registry token ls lists all of them",
                    reference="no-such-token",
                )

    def note_use(self, robot: str, moment: int) -> None:
        """When a robot was last here; no change of who may what."""
        with self._database.transaction(durable=False, reserve=False) as connection:
            connection.execute(
                "UPDATE robots SET last_used=?1 WHERE name=?2 AND coalesce(last_used, 0)<?1",
                (moment, robot),
            )

    def set_rule(self, subject: str, pattern: str, actions: Sequence[Action]) -> None:
        """The rule of this subject for this pattern becomes this.

        Raises:
            NotFound: it is for a user that isn't there.
        """
        with self._change() as (connection, _):
            kind, _, name = subject.partition(":")
            if kind == "user":
                found = connection.execute("SELECT 1 FROM users WHERE name=?", (name,)).fetchone()
                if found is None:
                    raise no_such_user(name)
            connection.execute(
                "INSERT OR REPLACE INTO rules VALUES (?, ?, ?)",
                (subject, pattern, ",".join(actions)),
            )

    def remove_rules(self, subject: str, pattern: str | None = None) -> tuple[Rule, ...]:
        """Removes the rule for this pattern, or all that the subject has; they are given back.

        Raises:
            NotFound: there is none.
        """
        with self._change() as (connection, _):
            rows = connection.execute(
                "DELETE FROM rules WHERE subject=?1 AND (?2 IS NULL OR pattern=?2) RETURNING *",
                (subject, pattern),
            ).fetchall()
            if not rows:
                raise NotFound(
                    f"no such rule: {' '.join(filter(None, (subject, pattern)))}",
                    hint="dockyard registry policy ls lists all of them",
                    reference="no-such-rule",
                )
            return rules_of(rows)

    def add_key(self, key_id: str, private: str, now: int, *, keep_until: int | None) -> str:
        """A new key to sign with; those before it are good until then.

        Args:
            keep_until: seconds since 1970; ``None`` adds it only where there is no key yet.

        Returns:
            the key that is used now.
        """
        with self._change() as (connection, _):
            found = connection.execute("SELECT id FROM keys WHERE ends IS NULL").fetchone()
            if found is not None and keep_until is None:
                return str(found[0])
            connection.execute("DELETE FROM keys WHERE ends<=?", (now,))
            connection.execute("UPDATE keys SET ends=? WHERE ends IS NULL OR ends>?",
                               (keep_until, keep_until))  # fmt: skip
            connection.execute("DELETE FROM keys WHERE ends<=?", (now,))
            connection.execute("INSERT INTO keys VALUES (?, ?, ?, NULL)", (key_id, private, now))
            return key_id

    def add_session(
        self, secret: bytes, user: str, generation: int, now: int, expires: int, most: int
    ) -> bool:
        """What a client keeps in place of a password; of one user the newest stay.

        Args:
            generation: the user's, when he showed his password.

        Returns:
            False where he has another one by now, is disabled or isn't there: nothing is kept.
        """
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM sessions WHERE expires<=?", (now,))
            added = connection.execute(
                "INSERT INTO sessions (secret, user, created, expires, generation)"
                " SELECT ?, name, ?, ?, generation FROM users"
                " WHERE name=? AND generation=? AND NOT disabled",
                (secret, now, expires, user, generation),
            )
            connection.execute(
                "DELETE FROM sessions WHERE user=?1 AND secret NOT IN (SELECT secret FROM sessions"
                " WHERE user=?1 ORDER BY created DESC, secret=?2 DESC LIMIT ?3)",
                (user, secret, most),
            )
            return added.rowcount == 1

    def session_user(self, secret: bytes, now: int) -> tuple[str, int] | None:
        """Whose session it is, and for which generation of him; ``None`` where it is no more."""
        row = self._database.query_one(
            "SELECT user, generation FROM sessions WHERE secret=? AND expires>?", (secret, now)
        )
        return None if row is None else (str(row[0]), int(row[1]))

    @contextlib.contextmanager
    def _change(self) -> Iterator[tuple[sqlite3.Connection, int]]:
        """A transaction that raises the revision, and its new number."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE registry SET revision=revision+1")
            row = connection.execute("SELECT revision FROM registry").fetchone()
            yield connection, int(row[0])


def no_such_user(name: str) -> NotFound:
    """The error for a user that isn't there."""
    return NotFound(
        f"no such user: {name}",
        hint="dockyard registry user ls lists all users",
        reference="no-such-user",
    )


def _join(connection: sqlite3.Connection, user: str, groups: Sequence[str]) -> None:
    connection.executemany(
        "INSERT OR IGNORE INTO members VALUES (?, ?)", [(user, group) for group in groups]
    )
