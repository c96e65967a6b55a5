"""All of who may what, as of one moment: what each request is judged by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from dockyard.registry.access.model import (
    ROBOT,
    Grant,
    Principal,
    Robot,
    Rule,
    User,
    parse_actions,
)
from dockyard.state.database import Database, Row

FIRST_REVISION: Final = 1
"""That of a database in which nothing was ever changed."""


class Key(msgspec.Struct, frozen=True):
    """What tokens are signed with. Its text shows none of it."""

    id: str
    private: str
    """PEM."""
    created: int
    ends: int | None
    """Seconds since 1970; ``None`` for the one that signs."""

    def __repr__(self) -> str:
        return f"Key({self.id})"


class Snapshot(msgspec.Struct, frozen=True):
    """What the database held at one revision."""

    revision: int
    service: str
    users: Mapping[str, User]
    robots: Mapping[str, Robot]
    rules: tuple[Rule, ...]
    keys: tuple[Key, ...]

    def has(self, login: str) -> bool:
        """Whether there is a user or robot that logs in by that name, and perhaps may not."""
        if login.startswith(ROBOT):
            return login.removeprefix(ROBOT) in self.robots
        return login in self.users

    def ended(self, login: str, now: float) -> int | None:
        """When a robot's token expired; ``None`` where it didn't, or there is no such robot."""
        robot = self.robots.get(login.removeprefix(ROBOT)) if login.startswith(ROBOT) else None
        return robot.expires if robot is not None and robot.expired(now) else None

    def principal(self, login: str, now: float) -> Principal | None:
        """Who logs in by that name; ``None`` where nobody may: disabled, expired, or not there."""
        if login.startswith(ROBOT):
            robot = self.robots.get(login.removeprefix(ROBOT))
            if robot is None or robot.expired(now):
                return None
            return Principal(name=login, kind="robot", grants=robot.grants,
                             generation=robot.generation)  # fmt: skip
        user = self.users.get(login)
        if user is None or user.disabled:
            return None
        return Principal(name=login, groups=user.groups, kind="user", admin=user.admin,
                         generation=user.generation)  # fmt: skip


def snapshot(database: Database) -> Snapshot:
    """Reads all of it in one transaction."""
    with database.reading() as connection:
        service, revision = connection.execute("SELECT service, revision FROM registry").fetchone()
        groups = _grouped(connection.execute('SELECT user, "group" FROM members ORDER BY 1, 2'))
        grants = _grouped(connection.execute("SELECT robot, pattern, actions FROM grants"))
        users = {
            row[0]: _user(row, tuple(each[0] for each in groups.get(row[0], ())))
            for row in connection.execute("SELECT * FROM users ORDER BY name")
        }
        robots = {
            row[0]: _robot(row, tuple(Grant(pattern, parse_actions(actions))
                                      for pattern, actions in grants.get(row[0], ())))
            for row in connection.execute("SELECT * FROM robots ORDER BY name")
        }  # fmt: skip
        rules = rules_of(connection.execute("SELECT * FROM rules ORDER BY subject, pattern"))
        keys = tuple(Key(*row) for row in connection.execute("SELECT * FROM keys ORDER BY created"))
        return Snapshot(revision, service, users, robots, rules, keys)


def rules_of(rows: Iterable[Row]) -> tuple[Rule, ...]:
    """The rules that rows of their table hold."""
    return tuple(Rule(row[0], row[1], parse_actions(row[2])) for row in rows)


def _grouped(rows: Iterable[Row]) -> dict[str, list[tuple[Any, ...]]]:
    found: dict[str, list[tuple[Any, ...]]] = {}
    for first, *others in rows:
        found.setdefault(first, []).append(tuple(others))
    return found


def _user(row: Row, groups: tuple[str, ...]) -> User:
    name, password, admin, disabled, generation, created = row
    return User(
        name=name, password=password, groups=groups, admin=bool(admin), disabled=bool(disabled),
        generation=generation, created=created,
    )  # fmt: skip


def _robot(row: Row, grants: tuple[Grant, ...]) -> Robot:
    name, secret, generation, created, expires, last_used = row
    return Robot(
        name=name, secret=secret, grants=grants, generation=generation, created=created,
        expires=expires, last_used=last_used,
    )  # fmt: skip
