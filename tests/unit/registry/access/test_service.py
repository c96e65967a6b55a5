"""Who is let in, who may what, and when that ends."""

from __future__ import annotations

import threading
from pathlib import Path

import msgspec
import pytest
from tests.support.access import Registry, basic

from dockyard.oci.times import rfc3339
from dockyard.registry.access import logins, service
from dockyard.registry.access.audit import Event
from dockyard.registry.access.header import Login
from dockyard.registry.access.model import ACTIONS, ANYBODY, Grant, Principal
from dockyard.registry.access.refusal import Refusal

PASSWORD = "correct horse"


@pytest.fixture
def anna(registry: Registry) -> str:
    """A user of team-a, who may push there; the header of hers."""
    registry.manager.add_user("anna", PASSWORD, groups=["team-a"])
    registry.manager.set_rule("group:team-a", "team-a/**", ("pull", "push"))
    return basic("anna", PASSWORD)


def refusal(registry: Registry, header: str | None, address: str = "192.0.2.1") -> Refusal:
    with pytest.raises(Refusal) as caught:
        registry.access.authenticate(header, address)
    return caught.value


def token(registry: Registry, header: str | None, *scopes: str) -> str:
    principal = registry.access.authenticate(header, "192.0.2.1")
    return f"Bearer {registry.access.issue(principal, scopes).token}"


def answer(registry: Registry, principal: Principal, repository: str, action: str) -> int:
    try:
        registry.access.require(principal, repository, action)  # type: ignore[arg-type]
    except Refusal as error:
        return error.status
    return 200


def test_a_user_is_known_by_his_password(registry: Registry, anna: str) -> None:
    principal = registry.access.authenticate(anna, "192.0.2.1")

    assert (principal.identity, principal.groups) == ("user:anna", ("team-a",))
    assert registry.access.authenticate(None) == ANYBODY


def test_what_was_wrong_is_not_said(registry: Registry, anna: str) -> None:
    registry.manager.add_user("gone", PASSWORD)
    registry.manager.update_user("gone", disabled=True)
    registry.manager.create_robot("late", [Grant("**", ("pull",))], 10)
    wrong = [
        basic("anna", "wrong password"), basic("nobody", PASSWORD), basic("gone", PASSWORD),
        basic("robot$late", "dyr_x"), basic("robot$none", "dyr_x"), "Bearer x.y.z", "Basic ?",
    ]  # fmt: skip

    said = {(one.status, one.code, one.message) for one in (refusal(registry, h) for h in wrong)}
    assert said == {(401, "UNAUTHORIZED", "invalid username, password or token")}


def test_a_password_is_worked_out_once_in_a_while(registry: Registry, anna: str) -> None:
    assert registry.access.known(anna) is None
    registry.access.authenticate(anna)

    found = registry.access.known(anna)
    assert found is not None
    assert found.name == "anna"
    assert registry.access.known(basic("anna", PASSWORD + "x")) is None
    assert registry.access.known(None) == ANYBODY


def test_what_is_remembered_ends_with_the_password(registry: Registry, anna: str) -> None:
    registry.access.authenticate(anna)
    registry.manager.set_password("anna", "another one")

    assert registry.access.known(anna) is None
    assert refusal(registry, anna).status == 401


def test_nothing_that_is_remembered_is_a_password(registry: Registry, anna: str) -> None:
    registry.access.authenticate(anna)
    kept = repr(registry.access._logins._remembered)
    assert PASSWORD not in kept
    assert "anna" not in kept


def test_a_robot_is_known_by_its_token_until_it_ends(registry: Registry) -> None:
    secret = registry.manager.create_robot("ci", [Grant("team-a/**", ("push",))], 3600)
    header = basic("robot$ci", secret)

    robot = registry.access.authenticate(header)
    assert robot.identity == "robot:robot$ci"
    assert answer(registry, robot, "team-a/app", "push") == 200
    assert answer(registry, robot, "team-a/app", "pull") == 403
    assert registry.manager.read().robots["ci"].last_used == registry.clock.now
    registry.clock.now += 3600
    assert registry.access.known(header) is None
    assert refusal(registry, header).status == 401


