"""Who may what in a registry: what its server asks for each request.

A change by any process holds from the next request on: the database's revision is compared each
time, which takes some microseconds.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec

from dockyard.errors import StateError
from dockyard.registry.access import decide, header, jwts, refusal, scopes
from dockyard.registry.access.audit import AuditLog, Event
from dockyard.registry.access.header import Bearer, Login
from dockyard.registry.access.jwts import Entry
from dockyard.registry.access.logins import Logins, digest, new_secret
from dockyard.registry.access.model import ANYBODY, ROBOT, Action, Principal
from dockyard.registry.access.passwords import Passwords
from dockyard.registry.access.records import FIRST_REVISION, Key, Snapshot
from dockyard.registry.access.repeats import Counts, Repeats
from dockyard.registry.access.store import AccessStore
from dockyard.registry.access.throttle import Throttle

SESSION_SECONDS: Final = 90 * 86400
_MOST_SESSIONS: Final = 100
"""Of one user: a host each."""
_MOST_PULLS: Final = 8192
"""Different ones of which it is known that they were within a minute."""
_DENIED_LINES: Final = 8
"""So many of one client's within a minute are told one by one."""
_MOST_ACCESS_BYTES: Final = 4 << 10
"""The whole token has to fit into a header."""


class Issued(msgspec.Struct, frozen=True):
    """A token, as Docker's protocol gives it. Its text shows none of it."""

    token: str
    expires_in: int
    issued_at: int
    refresh_token: str = ""

    def __repr__(self) -> str:
        return "Issued(...)"


