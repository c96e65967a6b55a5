"""One server of a registry: asked by paths, with credentials, retries and redirects seen to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar
from urllib.parse import urlsplit

import msgspec

from dockyard.errors import HostileInput, RegistryError
from dockyard.registry import backoff, challenge, problems, waits
from dockyard.registry.addresses import is_same, next_url
from dockyard.registry.authorisation import Authoriser
from dockyard.registry.connection_problems import NotEncrypted
from dockyard.registry.model import Credential, Place, Trust
from dockyard.registry.problems import Asked, Interrupted
from dockyard.registry.transport import READ_SECONDS, Answer, Body, Transport, finish

_FIRST_TRIES: Final = 2
"""Where nobody has answered yet: the name may be wrong, and who typed it waits."""
_MAX_REDIRECTS: Final = 10
_MAX_AUTHENTICATIONS: Final = 2
"""A challenge that was not known, and a token that has expired since."""
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_MAX_ERROR_BYTES: Final = 64 << 10
_READS: Final = frozenset({"GET", "HEAD"})


T = TypeVar("T")


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A request that was thought of, but not sent."""

    method: str
    target: str
    """A path below ``/v2/``, or a URL that this server gave."""
    what: str
    """What is asked for, as messages have it."""
    expected: frozenset[int] = frozenset({200})
    """Answers that are the caller's; all others are errors."""
    scopes: tuple[str, ...] = ()
    headers: Mapping[str, str] = {}
    body: Callable[[], Body] | None = None
    """Makes the body anew for each try."""
    tries: int = backoff.MAX_TRIES
    seconds: float = READ_SECONDS


