"""Whether somebody may do something: what no rule allows is forbidden. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from dockyard.registry.access import patterns
from dockyard.registry.access.model import (
    ACTIONS,
    EVERYBODY,
    KNOWN,
    Action,
    Grant,
    Principal,
    Rule,
)
from dockyard.registry.access.scopes import Scope


class Decision(msgspec.Struct, frozen=True):
    """The answer, and what it was for."""

    allowed: bool
    reason: str


def allowed(rules: Iterable[Rule], principal: Principal, repository: str, action: Action) -> bool:
    """True where a rule, a robot's grant or an administrator's right says so, and his token."""
    return in_scope(principal, repository, action) and _right(
        rules, principal, repository, action
    ) is not None  # fmt: skip


def entitled(rules: Iterable[Rule], principal: Principal, repository: str, action: Action) -> bool:
    """True where he may with a token that is made for it, whatever the one that he shows is for."""
    return _right(rules, principal, repository, action) is not None


def entitling(rules: Iterable[Rule], principal: Principal, action: Action) -> patterns.Several:
    """The same for many repositories: patterns of all of which he may."""
    if principal.admin:
        return patterns.Several([patterns.ALL])
    subjects = subjects_of(principal)
    mine = (one.pattern for one in rules if one.subject in subjects and action in one.actions)
    granted = (one.pattern for one in principal.grants if action in one.actions)
    return patterns.Several([*granted, *mine])


def decide(
    rules: Iterable[Rule], principal: Principal, repository: str, action: Action
) -> Decision:
    """The same, with what decided it."""
    if not in_scope(principal, repository, action):
        return Decision(allowed=False, reason="the token is not for this")
    reason = _right(rules, principal, repository, action)
    if reason is None:
        return Decision(allowed=False, reason="no rule allows it")
    return Decision(allowed=True, reason=reason)


def granted(
    rules: Sequence[Rule], principal: Principal, scopes: Iterable[Scope]
) -> tuple[Grant, ...]:
    """Of what is asked for, what he may; repositories of which he may nothing are left out."""
    found = []
    for scope in scopes:
        if scope.kind != "repository":
            continue
        actions = tuple(
            one for one in ACTIONS
            if scope.wants(one) and allowed(rules, principal, scope.name, one)
        )  # fmt: skip
        if actions:
            found.append(Grant(scope.name, actions))
    return tuple(found)


def in_scope(principal: Principal, repository: str, action: Action) -> bool:
    """True where the token that he shows, if any, is for this."""
    return principal.scope is None or any(
        action in grant.actions and grant.pattern == repository for grant in principal.scope
    )


def _right(
    rules: Iterable[Rule], principal: Principal, repository: str, action: Action
) -> str | None:
    """Why he may; ``None`` where he may not."""
    if principal.admin:
        return "administrators may everything"
    for grant in principal.grants:
        if action in grant.actions and patterns.matches(grant.pattern, repository):
            return f"the robot's grant {grant}"
    subjects = subjects_of(principal)
    for rule in rules:
        if (
            rule.subject in subjects
            and action in rule.actions
            and patterns.matches(rule.pattern, repository)
        ):
            return f"rule {rule.subject} {rule.pattern} {','.join(rule.actions)}"
    return None


def subjects_of(principal: Principal) -> frozenset[str]:
    """Whose rules are his. A robot has its grants, and what everybody has."""
    if principal.kind != "user":
        return frozenset({EVERYBODY})
    groups = (f"group:{name}" for name in principal.groups)
    return frozenset({EVERYBODY, KNOWN, f"user:{principal.name}", *groups})