def test_only_who_has_a_robots_token_is_told_that_it_has_expired(registry: Registry) -> None:
    secret = registry.manager.create_robot("ci", [Grant("**", ("push",))], 3600)
    registry.clock.now += 3600
    moment = rfc3339(int(registry.clock.now))

    for _ in range(30):
        told = refusal(registry, basic("robot$ci", secret))
        assert (told.status, told.code) == (401, "UNAUTHORIZED"), "asking again is no guess"
        assert f"the token of robot$ci expired on {moment}" in told.message
        assert "dockyard registry token create" in told.message
        assert secret not in told.message
    assert "expired" not in refusal(registry, basic("robot$ci", "dyr_x")).message
    assert registry.events()[-1].who == "robot:robot$ci"


def test_who_may_not_is_told_who_what_and_where(registry: Registry, anna: str) -> None:
    principal = registry.access.authenticate(anna)
    said = []
    for action in ACTIONS:
        with pytest.raises(Refusal) as caught:
            registry.access.require(principal, "team-b/app", action)
        assert (caught.value.status, caught.value.code) == (403, "DENIED")
        said.append(caught.value.message)

    assert said == [
        "anna may not pull from team-b/app", "anna may not push to team-b/app",
        "anna may not delete from team-b/app",
    ]  # fmt: skip


def test_a_robot_that_was_revoked_is_nobody_at_once(registry: Registry) -> None:
    secret = registry.manager.create_robot("ci", [Grant("**", ("pull",))], None)
    header = basic("robot$ci", secret)
    issued = token(registry, header, "repository:a:pull")
    registry.manager.revoke_robot("ci")

    assert registry.access.known(header) is None
    assert refusal(registry, header).status == 401
    assert refusal(registry, issued).status == 401
    registry.manager.create_robot("ci", [Grant("**", ("pull",))], None)
    assert refusal(registry, issued).status == 401, "another robot of that name is another one"


def test_a_token_of_a_user_is_for_what_he_asked_and_may(registry: Registry, anna: str) -> None:
    header = token(registry, anna, "repository:team-a/app:pull", "repository:team-b/app:pull,push")
    principal = registry.access.authenticate(header)

    assert principal.scope == (Grant("team-a/app", ("pull",)),)
    assert answer(registry, principal, "team-a/app", "pull") == 200
    assert answer(registry, principal, "team-a/app", "push") == 401, "he may, with another token"
    assert answer(registry, principal, "team-a/other", "pull") == 401
    assert answer(registry, principal, "team-b/app", "push") == 403, "he may not"


def test_a_repository_that_is_not_there_gets_the_same_answer(registry: Registry, anna: str) -> None:
    """Nothing here knows which ones there are."""
    principal = registry.access.authenticate(anna)
    assert answer(registry, principal, "team-b/secret", "pull") == 403
    assert answer(registry, principal, "no/such", "pull") == 403
    assert answer(registry, ANYBODY, "team-b/secret", "pull") == 401
    assert answer(registry, ANYBODY, "no/such", "pull") == 401


def test_everybody_may_pull_where_a_rule_says_so(registry: Registry) -> None:
    registry.manager.set_rule("anonymous", "public/**", ("pull",))
    principal = registry.access.authenticate(token(registry, None, "repository:public/x:pull,push"))

    assert principal.kind == "anonymous"
    assert answer(registry, principal, "public/x", "pull") == 200
    assert answer(registry, principal, "public/x", "push") == 401
    assert answer(registry, ANYBODY, "public/x", "pull") == 200


