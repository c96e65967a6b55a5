"""Steps that fetch: looked up by what the other side has now, or done in a workspace."""

from __future__ import annotations

from dockyard.build import graph
from dockyard.build.cache import Hit, Origin, key_of
from dockyard.build.dockerfile.source import located
from dockyard.build.remote.address import Git, Web
from dockyard.build.sharing.session import Results
from dockyard.build.solver import Cancellation
from dockyard.containers.workspace import Workspace


class Fetcher:
    """Fetches for one build."""

    def __init__(self, cancellation: Cancellation) -> None:
        self._cancellation = cancellation
        self._commits: dict[Git, str] = {}

    def look_up(self, vertex: graph.Vertex, cache: Results | None) -> tuple[str, Hit | None]:
        """The key of the cache's entry, and the entry where it still holds.

        A commit is the key of its files. A file of the web has the key of its address, and holds
        if it has the checksum that the Dockerfile demands, or the server says so.

        Raises:
            DockyardError: the other side can't be asked.
        """
        operation = vertex.operation
        with located(vertex.location):
            if isinstance(operation, Git):
                from dockyard.build.remote import git

                commit = git.resolve(operation, self._cancellation)
                self._commits[operation] = commit  # a branch may move before it is fetched
                key = key_of(vertex, (), commit)
                return key, None if cache is None else cache.find(key, tuple)
            key = key_of(vertex, (), "")
            hit = None if cache is None else cache.find(key, tuple)
            if hit is None or hit.origin is None or not isinstance(operation, Web):
                return key, None
            from dockyard.build.remote import http

            holds = bool(operation.checksum) or http.unchanged(
                operation, hit.origin, self._cancellation
            )
            return key, hit if holds else None

    def fetch(self, workspace: Workspace, vertex: graph.Vertex) -> Origin | None:
        """Puts what a step fetches into the workspace; what it was, for a file of the web.

        The step was looked up before.
        """
        operation = vertex.operation
        with located(vertex.location):
            if isinstance(operation, Web):
                from dockyard.build.remote import http

                return http.download(operation, workspace.upper, self._cancellation)
            if isinstance(operation, Git):
                from dockyard.build.remote import git

                commit = self._commits[operation]
                git.checkout(operation, commit, workspace.path, workspace.upper, self._cancellation)
        return None
