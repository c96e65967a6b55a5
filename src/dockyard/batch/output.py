"""The directory that a batch writes to: claimed by one batch, filled by renames, marked at the end.

While shards come, ``shard-0007.jsonl`` is there or not, never in part, and its rejections, if it
has any, are there before it. ``manifest.json`` and then ``_SUCCESS`` come last.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from dockyard.batch.model import Outcome, Shard
from dockyard.errors import Conflict, InvalidInput
from dockyard.system.files import sync, write_atomically

MARKER = ".batch"
"""Names the batch that the directory belongs to; whoever runs it holds its lock."""
MANIFEST = "manifest.json"
SUCCESS = "_SUCCESS"
_MODE = 0o644
_PART = ".part"


class Output:
    """A directory that this process has claimed. Close it to let go."""

    def __init__(self, path: str, descriptor: int, *, made: bool) -> None:
        self.path = path
        self._descriptor = descriptor
        self._made = made

    @property
    def owner(self) -> str:
        """The id of the batch that it belongs to; empty where it is new."""
        return os.pread(self._descriptor, 64, 0).decode(errors="replace").strip()

    @property
    def complete(self) -> bool:
        return os.path.exists(f"{self.path}/{SUCCESS}")

    def own(self, batch_id: str) -> None:
        """Writes down whose it is, durably."""
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{batch_id}\n".encode(), 0)
        os.fsync(self._descriptor)
        sync(self.path)

    def abandon(self) -> None:
        """Takes back :meth:`own`, and the directory if it was made for this batch."""
        with contextlib.suppress(OSError):
            os.unlink(f"{self.path}/{MARKER}")
            if self._made:
                os.rmdir(self.path)

    def close(self) -> None:
        """Lets others claim it. Idempotent."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def commit(self, shard: Shard, outcomes: Iterable[Outcome]) -> None:
        """Puts a shard's files in their place: its rejections first, then the shard itself.

        Raises:
            OSError: they can't be written; the shard isn't there then.
        """
        rejected = f"{self.path}/{shard.rejected_name}"
        whole = f"{self.path}/{shard.name}"
        with _part(whole) as results, _part(rejected) as rejections:
            for outcome in outcomes:
                write = results if outcome.kind == "result" else rejections
                write(outcome.line + b"\n")
        if os.path.getsize(rejected + _PART):
            os.rename(rejected + _PART, rejected)
        else:
            os.unlink(rejected + _PART)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(rejected)
        sync(self.path)
        os.rename(whole + _PART, whole)
        sync(self.path)

    def finish(self, manifest: dict[str, Any]) -> None:
        """Writes what the directory holds, and that it is all there."""
        text = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
        write_atomically(f"{self.path}/{MANIFEST}", text + b"\n", mode=_MODE)
        write_atomically(f"{self.path}/{SUCCESS}", b"", mode=_MODE)
        sync(self.path)


def claim(path: str) -> Output:
    """Takes a directory for this process alone; it is made where it isn't there.

    Raises:
        Conflict: another process writes into it, or it holds something else.
        InvalidInput: it can't be made or written.
    """
    try:
        made = not os.path.isdir(path)
        os.makedirs(path, exist_ok=True)
        if not os.path.exists(f"{path}/{MARKER}") and (found := os.listdir(path)):
            raise Conflict(
                f"output {path} is not empty: it has {sorted(found)[0]}",
                hint="name a new directory with --output",
                reference="output-not-empty",
            )
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(f"{path}/{MARKER}", flags, _MODE)
    except OSError as error:
        raise InvalidInput(
            f"cannot write output {path}: {error.strerror}",
            hint="--output names a directory, which is made if its parent can be written",
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not os.path.samestat(os.fstat(descriptor), os.stat(f"{path}/{MARKER}")):
            raise BlockingIOError  # it was given up, and taken anew, in between
    except (BlockingIOError, FileNotFoundError) as error:
        os.close(descriptor)
        raise Conflict(
            f"another batch writes to output {path}",
            hint="dockyard batch ls shows it; name another directory with --output",
            reference="output-in-use",
        ) from error
    return Output(path, descriptor, made=made)


@contextlib.contextmanager
def _part(path: str) -> Iterator[Callable[[bytes], object]]:
    """Writes what is to be renamed to ``path``; on disk when the block ends."""
    temporary = path + _PART
    try:
        with open(temporary, "wb") as stream:
            yield stream.write
            stream.flush()
            os.fchmod(stream.fileno(), _MODE)
            os.fsync(stream.fileno())
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
