"""What ``rmi`` removes, and what it refuses to remove."""

from __future__ import annotations

import pytest

from dockyard.errors import Conflict
from dockyard.images.removal import Removal, Subject, User, decide
from dockyard.oci.reference import Reference

ID = "sha256:" + "ab" * 32
APP, APP2, OTHER = (Reference.parse(text) for text in ("app:1", "app:2", "other:1"))
RUNNING = User("c" * 64, "running")
STOPPED = User("d" * 64, "exited")


def subject(*names: Reference, users: tuple[User, ...] = ()) -> Subject:
    return Subject(id=ID, names=names, users=users)


def test_a_name_among_several_is_only_untagged() -> None:
    assert decide(subject(APP, OTHER), APP, force=False) == Removal((APP,), delete=False)


def test_with_its_last_name_the_image_goes() -> None:
    assert decide(subject(APP), APP, force=False) == Removal((APP,), delete=True)


def test_a_name_among_several_goes_while_a_container_runs() -> None:
    todo = decide(subject(APP, OTHER, users=(RUNNING,)), APP, force=False)
    assert todo == Removal((APP,), delete=False)


@pytest.mark.parametrize("user", [RUNNING, STOPPED])
def test_the_last_name_stays_while_a_container_uses_the_image(user: User) -> None:
    with pytest.raises(Conflict) as caught:
        decide(subject(APP, users=(user,)), APP, force=False)
    assert caught.value.message == (
        'conflict: unable to remove repository reference "app:1" (must force) - container'
        f" {user.id[:12]} is using its referenced image abababababab"
    )


@pytest.mark.parametrize("user", [RUNNING, STOPPED])
def test_forced_by_name_the_image_stays_nameless_for_its_container(user: User) -> None:
    assert decide(subject(APP, users=(user,)), APP, force=True) == Removal((APP,), delete=False)


def test_by_id_all_names_of_one_repository_go() -> None:
    assert decide(subject(APP, APP2), None, force=False) == Removal((APP, APP2), delete=True)


def test_by_id_a_nameless_image_goes() -> None:
    assert decide(subject(), None, force=False) == Removal((), delete=True)


def test_by_id_names_in_several_repositories_need_force() -> None:
    with pytest.raises(Conflict, match=r"\(must be forced\) - image is referenced in multiple"):
        decide(subject(APP, OTHER), None, force=False)
    assert decide(subject(APP, OTHER), None, force=True) == Removal((APP, OTHER), delete=True)


def test_by_id_a_stopped_container_needs_force() -> None:
    with pytest.raises(Conflict, match=r"\(must be forced\) .* stopped container d{12}$"):
        decide(subject(APP, users=(STOPPED,)), None, force=False)
    assert decide(subject(APP, users=(STOPPED,)), None, force=True) == Removal((APP,), delete=False)


def test_by_id_a_running_container_cannot_be_forced() -> None:
    with pytest.raises(Conflict, match=r"\(cannot be forced\) .* running container c{12}$"):
        decide(subject(APP, users=(STOPPED, RUNNING)), None, force=True)


def by_digest(name: Reference) -> Reference:
    return Reference(name.registry, name.path, None, f"sha256:{'0' * 64}")


def known(*names: Reference, digests: tuple[Reference, ...]) -> Subject:
    return Subject(id=ID, names=names, users=(), digests=digests)


def test_the_last_tag_of_a_repository_takes_its_digests_along() -> None:
    app, other = by_digest(APP), by_digest(OTHER)

    everything = decide(known(APP, digests=(app,)), APP, force=False)
    some = decide(known(APP, OTHER, digests=(app, other)), APP, force=False)
    none = decide(known(APP, APP2, digests=(app,)), APP, force=False)
    assert everything == Removal((APP, app), delete=True)
    assert some == Removal((APP, app), delete=False)
    assert none == Removal((APP,), delete=False)


def test_a_digest_goes_alone_while_there_are_tags() -> None:
    app = by_digest(APP)

    assert decide(known(APP, digests=(app,)), app, force=False) == Removal((app,), delete=False)
    assert decide(known(digests=(app,)), app, force=False) == Removal((app,), delete=True)


def test_by_id_digests_go_with_the_tags() -> None:
    app, other = by_digest(APP), by_digest(OTHER)

    assert decide(known(APP, digests=(app,)), None, force=False) == Removal((APP, app), delete=True)
    with pytest.raises(Conflict):
        decide(known(APP, digests=(other,)), None, force=False)