class Access:
    """One registry's users, robots, rules and tokens. Safe between threads."""

    def __init__(
        self, store: AccessStore, log: AuditLog, *, passwords: Passwords | None = None,
        throttle: Throttle | None = None, clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self._store = store
        self._log = log
        self._clock = clock
        self._logins = Logins(passwords or Passwords(), throttle or Throttle(), clock=clock)
        self._repeats = Repeats()
        self._pulls: Counts[Event] = Counts(_MOST_PULLS)
        self._denied: Counts[Event] = Counts(lines=_DENIED_LINES)
        self._guard = threading.Lock()
        self._snapshot: Snapshot | None = None

    @property
    def service(self) -> str:
        """What this registry is called in challenges and tokens; no other has that name."""
        return self._now().service

    @property
    def snapshot(self) -> Snapshot:
        """All of it, as of now."""
        return self._now()

    @property
    def untouched(self) -> bool:
        """True as long as no user, robot or rule was ever made here.

        The last one that goes doesn't bring that back: else removing a user could open all to all.
        """
        return self._now().revision == FIRST_REVISION

    def known(self, authorization: str | None) -> Principal | None:
        """Who asks, where that takes no time: ``None`` means that a password is to be worked out.

        Raises:
            Refusal: it is nobody.
        """
        shown = header.read(authorization)
        if shown is None:
            return ANYBODY
        if isinstance(shown, Bearer):
            return self._bearer(shown.token)
        return self._logins.remembered(self._now(), shown)

    def authenticate(self, authorization: str | None, address: str = "") -> Principal:
        """Who asks; may take a while.

        Args:
            address: where the request comes from.

        Raises:
            Refusal: it is nobody, or there were too many wrong guesses.
        """
        shown = header.read(authorization)
        if shown is None:
            return ANYBODY
        if isinstance(shown, Bearer):
            return self._bearer(shown.token)
        return self.log_in(shown, address)

    def log_in(self, login: Login, address: str) -> Principal:
        """Who proves by a password or a robot's token to be whom; see :meth:`authenticate`."""
        self._note_repeats(self._clock())
        try:
            principal = self._logins.check(self._now(), login, address)
        except refusal.Refusal as error:
            self._note_refusal(login, address, error.status)
            raise
        self.audit(Event(who=principal.identity, action="login", result="allowed",
                         address=address))  # fmt: skip
        if principal.kind == "robot":
            self._note_use(principal)
        return principal

    def resume(self, session: str) -> Principal:
        """Who shows the token that a client keeps in place of a password.

        Raises:
            Refusal: it is nobody's, or nobody's any more.
        """
        name, generation = self._store.session_user(digest(session), int(self._clock())) or ("", 0)
        principal = self._now().principal(name, self._clock())
        if principal is None or principal.generation != generation:
            raise refusal.unknown()
        return principal

    def allowed(self, principal: Principal, repository: str, action: Action) -> bool:
        """Whether he may."""
        return decide.allowed(self._now().rules, principal, repository, action)

    def require(self, principal: Principal, repository: str, action: Action) -> None:
        """Lets only those through who may. The answer is the same if there is no such repository.

        Raises:
            Refusal: 401 for who shows nothing, or not the right token; 403 for who is known.
        """
        rules = self._now().rules
        if decide.allowed(rules, principal, repository, action):
            return
        if principal.kind == "anonymous":
            raise refusal.login_needed()
        if decide.entitled(rules, principal, repository, action):
            raise refusal.other_token_needed()
        raise refusal.forbidden(principal.name, action, repository)

    def listed(self, principal: Principal, repositories: Iterable[str]) -> list[str]:
        """Those that he may know of: all that he may pull. With many it may take a while.

        Raises:
            Refusal: his token is not for lists.
        """
        if not principal.catalog:
            raise refusal.other_token_needed()
        his = decide.entitling(self._now().rules, principal, "pull")
        return [one for one in repositories if his.match(one)]

    def issue(
        self, principal: Principal, wanted: Sequence[str], *, offline: bool = False
    ) -> Issued:
        """A token for what he may of what is asked for.

        Args:
            wanted: scopes, such as ``repository:team-a/app:pull,push``.
            offline: he also wants one that stands for his password; robots have theirs.

        Raises:
            Refusal: he shows a token instead of a password, or what he showed is void by now.
        """
        if principal.scope is not None:
            raise refusal.unknown()
        snapshot, now = self._signing()
        asked = scopes.parse(wanted)
        access = [Entry("repository", one.pattern, one.actions)
                  for one in decide.granted(snapshot.rules, principal, asked)]  # fmt: skip
        if scopes.wants_catalog(asked):
            access.insert(0, Entry("registry", "catalog", ("*",)))
        token = jwts.issue(
            _signing_key(snapshot), snapshot.service, principal.identity, principal.generation,
            _fitting(access), now,
        )  # fmt: skip
        kept = ""
        if offline and principal.kind == "user":
            kept = new_secret()
            if not self._store.add_session(
                digest(kept), principal.name, principal.generation, now, now + SESSION_SECONDS,
                _MOST_SESSIONS,
            ):  # fmt: skip
                raise refusal.unknown()
        return Issued(token, jwts.LIFE_SECONDS, now, kept)

    def challenge(self, realm: str, scope: str = "", error: str = "") -> str:
        """``WWW-Authenticate`` for an answer that is 401.

        Args:
            realm: the URL of the token endpoint.
        """
        return header.challenge(realm, self.service, scope, error)

    def audit(self, event: Event) -> None:
        """Writes down what was done or refused."""
        self._log.write(event)

    def audit_pull(self, event: Event) -> None:
        """The same for a pull: of equal ones within a minute the first, and how many more.

        Whoever may pull could fill the log with it, and so have what was before it rotated away.
        """
        now = self._clock()
        self._note_counted(now)
        if self._pulls.is_first(event, now):
            self.audit(event)

    def audit_denied(self, event: Event) -> None:
        """The same for what a client was kept from: a few within a minute, and how many more.

        They count together whatever they were about: there is no end of names to ask for.
        """
        now = self._clock()
        self._note_counted(now)
        key = Event(who=event.who, action=event.action, result=event.result)
        if self._denied.is_first(key, now):
            self.audit(event)

    def close(self) -> None:
        """Gives back files and connections."""
        self._note_repeats(math.inf)
        self._note_counted(math.inf)
        self._log.close()
        self._store.close()

    def _bearer(self, token: str) -> Principal:
        snapshot, now = self._now(), self._clock()
        claims = jwts.verify(token, snapshot.keys, snapshot.service, now)
        kind, _, name = claims.sub.partition(":")
        principal = ANYBODY if kind == "anonymous" else snapshot.principal(name, now)
        if principal is None or (principal.identity, principal.generation) != (
            claims.sub, claims.gen,
        ):  # fmt: skip
            raise refusal.unknown()
        return msgspec.structs.replace(principal, scope=claims.grants(), catalog=claims.catalog())

    def _now(self) -> Snapshot:
        """What holds in this moment."""
        revision = self._store.revision()
        found = self._snapshot
        if found is None or found.revision != revision:
            with self._guard:
                found = self._snapshot
                if found is None or found.revision != revision:
                    found = self._snapshot = self._store.read()
        return found

    def _signing(self) -> tuple[Snapshot, int]:
        """What holds, with a key to sign with; it is made on first use."""
        now = int(self._clock())
        if all(one.ends is not None for one in self._now().keys):
            self._store.add_key(*jwts.new_key(), now, keep_until=None)
        return self._now(), now

    def _note_refusal(self, login: Login, address: str, status: int) -> None:
        """Writes it down; of those that were told to wait, one a minute of an address."""
        now = self._clock()
        if status == refusal.WAIT and not self._repeats.is_first(address, now):
            return
        # A mistyped password may stand in the place of a name.
        known = self._now().has(login.name)
        who = f"{'robot' if login.name.startswith(ROBOT) else 'user'}:"
        self.audit(Event(who=who + (login.name if known else "?"), action="login",
                         result="denied", status=status, address=address))  # fmt: skip

    def _note_repeats(self, now: float) -> None:
        for address, count in self._repeats.ended(now):
            self.audit(Event(who="user:?", action="login", result="denied", status=refusal.WAIT,
                             address=address, detail=f"{count} more within a minute"))  # fmt: skip

    def _note_counted(self, now: float) -> None:
        for event, count in (*self._pulls.ended(now), *self._denied.ended(now)):
            detail = f"{count} more within a minute"
            self.audit(msgspec.structs.replace(event, detail=detail))

    def _note_use(self, principal: Principal) -> None:
        try:
            self._store.note_use(principal.name.removeprefix(ROBOT), int(self._clock()))
        except StateError:  # a full disk is no reason to turn a robot away
            return


def _signing_key(snapshot: Snapshot) -> Key:
    return next(one for one in snapshot.keys if one.ends is None)


def _fitting(access: Iterable[Entry]) -> list[Entry]:
    """As many as fit into a token."""
    found, left = [], _MOST_ACCESS_BYTES
    for entry in access:
        left -= len(msgspec.json.encode(entry))
        if left < 0:
            break
        found.append(entry)
    return found
