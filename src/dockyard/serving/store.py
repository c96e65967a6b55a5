"""The records of services."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Collection, Mapping
from typing import Final

import msgspec

from dockyard import decoding
from dockyard.serving import consumption
from dockyard.serving.consumption import Consumption
from dockyard.serving.decide.model import Rollout
from dockyard.serving.records import Decided, Declared, Standing
from dockyard.state.database import Database

_KEPT: Final = 500
"""Decisions of a variant."""
_OF_VARIANTS: Final = ("serving_standings", "serving_decisions", "serving_consumption")
"""Tables with rows of variants, which go with their service."""

Key = tuple[str, str]
"""Project and variant, or project and service."""


class ServingStore:
    """What is served in one root."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def any(self) -> bool:
        """Whether there is a service."""
        return self._database.query_one("SELECT 1 FROM serving_services LIMIT 1") is not None

    def all(self) -> tuple[Declared, ...]:
        """All services, by project and name."""
        rows = self._database.query("SELECT record FROM serving_services ORDER BY project, name")
        return tuple(decoding.from_json(row[0], Declared) for row in rows)

    def of(self, project: str) -> tuple[Declared, ...]:
        """The services of a project, by name."""
        rows = self._database.query(
            "SELECT record FROM serving_services WHERE project=? ORDER BY name", (project,)
        )
        return tuple(decoding.from_json(row[0], Declared) for row in rows)

    def get(self, project: str, name: str) -> Declared | None:
        """One service."""
        row = self._database.query_one(
            "SELECT record FROM serving_services WHERE project=? AND name=?", (project, name)
        )
        return None if row is None else decoding.from_json(row[0], Declared)

    def declare(
        self, project: str, made: Mapping[str, Callable[[Declared | None], Declared]],
        gone: Collection[str] = (),
    ) -> None:  # fmt: skip
        """Writes services of a project down, whole, and which images they need.

        Args:
            made: by service, what makes its record of the one that there is; nobody changes it
                between the two.
            gone: services that these stand in for, which are forgotten.
        """
        with self._database.transaction() as connection:
            before = _records(connection, project)
            known = {name: one for name, one in before.items() if name not in gone}
            for name in gone:
                _forget(connection, project, name)
            for name, make in made.items():
                key = (project, name)
                after = known[name] = make(before.get(name))
                connection.execute(
                    "INSERT INTO serving_services VALUES (?, ?, ?)"
                    " ON CONFLICT DO UPDATE SET record=excluded.record",
                    (*key, msgspec.json.encode(after)),
                )
                connection.execute("DELETE FROM serving_images WHERE project=? AND service=?", key)
                connection.executemany(
                    "INSERT OR REPLACE INTO serving_images VALUES (?, ?, ?, ?)",
                    [(project, variant, name, template.image_id)
                     for variant, template in after.templates.items()],
                )  # fmt: skip
            lost = _variants(*before.values()) - _variants(*known.values())
            _forget_variants(connection, project, lost)

    def remove(self, project: str, *names: str) -> bool:
        """Forgets services of a project, all where none is named; whether there were any."""
        wanted = [each for each in self.of(project) if not names or each.service.name in names]
        with self._database.transaction() as connection:
            for each in wanted:
                _forget(connection, project, each.service.name)
                _forget_variants(connection, project, _variants(each))
        return bool(wanted)

    def standings(self) -> dict[Key, Standing]:
        """How all variants stand, by project and variant."""
        rows = self._database.query("SELECT project, variant, record FROM serving_standings")
        return {(row[0], row[1]): decoding.from_json(row[2], Standing) for row in rows}

    def put_standings(self, standings: dict[Key, Standing]) -> None:
        """Writes down how variants stand; what a crash of the host loses is found out again."""
        with self._database.transaction(durable=False) as connection:
            connection.executemany(
                "INSERT INTO serving_standings VALUES (?, ?, ?)"
                " ON CONFLICT DO UPDATE SET record=excluded.record",
                [(*key, msgspec.json.encode(each)) for key, each in standings.items()],
            )

    def consume(
        self, used: Mapping[Key, Mapping[str, int]], now: float,
        present: Collection[str] | None = None,
    ) -> dict[Key, Consumption]:  # fmt: skip
        """Adds what was seen of processors that replicas used; all variants' consumption then.

        Args:
            used: nanoseconds, by variant and :func:`dockyard.serving.consumption.life`.
            present: all lives that go on, where all were looked at.
        """
        found: dict[Key, Consumption] = {}
        with self._database.transaction(durable=False, reserve=False) as connection:
            rows = connection.execute(
                "SELECT project, variant, serving_consumption.record FROM serving_images"
                " LEFT JOIN serving_consumption USING (project, variant)"
            ).fetchall()
            for project, variant, record in rows:
                key = (project, variant)
                before = decoding.from_json(record, Consumption) if record else Consumption()
                after = consumption.seen(before, used.get(key, {}), now)
                if present is not None:
                    after = consumption.settled(after, present, now)
                if after != before:
                    connection.execute(
                        "INSERT INTO serving_consumption VALUES (?, ?, ?)"
                        " ON CONFLICT DO UPDATE SET record=excluded.record",
                        (*key, msgspec.json.encode(after)),
                    )
                found[key] = after
        return found

    def tell(self, *decided: Decided) -> None:
        """Adds decisions; the oldest ones of a variant go."""
        with self._database.transaction(durable=False) as connection:
            connection.executemany(
                "INSERT INTO serving_decisions (at, project, variant, kind, text)"
                " VALUES (?, ?, ?, ?, ?)",
                [(one.at, one.project, one.variant, one.kind, one.text) for one in decided],
            )
            for project, variant in {(one.project, one.variant) for one in decided}:
                connection.execute(
                    "DELETE FROM serving_decisions WHERE project=? AND variant=? AND id <="
                    " (SELECT max(id) FROM serving_decisions WHERE project=? AND variant=?) - ?",
                    (project, variant, project, variant, _KEPT * 8),
                )

    def decisions(self, project: str, variant: str, count: int = _KEPT) -> tuple[Decided, ...]:
        """The last decisions about a variant, oldest first."""
        rows = self._database.query(
            "SELECT at, project, variant, kind, text FROM serving_decisions"
            " WHERE project=? AND variant=? ORDER BY id DESC LIMIT ?",
            (project, variant, count),
        )
        return tuple(Decided(*row) for row in reversed(rows))

    def rollouts(self) -> dict[Key, Rollout]:
        """The rollouts that there are or were, the last of each service, by project and service."""
        rows = self._database.query("SELECT project, service, record FROM serving_rollouts")
        return {(row[0], row[1]): decoding.from_json(row[2], Rollout) for row in rows}

    def put_rollout(self, rollout: Rollout) -> None:
        """Writes a rollout down."""
        self._database.execute(
            "INSERT INTO serving_rollouts VALUES (?, ?, ?)"
            " ON CONFLICT DO UPDATE SET record=excluded.record",
            (rollout.project, rollout.service, msgspec.json.encode(rollout)),
        )

    def replace_rollout(self, before: Rollout, after: Rollout) -> bool:
        """Writes a rollout down that goes on, unless it is another one by now, or over."""
        changed = self._database.execute(
            "UPDATE serving_rollouts SET record=? WHERE project=? AND service=? AND record=?",
            (msgspec.json.encode(after), before.project, before.service,
             msgspec.json.encode(before)),
        )  # fmt: skip
        return changed > 0

    def finish_rollout(self, before: Rollout, rollout: Rollout, weights: dict[str, int]) -> bool:
        """Writes down that a rollout is over, and the weights that stay, both or neither.

        Returns:
            False where it isn't as it was ``before`` any more: then nothing was changed.
        """
        with self._database.transaction() as connection:
            changed = connection.execute(
                "UPDATE serving_rollouts SET record=? WHERE project=? AND service=? AND record=?",
                (msgspec.json.encode(rollout), rollout.project, rollout.service,
                 msgspec.json.encode(before)),
            ).rowcount  # fmt: skip
            if not changed:
                return False
            row = connection.execute(
                "SELECT record FROM serving_services WHERE project=? AND name=?",
                (rollout.project, rollout.service),
            ).fetchone()
            if row is not None:
                declared = decoding.from_json(row[0], Declared)
                after = msgspec.structs.replace(declared, weights=weights)
                connection.execute(
                    "UPDATE serving_services SET record=? WHERE project=? AND name=?",
                    (msgspec.json.encode(after), rollout.project, rollout.service),
                )
        return True

    def change(
        self, project: str, name: str, change: Callable[[Declared], Declared]
    ) -> Declared | None:
        """Changes one service's record; as it is then, ``None`` where there is none."""
        with self._database.transaction() as connection:
            row = connection.execute(
                "SELECT record FROM serving_services WHERE project=? AND name=?", (project, name)
            ).fetchone()
            if row is None:
                return None
            after = change(decoding.from_json(row[0], Declared))
            connection.execute(
                "UPDATE serving_services SET record=? WHERE project=? AND name=?",
                (msgspec.json.encode(after), project, name),
            )
        return after


def _records(connection: sqlite3.Connection, project: str) -> dict[str, Declared]:
    rows = connection.execute(
        "SELECT name, record FROM serving_services WHERE project=?", (project,)
    )
    return {row[0]: decoding.from_json(row[1], Declared) for row in rows}


def _variants(*declared: Declared) -> set[str]:
    return {one.name for each in declared for one in each.service.variants}


def _forget(connection: sqlite3.Connection, project: str, name: str) -> None:
    """A service's record, with its images and its rollout."""
    connection.execute("DELETE FROM serving_services WHERE project=? AND name=?", (project, name))
    connection.execute(
        "DELETE FROM serving_rollouts WHERE project=? AND service=?", (project, name)
    )


def _forget_variants(connection: sqlite3.Connection, project: str, names: Collection[str]) -> None:
    for table in _OF_VARIANTS:
        connection.executemany(
            f"DELETE FROM {table} WHERE project=? AND variant=?",  # noqa: S608  # a constant
            [(project, name) for name in names],
        )


def decided(project: str, variant: str, kind: str, text: str) -> Decided:
    """A decision of now."""
    return Decided(time.time(), project, variant, kind, text)
