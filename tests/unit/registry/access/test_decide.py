"""What no rule allows is forbidden."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dockyard.registry.access import decide, patterns
from dockyard.registry.access.model import ACTIONS, ANYBODY, Action, Grant, Principal, Rule
from dockyard.registry.access.scopes import Scope

ANNA = Principal(name="anna", kind="user", groups=("team-a",))
ROOT = Principal(name="root", kind="user", admin=True)
RULES = (
    Rule("anonymous", "public/**", ("pull",)),
    Rule("*", "shared/**", ("pull",)),
    Rule("group:team-a", "team-a/**", ("pull", "push")),
    Rule("user:anna", "team-a/app", ("delete",)),
)

action = st.sampled_from(ACTIONS)
actions = st.lists(action, unique=True, max_size=3).map(tuple)
repository = st.sampled_from(["a", "b", "a/x", "a/x/y", "b/x"])
pattern = st.sampled_from(["**", "*", "a/**", "a/*", "b/x", "**/x"])
subject = st.sampled_from(["anonymous", "*", "user:anna", "user:bob", "group:g", "group:h"])
rules = st.lists(st.builds(Rule, subject, pattern, actions), max_size=6)
grants = st.lists(st.builds(Grant, pattern, actions), max_size=3).map(tuple)
scope = st.none() | st.lists(st.builds(Grant, repository, actions), max_size=3).map(tuple)
principals = st.one_of(
    st.builds(Principal, scope=scope),
    st.builds(
        Principal, name=st.sampled_from(["anna", "bob"]), kind=st.just("user"), scope=scope,
        groups=st.sampled_from([(), ("g",), ("g", "h")]), admin=st.booleans(),
    ),
    st.builds(Principal, name=st.just("robot$ci"), kind=st.just("robot"), grants=grants,
              scope=scope),
)  # fmt: skip


def can(principal: Principal, name: str) -> list[Action]:
    return [one for one in ACTIONS if decide.allowed(RULES, principal, name, one)]


def test_without_a_rule_nobody_may_anything() -> None:
    assert not decide.allowed((), ANNA, "team-a/app", "pull")
    assert not decide.allowed((), ANYBODY, "team-a/app", "pull")


def test_rules_are_for_a_user_his_groups_who_is_known_and_everybody() -> None:
    assert can(ANNA, "team-a/app") == ["pull", "push", "delete"]
    assert can(ANNA, "team-a/other") == ["pull", "push"]
    assert can(ANNA, "shared/x") == ["pull"]
    assert can(ANNA, "public/x") == ["pull"]
    assert can(ANNA, "team-b/app") == []
    assert can(ANYBODY, "public/x") == ["pull"]
    assert can(ANYBODY, "shared/x") == []


def test_administrators_may_everything() -> None:
    assert can(ROOT, "team-b/app") == ["pull", "push", "delete"]


def test_a_robot_may_what_it_was_granted_and_what_everybody_may() -> None:
    robot = Principal(name="robot$ci", kind="robot", grants=(Grant("team-a/**", ("push",)),))

    assert can(robot, "team-a/app") == ["push"]
    assert can(robot, "public/x") == ["pull"]
    assert can(robot, "shared/x") == []


def test_a_user_called_like_a_robot_or_group_is_neither() -> None:
    odd = Principal(name="team-a", kind="user")

    assert can(odd, "team-a/app") == []


def test_a_token_is_for_what_it_says() -> None:
    shown = Principal(name="root", kind="user", admin=True, scope=(Grant("a", ("pull",)),))

    assert can(shown, "a") == ["pull"]
    assert can(shown, "b") == []


def test_the_reason_names_the_rule() -> None:
    found = decide.decide(RULES, ANNA, "team-a/app", "push")
    assert (found.allowed, found.reason) == (True, "rule group:team-a team-a/** pull,push")
    assert decide.decide(RULES, ANNA, "x", "pull").reason == "no rule allows it"


@given(rules, principals, repository, action)
def test_more_rules_never_take_a_right_away(
    few: list[Rule], principal: Principal, name: str, act: Action
) -> None:
    more = [*few, Rule("*", "a/**", ("pull",))]

    assert decide.allowed(more, principal, name, act) >= decide.allowed(few, principal, name, act)


@given(rules, principals, repository, action)
def test_a_token_never_adds_a_right(
    some: list[Rule], principal: Principal, name: str, act: Action
) -> None:
    if decide.allowed(some, principal, name, act):
        assert decide.entitled(some, principal, name, act)
        assert decide.in_scope(principal, name, act)


@given(rules, principals, repository, action)
def test_what_is_allowed_has_a_reason_that_is_the_principals(
    some: list[Rule], principal: Principal, name: str, act: Action
) -> None:
    mine = [
        rule for rule in some
        if rule.subject == "anonymous"
        or (principal.kind == "user" and rule.subject in {"*", f"user:{principal.name}"})
        or (principal.kind == "user" and rule.subject.removeprefix("group:") in principal.groups)
    ]  # fmt: skip
    given_by = [*mine, *(Rule("", one.pattern, one.actions) for one in principal.grants)]
    right = principal.admin or any(
        act in one.actions and patterns.matches(one.pattern, name) for one in given_by
    )
    scoped = principal.scope is None or any(
        act in one.actions and one.pattern == name for one in principal.scope
    )

    assert decide.allowed(some, principal, name, act) is (right and scoped)
    assert decide.decide(some, principal, name, act).allowed is (right and scoped)


@given(rules, principals, st.lists(st.builds(
    Scope, st.sampled_from(["repository", "registry"]), repository,
    st.frozensets(st.sampled_from([*ACTIONS, "*", "fly"])))))  # fmt: skip
def test_a_token_is_issued_for_what_was_asked_and_is_allowed(
    some: list[Rule], principal: Principal, asked: list[Scope]
) -> None:
    for grant in decide.granted(some, principal, asked):
        assert grant.actions
        for act in grant.actions:
            assert decide.allowed(some, principal, grant.pattern, act)
            assert any(one.name == grant.pattern and one.wants(act) for one in asked)


@given(rules, principals, st.lists(repository, max_size=5), action)
def test_of_many_repositories_he_may_what_he_may_of_each(
    rules: list[Rule], principal: Principal, names: list[str], action: Action
) -> None:
    his = decide.entitling(rules, principal, action)

    assert [name for name in names if his.match(name)] == [
        name for name in names if decide.entitled(rules, principal, name, action)
    ]
