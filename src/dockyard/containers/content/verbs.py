"""What can be done with the files of containers, for the doors."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO

from dockyard.containers.happenings import event
from dockyard.containers.model import Container
from dockyard.containers.parts import Parts

if TYPE_CHECKING:  # nothing of it is on the path of run
    from dockyard.containers.content import commit
    from dockyard.containers.content.changes import Change
    from dockyard.containers.content.commit import CommitOptions
    from dockyard.containers.content.tar_out import Write
    from dockyard.containers.last_words import LastWords
    from dockyard.images.model import Image
    from dockyard.observability.progress import Listener


class Content:
    """The files of the containers of one root."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def get(self, text: str) -> Container:
        """A container by name, id or beginning of an id.

        Raises:
            NotFound: there is none.
        """
        return self._parts.store.find(text)

    def last_known(self, container: Container) -> Container:
        """The record as it is now; where it is gone, as it was at its end."""
        from dockyard.containers import finish

        current = self._parts.store.get(container.id)
        return finish.gone(self._parts, container) if current is None else current

    def keep_words(self, container: Container) -> LastWords | None:
        """The end of the log of a container that takes it along when it goes."""
        from dockyard.containers.last_words import LastWords

        if not container.options.remove or container.log.driver == "none":
            return None
        return LastWords(self._parts.paths.log(container.id))

    def diff(self, text: str) -> tuple[Change, ...]:
        """What a container changed of its image; see :func:`changes.changes`."""
        from dockyard.containers.content import changes
        from dockyard.containers.content.engine_mounts import made_by_engine
        from dockyard.images.view import LowerView

        container = self.get(text)
        image = self._parts.images.get(container.image_id)
        lowers = self._parts.layers.paths_of(image.layers)
        upper = f"{self._parts.paths.container(container.id)}/upper"
        return changes.changes(upper, LowerView(lowers), made_by_engine(lowers, container))

    def copy_to(
        self,
        text: str,
        source: str,
        target: str,
        *,
        follow: bool = False,
        progress: Listener | None = None,
    ) -> int:
        """Copies from this host into a container; see :func:`copying.copy_in`."""
        from dockyard.containers.content import copying

        return copying.copy_in(
            self._parts, self.get(text), source, target, follow=follow, progress=progress
        )

    def copy_from(
        self,
        text: str,
        source: str,
        target: str,
        *,
        follow: bool = False,
        keep_owner: bool = False,
        progress: Listener | None = None,
    ) -> int:
        """Copies from a container to this host; see :func:`copying.copy_out`."""
        from dockyard.containers.content import copying

        return copying.copy_out(
            self._parts, self.get(text), source, target, follow=follow, keep_owner=keep_owner,
            progress=progress,
        )  # fmt: skip

    def pack(
        self,
        text: str,
        source: str,
        write: Write,
        *,
        follow: bool = False,
        progress: Listener | None = None,
    ) -> None:
        """Writes files of a container as a tar stream; see :func:`copying.pack_out`."""
        from dockyard.containers.content import copying

        copying.pack_out(
            self._parts, self.get(text), source, write, follow=follow, progress=progress
        )

    def unpack(
        self, text: str, stream: BinaryIO, target: str, *, progress: Listener | None = None
    ) -> int:
        """Unpacks a tar stream into a container; see :func:`copying.unpack_in`."""
        from dockyard.containers.content import copying

        return copying.unpack_in(self._parts, self.get(text), stream, target, progress)

    def export(self, text: str, write: Write, *, progress: Listener | None = None) -> None:
        """Writes a container's root filesystem, without volumes, as a tar stream.

        Args:
            progress: hears how many bytes are written.
        """
        from dockyard.containers.content import place
        from dockyard.observability.progress import Counter, counted

        write = counted(write, Counter(progress, "writing"))
        container = self.get(text)
        if container.running:
            self._write(f"{self._parts.paths.container(container.id)}/root", write)
        else:
            with self._parts.lock(container.holder):
                container = self.get(container.id)
                purpose = f"export {container.id}"
                with place.mounted(self._parts, container, purpose, volumes=False) as path:
                    self._write(path, write)
        self._parts.store.tell(event(container, "export"))

    def commit(
        self,
        text: str,
        options: CommitOptions,
        change: commit.Change = lambda config: config,
        progress: Listener | None = None,
    ) -> Image:
        """Makes an image of what a container has changed; see :func:`commit.commit`."""
        from dockyard.containers.content import commit

        return commit.commit(self._parts, self.get(text), options, change, progress)

    def _write(self, path: str, write: Write) -> None:
        from dockyard.containers.content.tar_out import TarOut

        descriptor = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            archive = TarOut(write)
            archive.tree(descriptor, "")
            archive.end()
        finally:
            os.close(descriptor)
