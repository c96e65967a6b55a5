"""What the owner of a registry does."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from tests.support.access import Registry

from dockyard.errors import Conflict, DockyardError, HostileInput, InvalidInput, NotFound
from dockyard.registry.access.manage import parse_grant
from dockyard.registry.access.model import Grant, Rule, parse_actions, parse_subject
from dockyard.registry.access.opening import open_access, open_manager

PASSWORD = "correct horse"


def test_users_have_groups_and_may_be_administrators(registry: Registry) -> None:
    registry.manager.add_user("anna", PASSWORD, groups=["a", "b"], admin=True)
    registry.manager.update_user("anna", join=["c"], leave=["a"], admin=False)

    user = registry.manager.read().users["anna"]
    assert (user.groups, user.admin, user.disabled) == (("b", "c"), False, False)


def test_names_are_given_once(registry: Registry) -> None:
    registry.manager.add_user("anna", PASSWORD)
    registry.manager.create_robot("ci", [Grant("**", ("pull",))], None)
    with pytest.raises(Conflict):
        registry.manager.add_user("anna", PASSWORD)
    with pytest.raises(Conflict):
        registry.manager.create_robot("ci", [Grant("**", ("pull",))], None)


@pytest.mark.parametrize("name", ["", "a b", "a:b", "robot$x", "-a", "a\n", "x" * 129, "anonymous"])
def test_what_is_no_name_is_refused(registry: Registry, name: str) -> None:
    with pytest.raises(InvalidInput):
        registry.manager.add_user(name, PASSWORD)


def test_what_is_not_there_can_t_be_changed(registry: Registry) -> None:
    manager = registry.manager
    for act in (
        lambda: manager.set_password("x", PASSWORD),
        lambda: manager.update_user("x", admin=True),
        lambda: manager.remove_user("x"),
        lambda: manager.revoke_robot("x"),
        lambda: manager.remove_rules("user:x"),
        lambda: manager.set_rule("user:x", "**", ("pull",)),
        lambda: manager.test("x", "a", "pull"),
    ):
        with pytest.raises(NotFound):
            act()
    assert registry.events() == []


def test_rules_go_with_their_user(registry: Registry) -> None:
    registry.manager.add_user("anna", PASSWORD)
    registry.manager.set_rule("user:anna", "**", ("pull",))
    registry.manager.remove_user("anna")
    registry.manager.add_user("anna", PASSWORD)

    assert registry.manager.read().rules == ()


def test_one_rule_for_a_pattern_replaces_another(registry: Registry) -> None:
    registry.manager.set_rule("*", "a/**", ("pull", "push"))
    registry.manager.set_rule("*", "a/**", ("pull",))
    registry.manager.set_rule("*", "b", ("pull",))

    assert registry.manager.read().rules == (
        Rule("*", "a/**", ("pull",)), Rule("*", "b", ("pull",)),
    )  # fmt: skip
    assert registry.manager.remove_rules("*", "b") == (Rule("*", "b", ("pull",)),)
    assert registry.manager.remove_rules("*") == (Rule("*", "a/**", ("pull",)),)


def test_strangers_never_push(registry: Registry) -> None:
    with pytest.raises(InvalidInput):
        registry.manager.set_rule("anonymous", "**", ("pull", "push"))


def test_the_rule_that_decides_is_named(registry: Registry) -> None:
    registry.manager.add_user("anna", PASSWORD)
    registry.manager.set_rule("*", "a/**", ("pull",))
    registry.manager.create_robot("ci", [Grant("a/*", ("push",))], 1)

    assert registry.manager.test("anna", "a/x", "pull").reason == "rule * a/** pull"
    assert registry.manager.test("user:anna", "a/x", "pull").allowed
    assert not registry.manager.test("anonymous", "a/x", "pull").allowed
    assert registry.manager.test("robot$ci", "a/x", "push").reason == "the robot's grant a/*:push"
    registry.clock.now += 1
    assert not registry.manager.test("robot$ci", "a/x", "push").allowed
    registry.manager.update_user("anna", disabled=True)
    assert "disabled" in registry.manager.test("anna", "a/x", "pull").reason


def test_grants_subjects_and_actions_are_read() -> None:
    assert parse_grant("a/**:push,pull") == Grant("a/**", ("pull", "push"))
    assert parse_grant("a:*").actions == ("pull", "push", "delete")
    assert parse_subject("group:x") == "group:x"
    for read, text in (
        (parse_grant, "a"), (parse_grant, "a:fly"), (parse_grant, ":pull"), (parse_subject, "anna"),
        (parse_subject, "user:"), (parse_subject, "robot:x"), (parse_actions, ""),
    ):  # fmt: skip
        with pytest.raises(DockyardError):
            read(text)


def test_changes_are_in_the_audit_log_without_what_is_secret(registry: Registry) -> None:
    registry.manager.add_user("anna", PASSWORD)
    secret = registry.manager.create_robot("ci", [Grant("**", ("pull",))], None)
    registry.manager.set_password("anna", "another one")

    assert [(one.who, one.action, one.reference) for one in registry.events()] == [
        ("host:test", "user add", "user:anna"),
        ("host:test", "token create", "robot:robot$ci"),
        ("host:test", "user passwd", "user:anna"),
    ]  # fmt: skip
    kept = b"".join(path.read_bytes() for path in Path(registry.path).parent.iterdir())
    for word in (secret, PASSWORD, "another one"):
        assert word.encode() not in kept


def test_files_are_their_owners_alone(tmp_path: Path) -> None:
    root = tmp_path / "new" / "registry"
    manager = open_manager(str(root))
    manager.add_user("anna", PASSWORD)
    manager.rotate_key(at_once=False)
    manager.close()

    assert stat.S_IMODE(root.stat().st_mode) == 0o700
    assert {stat.S_IMODE(one.stat().st_mode) for one in root.iterdir()} == {0o600}


def test_a_directory_of_others_is_not_used(tmp_path: Path) -> None:
    os.chmod(tmp_path, 0o777)
    with pytest.raises(HostileInput):
        open_access(str(tmp_path))
