"""Who asks, and whether he may: the one place where a request's rights are looked at."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, ParamSpec

from dockyard.registry.access import refusal
from dockyard.registry.access.model import Action, Principal
from dockyard.registry.access.refusal import Refusal
from dockyard.registry.access.service import Access
from dockyard.registry.server.problems import Refused

P = ParamSpec("P")

_LOGIN_THREADS: Final = 8
_MOST_WAITING: Final = 128
_EVERYBODY: Final = Principal(admin=True)
"""Whoever reaches a registry that has no users, and is open."""


class Gate:
    """Asks the access rules; passwords, which take their time, in threads of their own.

    However many logins wait, what is known already isn't kept from anything.
    """

    def __init__(self, access: Access, *, may_be_open: bool = False) -> None:
        """``may_be_open`` lets everybody do everything until something is set up."""
        self.access = access
        self._threads = ThreadPoolExecutor(_LOGIN_THREADS, "logins")
        self._waiting = 0
        self._may_be_open = may_be_open

    @property
    def is_open(self) -> bool:
        """Whether everybody may do everything in this moment."""
        return self._may_be_open and self.access.untouched

    async def principal(self, authorization: str | None, address: str) -> Principal:
        """Who sends this header.

        Raises:
            Refusal: it is nobody, or too many want to know.
        """
        if self.is_open:
            return _EVERYBODY
        found = self.access.known(authorization)
        if found is None:
            found = await self.log_in(self.access.authenticate, authorization, address)
        return found

    async def log_in(
        self, function: Callable[P, Principal], *args: P.args, **kwargs: P.kwargs
    ) -> Principal:
        """Calls what works out who somebody is, off the event loop.

        Raises:
            Refusal: it is nobody, or too many want to know.
        """
        if self._waiting >= _MOST_WAITING:
            raise refusal.busy()
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            work = functools.partial(function, *args, **kwargs)
            return await loop.run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1

    async def close(self) -> None:
        """Ends the threads when they are done."""
        await asyncio.to_thread(self._threads.shutdown)
        self.access.close()

    def may(self, principal: Principal, repository: str, action: Action) -> bool:
        """Whether somebody may do that in a repository, which need not exist."""
        return self.access.allowed(principal, repository, action)

    def refused(self, error: Refusal, realm: str, scope: str) -> Refused:
        """The answer to who may not; it doesn't say whether there is anything.

        Args:
            realm: the URL where tokens are had.
            scope: what a token would have to be for.
        """
        return self.answer(error, self.access.challenge(realm, scope, error.error))

    def answer(self, error: Refusal, challenge: str) -> Refused:
        """The same, with the challenge that goes with a 401."""
        headers = {"WWW-Authenticate": challenge} if error.status == 401 else {}
        if error.retry_after is not None:
            headers["Retry-After"] = str(error.retry_after)
        return Refused(error.status, error.code, error.message, headers=headers)