class Endpoint:
    """A :class:`Place` that is spoken to. Safe between threads."""

    def __init__(
        self, place: Place, registry: str, transport: Transport,
        credential: Callable[[], Credential | None], trust: Callable[[str], Trust | None],
    ) -> None:  # fmt: skip
        """``registry`` is its name for the user; ``trust`` has what is set for other hosts."""
        self.place = place
        self.registry = registry
        self.transport = transport
        self.is_down = False
        """A mirror that can't be reached, and isn't asked again."""
        self._trust = trust
        self._guard = threading.Lock()
        self._base: str | None = None
        asked = Asked(place.host, registry, registry)
        self.authoriser = Authoriser(asked, transport, credential, self._trust_in)

    def call(self, call: Call) -> Answer:
        """Asks, and again where that makes sense; the answer's body is unread.

        Raises:
            NotFound: what was asked for isn't there.
            Unauthorized: it wants to know who one is.
            Denied: one may not.
            Interrupted: it failed each time.
            RegistryError: it answered anything else that is not expected.
        """
        return self._retried(call, lambda: self._once(call))

    def fetch(self, call: Call, most: int) -> tuple[Answer, bytes]:
        """Asks, and reads at most so many bytes of the answer; again where it breaks off.

        Raises as :meth:`call`.
        """

        def whole() -> tuple[Answer, bytes]:
            answer = self._once(call)
            try:
                return answer, self.transport.read(answer, most, self.place.host)
            finally:
                finish(answer)

        return self._retried(call, whole)

    def _retried(self, call: Call, act: Callable[[], T]) -> T:
        failures = 0
        while True:
            try:
                return act()
            except Interrupted as error:
                failures += 1
                wait = backoff.delay(failures, error.wait)
                most = call.tries if self._base is not None else min(call.tries, _FIRST_TRIES)
                if wait is None or failures >= most:
                    raise
                waits.tell(wait, error)
                self.transport.pause(wait)

    def base(self) -> str:
        """Scheme and host of this server, which is asked the first time how it can be spoken to."""
        with self._guard:
            if self._base is None:
                self._base = self._greet()
            return self._base

    def absolute(self, location: str, origin: str) -> str:
        """A ``Location`` as a URL.

        Raises:
            HostileInput: it leads out of the web, or from an encrypted server to a plain one.
        """
        return next_url(origin, location, plain=self._is_plain)

    @property
    def _is_plain(self) -> bool:
        """True where encryption is not to be had, or was said not to matter."""
        return self.place.trust.insecure or (self._base or "").startswith("http:")

    def _trust_in(self, host: str) -> Trust:
        """Other servers that this one leads to are believed as it is; but not shown who one is."""
        own = self.place.trust
        found = own if host == self.place.host.lower() else self._trust(host)
        return found or Trust(own.insecure, own.authorities)

    def _greet(self) -> str:
        """Speaks in the first scheme that is allowed and understood."""
        for scheme in self.place.schemes:
            base = f"{scheme}://{self.place.host}"
            try:
                self._ping(base)
            except (NotEncrypted, Interrupted) as error:
                if scheme == self.place.schemes[-1] or getattr(error, "wait", None) is not None:
                    raise
            else:
                return base
        raise RegistryError(f"{self.place.host} can't be spoken to", hint="see its settings")

    def _ping(self, base: str) -> None:
        answer = self.transport.send("GET", f"{base}/v2/", trust=self.place.trust, headers={})
        try:
            if backoff.is_retryable(answer.status):
                raise self._error(answer, "GET", "a greeting")
            if answer.status == 401:
                self._learn(answer, None, (), base)
        finally:
            finish(answer)

    def _learn(self, answer: Answer, sent: str | None, scopes: Sequence[str], base: str) -> bool:
        plain = self.place.trust.insecure or base.startswith("http:")
        found = challenge.parse(answer.headers.getlist("WWW-Authenticate"))
        return self.authoriser.learn(found, sent, scopes, plain=plain)

    def _once(self, call: Call) -> Answer:
        base = self.base()
        url = call.target if "://" in call.target else f"{base}/v2/{call.target}"
        own = is_same(url, base)
        for left in reversed(range(_MAX_AUTHENTICATIONS + 1)):
            header = self.authoriser.header(call.scopes) if own else None
            answer, last = self._follow(call, url, base, header)
            if answer.status in call.expected:
                return answer
            try:
                known = own and answer.status == 401 and is_same(last, base)
                again = known and (left or not self.authoriser.is_anonymous)
                if again and self._learn(answer, header, call.scopes, base):
                    continue
                raise self._error(answer, call.method, call.what)
            finally:
                finish(answer)
        raise problems.Unauthorized(
            f"{self.place.host} accepts none of the tokens that it asks for",
            hint="its clock, or its token server's, may be wrong",
        )

    def _follow(self, call: Call, url: str, base: str, header: str | None) -> tuple[Answer, str]:
        """Sends, and follows redirects of what only reads; credentials stay at home.

        Also where the answer is from: what wants to see credentials may be anybody there.
        """
        for _ in range(_MAX_REDIRECTS):
            headers = dict(call.headers)
            if header is not None and is_same(url, base):
                headers["Authorization"] = header
            answer = self.transport.send(
                call.method, url, trust=self._trust_in(urlsplit(url).netloc.lower()),
                headers=headers, body=call.body() if call.body else None, seconds=call.seconds,
            )  # fmt: skip
            if answer.status not in _REDIRECTS or call.method not in _READS:
                return answer, url
            finish(answer)
            url = next_url(url, answer.headers.get("Location", ""), plain=self._is_plain)
        raise HostileInput(
            f"{self.place.host} redirects {call.what} again and again",
            hint="ask whoever runs it", reference="redirect-loop",
        )  # fmt: skip

    def _error(self, answer: Answer, method: str, what: str) -> Exception:
        """The error for an answer, with what its body says."""
        wait = backoff.asked_for(answer.headers.get("Retry-After", ""), time.time())
        asked = Asked(self.place.host, self.registry, what)
        body = b""
        if method != "HEAD":
            body = self.transport.read(answer, _MAX_ERROR_BYTES, self.place.host)
        return problems.of_answer(answer.status, body, asked, wait=wait)