@pytest.mark.parametrize("change", ["password", "disable", "remove", "again", "rule", "group"])
def test_what_was_issued_ends_at_once(registry: Registry, anna: str, change: str) -> None:
    header = token(registry, anna, "repository:team-a/app:pull")
    manager = registry.manager
    if change == "password":
        manager.set_password("anna", "another one")
    elif change == "disable":
        manager.update_user("anna", disabled=True)
        manager.update_user("anna", disabled=False)
    elif change in {"remove", "again"}:
        manager.remove_user("anna")
        if change == "again":
            manager.add_user("anna", PASSWORD, groups=["team-a"])
    elif change == "rule":
        manager.remove_rules("group:team-a")
    else:
        manager.update_user("anna", leave=["team-a"])

    if change in {"rule", "group"}:
        principal = registry.access.authenticate(header)
        assert answer(registry, principal, "team-a/app", "pull") == 403
    else:
        assert refusal(registry, header).status == 401


def test_a_session_stands_for_a_password_until_that_changes(registry: Registry, anna: str) -> None:
    principal = registry.access.authenticate(anna)
    kept = registry.access.issue(principal, [], offline=True).refresh_token

    assert registry.access.resume(kept).name == "anna"
    assert refusal(registry, f"Bearer {kept}").status == 401
    registry.manager.set_password("anna", "another one")
    with pytest.raises(Refusal):
        registry.access.resume(kept)


@pytest.mark.parametrize("change", ["password", "disable", "remove"])
def test_nothing_to_keep_comes_of_a_password_that_changes_meanwhile(
    registry: Registry, anna: str, change: str
) -> None:
    """Between looking at the password and keeping the session."""
    principal = registry.access.authenticate(anna)
    if change == "password":
        registry.manager.set_password("anna", "another one")
    elif change == "disable":
        registry.manager.update_user("anna", disabled=True)
    else:
        registry.manager.remove_user("anna")

    with pytest.raises(Refusal) as caught:
        registry.access.issue(principal, [], offline=True)
    assert caught.value.status == 401


def test_a_session_is_for_the_generation_that_it_was_made_for(
    registry: Registry, anna: str
) -> None:
    """Even if it were still there."""
    principal = registry.access.authenticate(anna)
    kept = registry.access.issue(principal, [], offline=True).refresh_token
    with registry.manager._store._database.transaction() as connection:
        connection.execute("UPDATE users SET generation=generation+1")
        connection.execute("UPDATE registry SET revision=revision+1")

    with pytest.raises(Refusal):
        registry.access.resume(kept)


def test_a_session_ends_in_time_and_when_the_user_is_disabled(
    registry: Registry, anna: str
) -> None:
    principal = registry.access.authenticate(anna)
    first, second = (
        registry.access.issue(principal, [], offline=True).refresh_token for _ in range(2)
    )
    registry.clock.now += service.SESSION_SECONDS
    with pytest.raises(Refusal):
        registry.access.resume(first)
    registry.clock.now -= service.SESSION_SECONDS
    registry.manager.update_user("anna", disabled=True)
    with pytest.raises(Refusal):
        registry.access.resume(second)


def test_a_user_has_so_many_sessions_and_no_more(
    registry: Registry, anna: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "_MOST_SESSIONS", 2)
    principal = registry.access.authenticate(anna)
    kept = []
    for _ in range(3):
        registry.clock.now += 1
        kept.append(registry.access.issue(principal, [], offline=True).refresh_token)

    with pytest.raises(Refusal):
        registry.access.resume(kept[0])
    assert all(registry.access.resume(one).name == "anna" for one in kept[1:])


def test_a_token_makes_no_other_token(registry: Registry, anna: str) -> None:
    principal = registry.access.authenticate(token(registry, anna, "repository:team-a/x:pull"))
    with pytest.raises(Refusal):
        registry.access.issue(principal, ["repository:team-a/x:push"])


def test_robots_and_strangers_get_nothing_to_keep(registry: Registry) -> None:
    secret = registry.manager.create_robot("ci", [Grant("**", ("pull",))], None)
    robot = registry.access.authenticate(basic("robot$ci", secret))

    assert registry.access.issue(robot, [], offline=True).refresh_token == ""
    assert registry.access.issue(ANYBODY, [], offline=True).refresh_token == ""


