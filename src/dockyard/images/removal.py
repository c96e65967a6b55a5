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
    """A container of the image, or a service whose replicas are made from it."""

    id: str
    state: str

    @property
    def served(self) -> bool:
        """It is a service."""
        return self.state == "served"

    @property
    def words(self) -> str:
        """Such as ``container 0123456789ab``."""
        return self.id if self.served else f"container {self.id[:12]}"

    @property
    def remedy(self) -> str:
        """The command that takes it away."""
        project = self.id.removeprefix("service ").partition("/")[0]
        down = f"dockyard compose -p {project} down"
        return down if self.served else f"dockyard rm {self.id[:12]}"

    @property
    def stopped(self) -> bool:
        return self.state in _STOPPED


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """The image in question, with all its names and containers.

    ``digests`` are its names by digest, which repositories gave it.
    """

    id: str
    names: tuple[Reference, ...]
    users: tuple[User, ...]
    digests: tuple[Reference, ...] = ()


class Removal(msgspec.Struct, frozen=True):
    """What to do: names to drop, and whether the image goes too."""

    untag: tuple[Reference, ...]
    delete: bool


def decide(subject: Subject, asked: Reference | None, *, force: bool) -> Removal:
    """Decides a removal.

    By name, only that name goes while the image has others; names by digest go with the last tag of
    their repository. By id, all go, with ``force`` where
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
    gone = (asked, *_following(subject, asked))
    if len(subject.names) + len(subject.digests) > len(gone):
        return Removal(gone, delete=False)
    if subject.users and not force:
        raise Conflict(
            f'conflict: unable to remove repository reference "{asked.familiar}" (must force) -'
            f" {subject.users[0].words} is using its referenced image"
            f" {digests.short(subject.id)}",
            hint=f"remove it ({subject.users[0].remedy}), or use --force",
            reference="image-in-use",
        )
    return Removal(gone, delete=not subject.users)


def _following(subject: Subject, asked: Reference) -> tuple[Reference, ...]:
    """Names by digest that go with a tag: those of a repository that has no other tag of it."""
    if asked.digest is not None:
        return ()
    others = {name.repository for name in subject.names if name != asked}
    return tuple(
        name
        for name in subject.digests
        if name.repository == asked.repository and name.repository not in others
    )


def _by_id(subject: Subject, *, force: bool) -> Removal:
    served = next((user for user in subject.users if user.served), None)
    if served is not None:
        why = f"image is being used by {served.words}"
        raise _conflict(subject, "cannot be forced", why, f"take it down ({served.remedy})")
    running = next((user.id[:12] for user in subject.users if not user.stopped), None)
    if running is not None:
        why = f"image is being used by running container {running}"
        hint = f"stop and remove the container (dockyard rm -f {running})"
        raise _conflict(subject, "cannot be forced", why, hint)
    everything = (*subject.names, *subject.digests)
    if not force and len({name.repository for name in everything}) > 1:
        why = "image is referenced in multiple repositories"
        raise _conflict(subject, "must be forced", why, "remove it name by name, or use --force")
    if not force and subject.users:
        user = subject.users[0].id[:12]
        why = f"image is being used by stopped container {user}"
        hint = f"remove the container (dockyard rm {user}), or use --force"
        raise _conflict(subject, "must be forced", why, hint)
    return Removal(everything, delete=not subject.users)


def _conflict(subject: Subject, force: str, why: str, hint: str) -> Conflict:
    return Conflict(
        f"conflict: unable to delete {digests.short(subject.id)} ({force}) - {why}",
        hint=hint,
        reference="image-in-use",
    )
