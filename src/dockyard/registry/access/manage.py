"""Changing who may what: what the registry's owner does, on its directory. A server may run.

Each change is written into the audit log, by whom of the host it was made.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from dockyard.errors import InvalidInput
from dockyard.registry.access import decide, jwts, patterns
from dockyard.registry.access.audit import AuditLog, Event
from dockyard.registry.access.decide import Decision
from dockyard.registry.access.logins import digest, new_secret
from dockyard.registry.access.model import (
    ANYBODY,
    EVERYBODY,
    ROBOT,
    Action,
    Grant,
    Principal,
    Robot,
    Rule,
    User,
    check_name,
    parse_actions,
    parse_subject,
)
from dockyard.registry.access.passwords import Passwords
from dockyard.registry.access.records import Snapshot
from dockyard.registry.access.store import AccessStore, no_such_user

_LATEST: Final = 253402300799
"""The last second of the year 9999."""


class Manager:
    """One registry's users, robots and rules, to be read and changed."""

    def __init__(
        self, store: AccessStore, log: AuditLog, *, who: str, passwords: Passwords | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self._store = store
        self._log = log
        self._who = who
        self._passwords = passwords or Passwords()
        self._clock = clock

    def read(self) -> Snapshot:
        """All that is recorded."""
        return self._store.read()

    def add_user(
        self, name: str, password: str, *, groups: Sequence[str] = (), admin: bool = False
    ) -> None:
        """A new user.

        Raises:
            InvalidInput: name, group or password can't be one.
            Conflict: there is one of that name.
        """
        if check_name(name, "user") == EVERYBODY:
            raise InvalidInput(
                f"nobody can be called {EVERYBODY}",
                hint="that is who is not logged in; choose another name",
            )
        for group in groups:
            check_name(group, "group")
        self._store.add_user(User(
            name=name, password=self._passwords.hashed(password), groups=tuple(groups),
            admin=admin, disabled=False, generation=0, created=self._seconds(),
        ))  # fmt: skip
        self._note("user add", f"user:{name}", "admin" if admin else "")

    def set_password(self, name: str, password: str) -> None:
        """Another password; all that was issued to the user before is void.

        Raises:
            InvalidInput: it can't be one.
            NotFound: there is no such user.
        """
        if name not in self.read().users:
            raise no_such_user(name)
        self._store.set_password(name, self._passwords.hashed(password))
        self._note("user passwd", f"user:{name}")

    def update_user(
        self, name: str, *, admin: bool | None = None, disabled: bool | None = None,
        join: Sequence[str] = (), leave: Sequence[str] = (),
    ) -> None:  # fmt: skip
        """Changes what is given.

        Raises:
            InvalidInput: a group can't have that name.
            NotFound: there is no such user.
        """
        for group in join:
            check_name(group, "group")
        self._store.update_user(name, admin=admin, disabled=disabled, join=join, leave=leave)
        changes = [f"{word}={value}" for word, value in (("admin", admin), ("disabled", disabled))
                   if value is not None]  # fmt: skip
        changes += [f"+{group}" for group in join] + [f"-{group}" for group in leave]
        self._note("user update", f"user:{name}", " ".join(changes))

    def remove_user(self, name: str) -> None:
        """Forgets the user and his rules.

        Raises:
            NotFound: there is no such user.
        """
        self._store.remove_user(name)
        self._note("user rm", f"user:{name}")

    def create_robot(self, name: str, grants: Sequence[Grant], lifetime: int | None) -> str:
        """A new robot's token, which is not to be had again.

        Args:
            lifetime: seconds; ``None`` for one that doesn't end by itself.

        Raises:
            InvalidInput: name or grants make no sense.
            Conflict: there is one of that name.
        """
        check_name(name, "token")
        if not grants:
            raise InvalidInput("a token without a grant may nothing",
                               hint="such as --grant 'team-a/**:pull'")  # fmt: skip
        secret, now = new_secret(), self._seconds()
        expires = None if lifetime is None else min(now + lifetime, _LATEST)
        self._store.add_robot(Robot(
            name=name, secret=digest(secret), grants=tuple(grants), generation=0, created=now,
            expires=expires, last_used=None,
        ))  # fmt: skip
        self._note("token create", f"robot:{ROBOT}{name}", " ".join(map(str, grants)))
        return secret

    def revoke_robot(self, name: str) -> None:
        """From now on nobody is that robot.

        Raises:
            NotFound: there is none of that name.
        """
        self._store.remove_robot(name)
        self._note("token revoke", f"robot:{ROBOT}{name}")

    def rotate_key(self, *, at_once: bool) -> str:
        """A new key that tokens are signed with; its id.

        Args:
            at_once: all tokens that were issued end now, and not within their few minutes.
        """
        now = self._seconds()
        key_id, private = jwts.new_key()
        self._store.add_key(key_id, private, now,
                            keep_until=now if at_once else now + 2 * jwts.LIFE_SECONDS)  # fmt: skip
        self._note("token rotate-key", key_id, "at once" if at_once else "")
        return key_id

    def set_rule(self, subject: str, pattern: str, actions: Sequence[Action]) -> Rule:
        """Allows somebody something; one rule for a pattern replaces another.

        Raises:
            InvalidInput: subject or pattern make no sense.
            NotFound: it is for a user that isn't there.
        """
        if parse_subject(subject) == EVERYBODY and set(actions) != {"pull"}:
            raise InvalidInput(
                "who is not logged in may pull at most",
                hint="use the subject * for every user who is logged in",
            )
        rule = Rule(subject, patterns.check(pattern), tuple(actions))
        self._store.set_rule(subject, pattern, actions)
        self._note("policy set", subject, f"{pattern} {','.join(actions)}")
        return rule

    def remove_rules(self, subject: str, pattern: str | None = None) -> tuple[Rule, ...]:
        """Takes back what was allowed; without a pattern all that the subject has.

        Raises:
            NotFound: there is no such rule.
        """
        found = self._store.remove_rules(parse_subject(subject), pattern)
        for rule in found:
            self._note("policy rm", rule.subject, rule.pattern)
        return found

    def test(self, who: str, repository: str, action: Action) -> Decision:
        """What a server would say, and why.

        Args:
            who: a user's name, ``robot$NAME`` or ``anonymous``.

        Raises:
            NotFound: there is no such user or robot.
        """
        snapshot = self.read()
        name = who.removeprefix("user:")
        principal = _whom(snapshot, name, self._clock())
        if principal is None:
            return Decision(allowed=False, reason=f"{name} is disabled or has expired")
        return decide.decide(snapshot.rules, principal, repository, action)

    def events(self) -> Iterator[Event]:
        """What the audit log has, the oldest first."""
        return self._log.read()

    def close(self) -> None:
        """Gives back files and connections."""
        self._log.close()
        self._store.close()

    def _seconds(self) -> int:
        return int(self._clock())

    def _note(self, action: str, reference: str, detail: str = "") -> None:
        self._log.write(Event(who=self._who, action=action, reference=reference, detail=detail,
                              result="allowed"))  # fmt: skip


def _whom(snapshot: Snapshot, name: str, now: float) -> Principal | None:
    if name == EVERYBODY:
        return ANYBODY
    known = name.removeprefix(ROBOT) in snapshot.robots if name.startswith(ROBOT) else (
        name in snapshot.users
    )  # fmt: skip
    if not known:
        raise no_such_user(name)
    return snapshot.principal(name, now)


def parse_grant(text: str) -> Grant:
    """``PATTERN:ACTIONS``, such as ``team-a/**:pull,push``.

    Raises:
        InvalidInput: it is no grant.
    """
    pattern, colon, actions = text.rpartition(":")
    if not colon:
        raise InvalidInput(f"invalid grant: {text!r}", hint="such as 'team-a/**:pull,push'")
    return Grant(patterns.check(pattern), parse_actions(actions))


def host_user() -> str:
    """Who runs this command, as the audit log names him."""
    import pwd

    uid = os.getuid()
    try:
        return f"host:{pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"host:{uid}"