def test_the_catalog_has_what_one_may_pull(registry: Registry, anna: str) -> None:
    registry.manager.set_rule("anonymous", "public/**", ("pull",))
    names = ["public/a", "team-a/b", "team-b/c"]
    principal = registry.access.authenticate(anna)

    assert registry.access.listed(principal, names) == ["public/a", "team-a/b"]
    assert registry.access.listed(ANYBODY, names) == ["public/a"]
    shown = registry.access.authenticate(token(registry, anna, "registry:catalog:*"))
    assert registry.access.listed(shown, names) == ["public/a", "team-a/b"]
    shown = registry.access.authenticate(token(registry, anna, "repository:team-a/b:pull"))
    with pytest.raises(Refusal):
        registry.access.listed(shown, names)


def test_many_guesses_have_to_wait_even_side_by_side(registry: Registry, anna: str) -> None:
    said: list[int] = []

    def guess(number: int) -> None:
        said.append(refusal(registry, basic("anna", f"guess number {number}")).status)

    threads = [threading.Thread(target=guess, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said.count(401) == 5
    assert said.count(429) == 35
    assert refusal(registry, anna).status == 429, "the right one too, from there"
    assert registry.access.authenticate(anna, "192.0.2.2").name == "anna"
    assert registry.access.known(anna) is not None, "who is known already isn't asked"


def test_wrong_passwords_are_in_the_audit_log_and_what_was_typed_is_not(
    registry: Registry, anna: str
) -> None:
    refusal(registry, basic("anna", "a secret slip"))
    refusal(registry, basic("my-password-typed-as-name", "x"))

    denied = [one for one in registry.events() if one.action == "login"]
    assert registry.access.authenticate(anna, "192.0.2.7").name == "anna"
    last = registry.events()[-1]
    assert (last.who, last.action, last.result, last.address) == (
        "user:anna", "login", "allowed", "192.0.2.7",
    )  # fmt: skip
    assert [(one.who, one.result, one.status, one.address) for one in denied] == [
        ("user:anna", "denied", 401, "192.0.2.1"), ("user:?", "denied", 401, "192.0.2.1"),
    ]  # fmt: skip
    assert b"slip" not in Path(registry.log.path).read_bytes()


def test_who_goes_on_guessing_does_not_fill_the_audit_log(registry: Registry, anna: str) -> None:
    """What is worth reading would be rotated away."""
    for number in range(305):
        refusal(registry, basic("anna", f"guess number {number}"))
    assert [one.status for one in registry.events() if one.action == "login"] == [401] * 5 + [429]

    refusal(registry, basic("anna", "guess"), "192.0.2.2")
    registry.clock.now += 60
    registry.access.authenticate(anna, "192.0.2.2")
    said = [(one.status, one.address, one.detail) for one in registry.events()[-3:]]
    assert said == [
        (401, "192.0.2.2", ""), (429, "192.0.2.1", "299 more within a minute"),
        (0, "192.0.2.2", ""),
    ]  # fmt: skip


def test_who_pulls_over_and_over_does_not_fill_the_audit_log(registry: Registry) -> None:
    """Anybody may pull what is public, and would have what others did rotated away."""
    pull = Event(who="anonymous:", action="pull", repository="public/a", reference="1",
                 digest="sha256:1", result="allowed", address="192.0.2.1")  # fmt: skip
    for _ in range(300):
        registry.access.audit_pull(pull)
    registry.access.audit_pull(msgspec.structs.replace(pull, reference="2"))
    registry.access.audit_pull(msgspec.structs.replace(pull, address="192.0.2.2"))
    registry.clock.now += 60
    registry.access.audit_pull(pull)

    said = [(one.reference, one.address, one.detail) for one in registry.events()
            if one.action == "pull"]  # fmt: skip
    assert said == [
        ("1", "192.0.2.1", ""), ("2", "192.0.2.1", ""), ("1", "192.0.2.2", ""),
        ("1", "192.0.2.1", "299 more within a minute"), ("1", "192.0.2.1", ""),
    ]  # fmt: skip


def test_who_asks_for_what_he_may_not_have_does_not_fill_the_audit_log(registry: Registry) -> None:
    def denied(who: str, repository: str, action: str = "push") -> None:
        registry.access.audit_denied(Event(who=who, action=action, repository=repository,
                                           result="denied", status=403))  # fmt: skip

    for number in range(300):
        denied("user:ben", f"team-{number}/app")
    denied("user:ben", "team-a/app", "pull")
    denied("user:anna", "team-b/app")
    registry.clock.now += 60
    denied("user:ben", "last/app")

    said = [(one.who, one.action, one.repository, one.detail) for one in registry.events()
            if one.result == "denied"]  # fmt: skip
    assert said[:8] == [("user:ben", "push", f"team-{number}/app", "") for number in range(8)]
    assert said[8:] == [
        ("user:ben", "pull", "team-a/app", ""), ("user:anna", "push", "team-b/app", ""),
        ("user:ben", "push", "", "292 more within a minute"), ("user:ben", "push", "last/app", ""),
    ]  # fmt: skip


def test_what_was_not_written_is_when_the_server_ends(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "other")
    for number in range(7):
        refusal(registry, basic("anna", f"guess number {number}"))
    registry.access.close()

    assert registry.events()[-1].detail == "1 more within a minute"
    registry.manager.close()


def test_a_rotated_key_ends_tokens_at_once_or_in_time(registry: Registry, anna: str) -> None:
    header = token(registry, anna, "repository:team-a/app:pull")
    registry.manager.rotate_key(at_once=False)
    assert registry.access.authenticate(header).name == "anna"
    assert registry.access.authenticate(token(registry, anna)).name == "anna"
    registry.manager.rotate_key(at_once=True)
    assert refusal(registry, header).status == 401
    assert registry.access.authenticate(token(registry, anna)).name == "anna"


def test_two_registries_don_t_take_each_others_tokens(
    registry: Registry, anna: str, tmp_path: Path
) -> None:
    other = Registry(tmp_path / "other")
    try:
        other.manager.add_user("anna", PASSWORD)
        assert other.access.service != registry.access.service
        assert refusal(other, token(registry, anna)).status == 401
    finally:
        other.close()


def test_a_token_fits_into_a_header_whatever_is_asked_for(registry: Registry) -> None:
    registry.manager.set_rule("anonymous", "**", ("pull",))
    scopes = [f"repository:{'x' * 240}/r{number}:pull" for number in range(64)]
    assert len(token(registry, None, *scopes)) < 8000


def test_two_servers_on_one_directory_sign_with_one_key(registry: Registry, anna: str) -> None:
    from dockyard.registry.access import jwts

    kept = {registry.manager._store.add_key(*jwts.new_key(), 1, keep_until=None) for _ in range(3)}
    assert len(kept) == 1


def test_nothing_shows_a_credential(registry: Registry, anna: str) -> None:
    principal = registry.access.authenticate(anna)
    issued = registry.access.issue(principal, [], offline=True)
    assert issued.token not in repr(issued)
    assert issued.refresh_token not in repr(issued)
    assert PASSWORD not in repr(Login("anna", PASSWORD))
    assert logins.new_secret() != logins.new_secret()


@pytest.mark.parametrize("what", ["user", "robot", "rule"])
def test_what_was_set_up_once_is_never_as_if_nothing_had_been(
    registry: Registry, what: str
) -> None:
    """Who removes the last user must not open the registry to everybody."""
    assert registry.access.untouched
    registry.access.authenticate(None)
    assert registry.access.untouched
    manager = registry.manager
    if what == "user":
        manager.add_user("anna", PASSWORD)
        manager.remove_user("anna")
    elif what == "robot":
        manager.create_robot("ci", [Grant("**", ("pull",))], None)
        manager.revoke_robot("ci")
    else:
        manager.set_rule("*", "**", ("pull",))
        manager.remove_rules("*")
    assert not registry.access.untouched
