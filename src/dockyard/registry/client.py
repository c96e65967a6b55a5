"""What one command needs to talk to registries: connections, tokens and credentials."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from dockyard.config import Config
from dockyard.oci.reference import Reference
from dockyard.registry import credentials, settings_files
from dockyard.registry.credentials import Credentials
from dockyard.registry.endpoint import Endpoint
from dockyard.registry.helpers import Programs
from dockyard.registry.model import Credential, Place, Trust
from dockyard.registry.remote import Remote
from dockyard.registry.settings import Settings
from dockyard.registry.transport import Transport


class Client:
    """Repositories of any registry. Safe between threads; closed when the command is done."""

    def __init__(
        self, settings: Settings, known: Credentials, transport: Transport,
        warn: Callable[[str], None],
    ) -> None:  # fmt: skip
        self.settings = settings
        self.transport = transport
        self.warn = warn
        self._credentials = known
        self._guard = threading.Lock()
        self._endpoints: dict[tuple[Place, str, str], Endpoint] = {}

    @classmethod
    def from_config(
        cls, config: Config, warn: Callable[[str], None] = lambda _: None,
        env: Mapping[str, str] | None = None,
    ) -> Self:  # fmt: skip
        """Reads what is set for registries on this host, and for this user.

        Args:
            warn: is told in a sentence what did not fail, but should be known.
            env: names proxies and files of credentials; the process's own where it is ``None``.

        Raises:
            InvalidInput: a file of settings makes no sense.
        """
        surroundings = dict(os.environ if env is None else env)
        known = Credentials(credentials.files(surroundings), Programs(), warn)
        settings = settings_files.load(config.registries, surroundings)
        return cls(settings, known, Transport(surroundings), warn)

    def remote(self, reference: Reference, *, push: bool = False) -> Remote:
        """The repository of a reference; with ``push`` one that takes something."""
        return Remote(self, reference, push=push)

    def endpoints(self, reference: Reference, *, push: bool) -> tuple[Endpoint, ...]:
        """Who is to be asked for what a repository has, in order; the registry itself is last."""
        places = self.settings.places(reference.registry, push=push)
        return tuple(self._endpoint(place, reference) for place in places)

    def _endpoint(self, place: Place, reference: Reference) -> Endpoint:
        registry = place.host if place.is_mirror else reference.registry
        path = place.repository(reference.path)
        with self._guard:
            found = self._endpoints.get((place, registry, path))
            if found is None:
                found = self._endpoints[place, registry, path] = Endpoint(
                    place, registry, self.transport,
                    lambda: self._credential(registry, path), self._trust,
                )  # fmt: skip
            return found

    def origin(self, registry: str, credential: Credential | None) -> Endpoint:
        """A registry itself, as somebody sees it who need not be this user."""
        place = self.settings.places(registry, push=True)[-1]
        return Endpoint(place, registry, self.transport, lambda: credential, self._trust)

    def known(self, registry: str) -> Credential | None:
        """Who this user is at a registry, as far as it is known."""
        return self._credentials.of(registry)

    def _credential(self, registry: str, path: str) -> Credential | None:
        return self._credentials.of(registry, path)

    def _trust(self, host: str) -> Trust | None:
        found = self.settings.trust(host)
        return None if found == Trust() else found

    def close(self) -> None:
        """Ends all that is under way, in whichever thread."""
        self.transport.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.close()
