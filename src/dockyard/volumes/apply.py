"""Making, using and removing volumes."""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Mapping

from dockyard.errors import Conflict, NotFound
from dockyard.state.database import Database
from dockyard.state.locks import Lock
from dockyard.state.paths import Paths, unusable
from dockyard.system.files import remove_tree, tree_size
from dockyard.volumes import rules
from dockyard.volumes.model import Pruned, Volume
from dockyard.volumes.store import VolumeStore

_MODE = 0o755
"""Of a new volume, as in Docker; content of an image brings its own."""
ANONYMOUS_LABEL = "com.docker.volume.anonymous"


class Volumes:
    """The volumes of one root. The record is written before the directory, and goes after it."""

    def __init__(self, paths: Paths, database: Database) -> None:
        self._paths = paths
        self._store = VolumeStore(paths, database)

    def create(
        self,
        name: str | None = None,
        *,
        labels: Mapping[str, str] | None = None,
        options: Mapping[str, str] | None = None,
    ) -> Volume:
        """Makes a volume; one of that name that is the same already is fine.

        Args:
            name: ``None`` gives it a random one.
            options: of the ``local`` driver; see :func:`dockyard.volumes.rules.bound_directory`.

        Raises:
            InvalidInput, NotSupported: the name or the options.
            Conflict: there is one with other options.
        """
        wanted = self._new(name, labels or {}, options or {})
        if options and not os.path.isdir(wanted.path):
            raise NotFound(f"no such directory: {wanted.path}",
                           hint="make the directory that device= names first")  # fmt: skip
        volume = self._store.add(wanted)
        if options and volume.options != wanted.options:
            raise Conflict(
                f'conflict: a volume named "{name}" already exists with different options',
                hint=f"dockyard volume rm {name}, or choose another name",
            )
        self._make_directory(volume)
        return volume

    def _new(
        self, name: str | None, labels: Mapping[str, str], options: Mapping[str, str]
    ) -> Volume:
        bound = rules.bound_directory(options)
        chosen = os.urandom(32).hex() if name is None else rules.check_name(name)
        return Volume(
            name=chosen,
            created=time.time_ns(),
            anonymous=name is None,
            path=bound or self._paths.volume(chosen),
            labels=dict(labels) | ({ANONYMOUS_LABEL: ""} if name is None else {}),
            options=dict(options),
        )

    def ensure(self, name: str | None, container_id: str) -> tuple[Volume, bool]:
        """The volume of that name, made if missing; ``None`` makes an anonymous one.

        The container is noted as its user in the same step, which forbids its removal.

        Returns:
            The volume, and whether it is empty (then the image's content may be copied into it), or
            its filling isn't over.

        Raises:
            InvalidInput: the name has characters that Docker doesn't allow.
            NotFound: the directory of the host that it stands for has gone.
        """
        volume = self._store.add(self._new(name, {}, {}), user=container_id)
        if volume.options and not os.path.isdir(volume.path):
            raise NotFound(f"volume {volume.name} stands for {volume.path}, which doesn't exist",
                           hint="make that directory, or remove the volume")  # fmt: skip
        self._make_directory(volume)
        # in this order: content that is moved in leaves no moment without either
        return volume, not os.listdir(volume.path) or os.path.isdir(self._whole(volume))

    def _make_directory(self, volume: Volume) -> None:
        """Makes its directory, with Docker's mode, where it isn't there."""
        try:
            if not os.path.isdir(volume.path):
                os.makedirs(os.path.dirname(volume.path), mode=0o700, exist_ok=True)
                with contextlib.suppress(FileExistsError):
                    os.mkdir(volume.path)
                    os.chmod(volume.path, _MODE)
        except OSError as error:
            raise unusable(volume.path, error) from error

    def fill(self, name: str, copy: Callable[[str], None]) -> None:
        """Gives an empty volume content, once, however many containers want to.

        The content is copied beside the volume and moved in when it is whole. If a command is
        killed while it moves, the next one moves the rest. What is in the volume is never replaced.

        Args:
            copy: writes into the directory that it gets, and gives that the source's mode.

        Raises:
            StateError: the volume can't be written, or somebody took its directory away.
        """
        with self._locked(name):
            volume = self._store.get(name)
            try:
                self._fill(volume, copy)
            except OSError as error:
                raise unusable(volume.path, error) from error

    def _fill(self, volume: Volume, copy: Callable[[str], None]) -> None:
        whole = self._whole(volume)
        if not os.path.isdir(whole):
            if os.listdir(volume.path):
                return
            if volume.options:  # a directory of the host's own: it may be another filesystem
                _copy_live(copy, volume)
                return
            staging = f"{os.path.dirname(volume.path)}/_filling"
            remove_tree(staging)
            os.mkdir(staging)
            os.chmod(staging, _MODE)
            copy(staging)
            if not os.listdir(staging) and not _is_as_made(volume.path):
                os.rmdir(staging)  # an empty place has only attributes, and the volume others
                return
            os.rename(staging, whole)
        _move_in(whole, volume.path)

    def _whole(self, volume: Volume) -> str:
        """Where content is that was copied whole, until all of it is in the volume."""
        return f"{os.path.dirname(self._paths.volume(volume.name))}/_whole"

    def path(self, name: str) -> str:
        """The directory that containers see.

        Raises:
            NotFound: there is no such volume.
        """
        return self._store.get(name).path

    def get(self, name: str) -> Volume:
        """The volume of that name; :class:`NotFound` where there is none."""
        return self._store.get(name)

    def list(self) -> list[Volume]:
        """All volumes, by name."""
        return list(self._store.all())

    def users(self, name: str) -> tuple[str, ...]:
        """Ids of the containers that use it."""
        return self._store.users(name)

    def size(self, volume: Volume) -> int:
        """Bytes of its files; 0 for one that stands for a directory of the host."""
        return 0 if volume.options else tree_size(volume.path)

    def remove(self, name: str) -> None:
        """Removes a volume and what is in it.

        Raises:
            NotFound: there is none.
            Conflict: a container uses it.
        """
        self._store.get(name)
        if not self._store.condemn(name):
            users = ", ".join(one for one in self._store.users(name))
            raise Conflict(
                f"remove {name}: volume is in use - [{users}]",
                hint="remove the containers that use it first: dockyard ps -a"
                f" --filter volume={name}",
                reference="volume-in-use",
            )
        self._delete(name)

    def prune(self, chosen: Iterable[Volume]) -> Pruned:
        """Removes those of the given volumes that no container uses."""
        names, size = [], 0
        for volume in chosen:
            freed = self.size(volume)
            if self._store.condemn(volume.name):
                self._delete(volume.name)
                names.append(volume.name)
                size += freed
        return Pruned(tuple(names), size)

    def remove_anonymous(self, container_id: str) -> None:
        """Removes the anonymous volumes that only this container uses (``--rm``, ``rm -v``)."""
        for name in self._store.anonymous_of(container_id):
            if self._store.condemn(name, besides=container_id):
                self._delete(name)

    def _delete(self, name: str) -> None:
        with self._locked(name):
            self._finish_removal(name)

    def _finish_removal(self, name: str) -> None:
        """Removes files and record; not those of a new one of that name. The caller has its lock.

        Another command may have finished the removal, and a third made one anew.
        """
        if name in self._store.condemned():
            remove_tree(os.path.dirname(self._paths.volume(name)))
            self._store.delete(name)

    def recover(self) -> None:
        """Finishes removals that a crash interrupted; those that go on are somebody's."""
        for name in self._store.condemned():
            lock = Lock.try_acquire(self._lock_path(name))
            if lock is not None:
                with lock:
                    self._finish_removal(name)
                    lock.release(remove=True)

    @contextlib.contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        """The lock of one volume, whose file goes with it."""
        with Lock.acquire(self._lock_path(name)) as lock:
            try:
                yield
            finally:
                lock.release(remove=True)

    def _lock_path(self, name: str) -> str:
        return f"{self._paths.locks}/v-{name}.lock"


def _is_as_made(path: str) -> bool:
    """True where nobody gave a volume's directory another owner or mode."""
    status = os.stat(path)
    ours = (os.geteuid(), os.getegid(), _MODE)
    return (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == ours


def _copy_live(copy: Callable[[str], None], volume: Volume) -> None:
    """Copies into a directory that others may be changing: containers that have the volume."""
    try:
        copy(volume.path)
    except OSError as error:
        raise Conflict(
            f"cannot fill volume {volume.name}: {error.strerror}: {error.filename}",
            hint=f"is somebody else changing {volume.path}? Try again when it is empty",
        ) from error


def _move_in(whole: str, target: str) -> None:
    """Moves what is in ``whole`` into ``target``, but what somebody has put there meanwhile.

    The directory gets the attributes of the image's.
    """
    from dockyard.system.copy import Manner, copy_attributes

    for name in os.listdir(whole):
        if not os.path.lexists(f"{target}/{name}"):
            os.rename(f"{whole}/{name}", f"{target}/{name}")
    with _opened(whole) as source, _opened(target) as destination:
        copy_attributes(source, destination, os.fstat(source), Manner())
    remove_tree(whole)


@contextlib.contextmanager
def _opened(path: str) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
