"""Names that are taken from images, and images that go: the statements of a removal."""

from __future__ import annotations

import sqlite3

from dockyard.images.model import Image
from dockyard.images.removal import Removed, Subject, User
from dockyard.images.store import event_of
from dockyard.observability import events
from dockyard.oci.reference import Reference


def drop(connection: sqlite3.Connection, name: Reference) -> None:
    """Takes a name from its image, by tag or by digest."""
    connection.execute("DELETE FROM names WHERE name=?", (str(name),))
    connection.execute(
        "DELETE FROM repository_digests WHERE repository=? AND digest=?",
        (name.repository, name.digest),
    )


def subject_of(connection: sqlite3.Connection, image_id: str) -> Subject:
    """What a removal of an image has to look at."""
    names = connection.execute(
        "SELECT name FROM names WHERE image_id=? ORDER BY name", (image_id,)
    ).fetchall()
    by_digest = connection.execute(
        "SELECT repository || '@' || digest AS name FROM repository_digests"
        " WHERE image_id=? ORDER BY name", (image_id,),
    ).fetchall()  # fmt: skip
    users = connection.execute(
        "SELECT id, state FROM containers WHERE image_id=? ORDER BY created", (image_id,)
    ).fetchall()
    users += connection.execute(
        "SELECT 'service ' || project || '/' || variant, 'served' FROM serving_images"
        " WHERE image_id=?", (image_id,),
    ).fetchall()  # fmt: skip
    return Subject(
        id=image_id,
        names=tuple(Reference.parse(name) for (name,) in names),
        digests=tuple(Reference.parse(name) for (name,) in by_digest),
        users=tuple(User(*user) for user in users),
    )


def remove_unused(connection: sqlite3.Connection, image: Image) -> list[Removed]:
    """Removes an image unless a container uses it, or it got another name since it was read."""
    subject = subject_of(connection, image.id)
    if subject.users or {str(name) for name in subject.names} - set(image.names):
        return []
    gone = connection.execute("DELETE FROM names WHERE image_id=?", (image.id,))
    for _ in range(gone.rowcount):
        events.write(connection, event_of("untag", image.id))
    if not connection.execute("DELETE FROM images WHERE id=?", (image.id,)).rowcount:
        return []
    events.write(connection, event_of("delete", image.id))
    untagged = [Removed("Untagged", name.familiar) for name in (*subject.names, *subject.digests)]
    return [*untagged, Removed("Deleted", image.id)]
