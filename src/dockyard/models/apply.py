"""The models of one root: packing, naming, using and removing them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from dockyard.errors import Conflict, NotFound
from dockyard.images.content import ContentStore
from dockyard.images.workplace import workplace
from dockyard.models import artifact, tree
from dockyard.models.exchange import Exchange
from dockyard.models.model import Model, ModelInfo, Pruned, Removed
from dockyard.models.store import ModelStore, Record, record_of
from dockyard.observability.progress import Counter, Listener
from dockyard.oci import digest as digests
from dockyard.oci.image import MANIFEST
from dockyard.oci.reference import Reference
from dockyard.state.database import Database
from dockyard.state.locks import Lock
from dockyard.state.paths import Paths

if TYPE_CHECKING:  # only some commands talk to registries
    from dockyard.registry.client import Client


class Models(Exchange):
    """The models of one root. A record is written before the directory, and goes after it.

    Args:
        connect: makes what talks to registries, for one command.
    """

    def __init__(
        self, paths: Paths, database: Database, content: ContentStore,
        connect: Callable[[], Client],
    ) -> None:  # fmt: skip
        self._connect = connect
        self._paths = paths
        self._database = database
        self._content = content
        self._store = ModelStore(database)

    def pack(
        self,
        sources: Sequence[str],
        name: str | None = None,
        *,
        info: ModelInfo | None = None,
        progress: Listener | None = None,
    ) -> Model:
        """Makes a model of files: CNCF ModelPack, a file a layer, as they are.

        The same files give the same model, whoever packs them where and when.

        Args:
            sources: one directory, such as a snapshot of Hugging Face's, or files.
            name: the model's name; ``None`` gives it none.
            info: what is said of it besides what its files say.
            progress: hears how many bytes are copied and hashed.

        Raises:
            InvalidInput, NotFound, PermissionMissing: the files can't be packed, or ``info`` says
                what ModelPack has no words for.
            Conflict: one changed meanwhile.
            DiskFull: there is no room.
        """
        from dockyard.models.describe import describe
        from dockyard.models.pack import Packer
        from dockyard.models.source import gather

        reference = None if name is None else tag_of(name)
        artifact.check(info or ModelInfo())
        files = gather(sources)
        total = sum(os.stat(file.place).st_size for file in files if os.path.exists(file.place))
        with workplace(self._paths, self._database, "model") as (holder, directory):
            try:
                counter = Counter(progress, "copying", total)
                packer = Packer(self._content, holder, directory, self._store.sizes(), counter)
                packed = packer.take(files)
                stored = {file.path: self._content.path(file.digest) for file in packed}
                found = describe(sorted(stored), _peek(stored))
                made = artifact.make(packed, info or ModelInfo(), found)
                names = () if reference is None else (reference,)
                return self.put(made.manifest, made.config, MANIFEST, names, action="pack")
            finally:
                self._content.release(holder)

    def put(
        self, manifest: bytes, config: bytes, media_type: str, names: Collection[Reference], *,
        action: str,
    ) -> Model:  # fmt: skip
        """Records a model whose blobs are there, and makes its directory. Idempotent.

        The caller's holder needs the blobs until this is done.

        Args:
            names: references that are its own from now on.
            action: what brought it, for the event.

        Raises:
            NotSupported, ContentMismatch, HostileInput: it is no model, or not a sound one.
            DiskFull: there is no room.
        """
        record = record_of(manifest, config, media_type, time.time_ns())
        with self._lock(record.id) as lock:
            if self._store.state(record.id) != "ready":
                self._delete(record.id)
                self._make(record)
            self._store.complete(record.id, names, action)
            lock.release(remove=True)
        return self._store.get(record.id)

    def _make(self, record: Record) -> None:
        from dockyard.models import readers

        self._store.begin(record)
        try:
            contents = readers.read(record.manifest, record.config)
            tree.make(contents, self._content, self._paths.model(record.id))
        except BaseException:
            self._delete(record.id)
            raise

    def list(self) -> list[Model]:
        """All models, the latest first."""
        return list(self._store.all())

    def find(self, text: str) -> Model:
        """The model that a name, an id or the beginning of one means.

        Raises:
            NotFound: there is none.
            InvalidInput: it is neither, or the beginning of several ids.
        """
        return self._store.get(self._store.resolve(text)[0])

    def has(self, text: str) -> bool:
        """Whether there is a model that a name or an id means.

        Raises:
            InvalidInput: it is neither.
        """
        try:
            self._store.resolve(text)
        except NotFound:
            return False
        return True

    def users(self) -> Mapping[str, tuple[str, ...]]:
        """By id of a model, the ids of the containers that use it."""
        return self._store.users()

    def tag(self, text: str, name: str) -> Model:
        """Gives a model another name; a model that had it stays without.

        Raises:
            NotFound: there is no such model.
            InvalidInput: the name is none.
        """
        model_id, _ = self._store.resolve(text)
        self._store.tag(model_id, tag_of(name))
        return self._store.get(model_id)

    def use(self, text: str, container_id: str) -> Model:
        """The model for a container, which uses it until it is removed.

        Raises:
            NotFound: there is no such model.
        """
        model_id, _ = self._store.resolve(text)
        self._store.use(model_id, container_id)
        return self._store.get(model_id)

    def directory(self, model_id: str) -> str:
        """The directory with the files of a model, made again where somebody took it away.

        Raises:
            NotFound: there is no such model.
        """
        path = self._paths.model(model_id)
        if os.path.isdir(path):
            return path
        with self._lock(model_id) as lock:
            if not os.path.isdir(path):
                tree.make(self._store.get(model_id).contents, self._content, path)
            lock.release(remove=True)
        return path

    def remove(self, text: str, *, force: bool = False) -> tuple[Removed, ...]:
        """Removes a name; with its last name, or by its id, a model and what only it has.

        Args:
            force: by id also one with names of several repositories.

        Raises:
            NotFound: there is no such model.
            Conflict: a container uses it, or it has names of several repositories.
        """
        model_id, name = self._store.resolve(text)
        model = self._store.get(model_id)
        if name is not None and len(model.names) > 1:
            self._store.untag(name, model_id)
            return (Removed("Untagged", name.familiar),)
        repositories = {Reference.parse(one).repository for one in model.names}
        if name is None and len(repositories) > 1 and not force:
            raise Conflict(
                f"conflict: unable to delete {model.short_id} (must be forced) - model is"
                " referenced in multiple repositories",
                hint="remove it name by name, or use --force",
                reference="model-in-use",
            )
        users = self._remove(model)
        if users is None or users:
            raise Conflict(
                f"conflict: unable to delete {text} - " + _used_by(users),
                hint="remove those containers first (dockyard rm), then the model",
                reference="model-in-use",
            )
        untagged = [Removed("Untagged", Reference.parse(one).familiar) for one in model.names]
        return (*untagged, Removed("Deleted", model_id))

    def prune(self, *, everything: bool = False) -> Pruned:
        """Removes models that have no name and no container; with ``everything`` named ones too."""
        removed: list[Removed] = []
        freed = 0
        for model in self._store.all():
            if model.names and not everything:
                continue
            before = sum(blob.size for blob in model.blobs if self._content.has(blob.digest))
            if self._remove(model) == ():
                left = sum(blob.size for blob in model.blobs if self._content.has(blob.digest))
                freed += before - left
                names = [Reference.parse(one).familiar for one in model.names]
                removed += [Removed("Untagged", one) for one in names]
                removed.append(Removed("Deleted", model.id))
        return Pruned(tuple(removed), freed + self._content.collect())

    def recover(self) -> None:
        """Takes back what was being made, and finishes removals, where a crash interrupted them."""
        for model_id in self._store.unsettled():
            lock = Lock.try_acquire(self._lock_path(model_id))
            if lock is None:  # whoever makes or removes it lives
                continue
            with lock:
                if self._store.state(model_id) != "ready":
                    self._delete(model_id)
                lock.release(remove=True)

    def _remove(self, model: Model) -> tuple[str, ...] | None:
        with self._lock(model.id) as lock:
            users = self._store.condemn(model.id, frozenset(model.names))
            if users == ():
                self._delete(model.id)
            lock.release(remove=True)
        return users

    def _delete(self, model_id: str) -> None:
        """The caller holds the lock; missing is fine."""
        path = self._paths.model(model_id)
        tree.remove(f"{path}.new")
        tree.remove(path)
        self._content.release(f"model:{model_id}")
        self._store.delete(model_id)

    def _lock(self, model_id: str) -> Lock:
        return Lock.acquire(self._lock_path(model_id))

    def _lock_path(self, model_id: str) -> str:
        return f"{self._paths.locks}/model-{digests.hex_of(model_id)[:32]}.lock"


def tag_of(name: str) -> Reference:
    """A name that can be given to a model.

    Raises:
        InvalidInput: it is none, or one by digest.
    """
    from dockyard.errors import InvalidInput

    reference = Reference.parse(name)
    if reference.digest is not None:
        raise InvalidInput(f"{name} is a name by digest", hint="a name is REPOSITORY[:TAG]")
    return reference


def _used_by(users: tuple[str, ...] | None) -> str:
    if users is None:
        return "it got another name meanwhile"
    return "model is in use by containers " + ", ".join(one[:12] for one in users)


def _peek(stored: Mapping[str, str]) -> Callable[[str, int, int], bytes]:
    def peek(path: str, offset: int, size: int) -> bytes:
        with open(stored[path], "rb") as stream:
            stream.seek(offset)
            return stream.read(size)

    return peek
