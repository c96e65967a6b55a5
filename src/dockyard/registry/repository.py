"""Who is asked for what a repository has, and how."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, TypeVar

from dockyard.errors import ContentMismatch, HostileInput, NotFound, RegistryError
from dockyard.oci import digest as digests
from dockyard.oci.reference import DEFAULT_TAG, Reference
from dockyard.registry.backoff import MAX_TRIES
from dockyard.registry.endpoint import Call, Endpoint
from dockyard.registry.problems import Unreachable
from dockyard.registry.transport import READ_SECONDS, Answer, Body, finish

if TYPE_CHECKING:
    from dockyard.registry.client import Client

T = TypeVar("T")

_MIRROR_TRIES: Final = 2


class Repository:
    """A repository of a registry: the ways to ask for something of it."""

    def __init__(self, client: Client, reference: Reference, *, push: bool = False) -> None:
        self.reference = reference
        self._endpoints = client.endpoints(reference, push=push)
        self._origin = self._endpoints[-1]
        self._actions = "pull,push" if push else "pull"
        self._warn = client.warn
        self._guard = threading.Lock()

    @property
    def has_mirrors(self) -> bool:
        """Whether others are asked before the registry, who may have something else."""
        return len(self._endpoints) > 1

    def _own(self) -> str:
        return self.reference.digest or self.reference.tag or DEFAULT_TAG

    def _name(self, reference: str) -> str:
        mark = "@" if digests.is_digest(reference) else ":"
        return f"{self.reference.familiar_repository}{mark}{reference}"

    def _target(self, endpoint: Endpoint, path: str) -> str:
        return f"{endpoint.place.repository(self.reference.path)}/{path}"

    def _scopes(self, endpoint: Endpoint) -> tuple[str, ...]:
        return (f"repository:{endpoint.place.repository(self.reference.path)}:{self._actions}",)

    def _deletion(self) -> str:
        """The scope of removing something, which few may and fewer need."""
        return f"repository:{self._origin.place.repository(self.reference.path)}:delete"

    def _tries(self, endpoint: Endpoint) -> int:
        """A mirror that fails has another behind it."""
        return _MIRROR_TRIES if endpoint.place.is_mirror else MAX_TRIES

    def _call(
        self, method: str, path: str, what: str, *, expected: set[int],
        headers: Mapping[str, str] | None = None, body: Callable[[], Body] | None = None,
        scopes: tuple[str, ...] = (), tries: int = MAX_TRIES, seconds: float = READ_SECONDS,
    ) -> Call:  # fmt: skip
        """A request to the registry itself, by a path or a URL that it gave."""
        return Call(
            method=method, what=what, expected=frozenset(expected), headers=headers or {},
            target=path if "://" in path else self._target(self._origin, path), body=body,
            scopes=(*self._scopes(self._origin), *scopes), tries=tries, seconds=seconds,
        )  # fmt: skip

    def _done(self, call: Call) -> Answer:
        """The registry's own answer, of which only the head matters."""
        answer = self._origin.call(call)
        finish(answer)
        return answer

    def _url(self, target: str) -> str:
        return target if "://" in target else f"{self._origin.base()}/v2/{target}"

    def _location(self, answer: Answer, target: str) -> str:
        return self._origin.absolute(answer.headers.get("Location", ""), self._url(target))

    def _check_stored(self, answer: Answer, digest: str) -> None:
        stored = answer.headers.get("Docker-Content-Digest", digest)
        if stored != digest and digests.is_digest(stored):
            raise ContentMismatch(
                f"{self.reference.registry} stored {stored}, and {digest} was sent",
                reference="digest-mismatch",
            )

    def _read(self, ask: Callable[[Endpoint], T]) -> T:
        """Asks the mirrors, and where none of them has it the registry itself.

        A mirror that can't be reached, or tells lies, is not asked again.
        """
        for endpoint in self._endpoints[:-1]:
            if endpoint.is_down:
                continue
            try:
                return ask(endpoint)
            except (Unreachable, ContentMismatch, HostileInput) as error:
                endpoint.is_down = True
                self._warn(f"a mirror is left out: {error.message}")
            except (NotFound, RegistryError):
                self._origin.transport.check()
        return ask(self._origin)


def checked(digest: str) -> str:
    """A digest, which may have come from a hostile manifest and goes into a URL.

    Raises:
        ContentMismatch: it is none.
    """
    if not digests.is_digest(digest):
        raise ContentMismatch(f"not a digest: {digest[:80]!r}", hint="sha256: and 64 hex digits")
    return digest
