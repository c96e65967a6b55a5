"""What ``rmi`` does to one image: Docker's rules as a pure decision."""

from __future__ import annotations

from typing import Literal

import msgspec

from dockyard.errors import Conflict
from dockyard.oci import digest as digests
from dockyard.oci.reference import Reference

_STOPPED = frozenset({"creating", "created", "exited", "removing"})


class Removed(msgspec.Struct, frozen=True):
    """One line of the answer: a name (familiar form) that went, or an image's id."""

    kind: Literal["Untagged", "Deleted"]
    what: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.what}"


class User(msgspec.Struct, frozen=True):
    """A container of the image."""

    id: str
    state: str

    @property
    def stopped(self) -> bool:
        return self.state in _STOPPED


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """The image in question, with all its names and containers."""

    id: str
    names: tuple[Reference, ...]
    users: tuple[User, ...]


class Removal(msgspec.Struct, frozen=True):
    """What to do: names to drop, and whether the image goes too."""

    untag: tuple[Reference, ...]
    delete: bool


def decide(subject: Subject, asked: Reference | None, *, force: bool) -> Removal:
    """Decides a removal.

    By name, only that name goes while the image has others. By id, all go, with ``force`` where
    they are of several repositories. A container of the image forbids it: a stopped one until
    ``force``, which then leaves the image without a name for as long as the container needs it.

    Args:
        asked: the stored name by which the user asked; ``None`` for an id.

    Raises:
        Conflict: the image is in use, or has names in several repositories.
    """
    if asked is not None:
        return _by_name(subject, asked, force=force)
    return _by_id(subject, force=force)


def _by_name(subject: Subject, asked: Reference, *, force: bool) -> Removal:
    if len(subject.names) > 1:
        return Removal((asked,), delete=False)
    if subject.users and not force:
        raise Conflict(
            f'conflict: unable to remove repository reference "{asked.familiar}" (must force) -'
            f" container {subject.users[0].id[:12]} is using its referenced image"
            f" {digests.short(subject.id)}",
            hint=f"remove the container (dockyard rm {subject.users[0].id[:12]}), or use --force",
            reference="image-in-use",
        )
    return Removal((asked,), delete=not subject.users)


def _by_id(subject: Subject, *, force: bool) -> Removal:
    running = next((user.id[:12] for user in subject.users if not user.stopped), None)
    if running is not None:
        why = f"image is being used by running container {running}"
        hint = f"stop and remove the container (dockyard rm -f {running})"
        raise _conflict(subject, "cannot be forced", why, hint)
    if not force and len({name.repository for name in subject.names}) > 1:
        why = "image is referenced in multiple repositories"
        raise _conflict(subject, "must be forced", why, "remove it name by name, or use --force")
    if not force and subject.users:
        user = subject.users[0].id[:12]
        why = f"image is being used by stopped container {user}"
        hint = f"remove the container (dockyard rm {user}), or use --force"
        raise _conflict(subject, "must be forced", why, hint)
    return Removal(subject.names, delete=not subject.users)


def _conflict(subject: Subject, force: str, why: str, hint: str) -> Conflict:
    return Conflict(
        f"conflict: unable to delete {digests.short(subject.id)} ({force}) - {why}",
        hint=hint,
        reference="image-in-use",
    )
