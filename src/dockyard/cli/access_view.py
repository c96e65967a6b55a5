"""Users, robots, rules and events of a registry as rows of lists. Pure."""

from __future__ import annotations

from dockyard.cli.units import NANOSECONDS, duration, elapsed, timestamp
from dockyard.registry.access.audit import Event
from dockyard.registry.access.model import Robot, Rule, User

Row = dict[str, str]

USER_TITLES = {
    "Name": "NAME", "Groups": "GROUPS", "Admin": "ADMIN", "Status": "STATUS", "Created": "CREATED",
    "CreatedAt": "CREATED AT",
}  # fmt: skip
USER_COLUMNS = ("Name", "Groups", "Admin", "Status", "Created")
ROBOT_TITLES = {
    "Name": "NAME", "Username": "USERNAME", "Grants": "GRANTS", "Status": "STATUS",
    "Created": "CREATED", "CreatedAt": "CREATED AT", "ExpiresAt": "EXPIRES AT",
    "LastUsed": "LAST USED", "LastUsedAt": "LAST USED AT",
}  # fmt: skip
ROBOT_COLUMNS = ("Username", "Grants", "Status", "Created", "LastUsed")
RULE_TITLES = {"Subject": "SUBJECT", "Pattern": "REPOSITORIES", "Actions": "ACTIONS"}
RULE_COLUMNS = ("Subject", "Pattern", "Actions")
EVENT_TITLES = {
    "Time": "TIME", "Who": "WHO", "Action": "ACTION", "Repository": "REPOSITORY",
    "Reference": "REFERENCE", "Digest": "DIGEST", "Result": "RESULT", "Status": "STATUS",
    "Address": "ADDRESS", "Detail": "DETAIL",
}  # fmt: skip
EVENT_COLUMNS = ("Time", "Who", "Action", "Repository", "Reference", "Result", "Address")


def user_row(user: User, now: int) -> Row:
    """One user; ``now`` is in nanoseconds since 1970, as in all of these."""
    return {
        "Name": user.name,
        "Groups": ",".join(user.groups),
        "Admin": "true" if user.admin else "false",
        "Status": "disabled" if user.disabled else "active",
        **_created(user.created, now),
    }


def robot_row(robot: Robot, now: int) -> Row:
    """One robot, without its token, which nobody has any more."""
    return {
        "Name": robot.name,
        "Username": robot.login,
        "Grants": " ".join(map(str, robot.grants)),
        "Status": _status(robot, now),
        **_created(robot.created, now),
        "ExpiresAt": timestamp((robot.expires or 0) * NANOSECONDS) if robot.expires else "never",
        "LastUsed": _ago(robot.last_used, now),
        "LastUsedAt": timestamp(robot.last_used * NANOSECONDS) if robot.last_used else "never",
    }


def rule_row(rule: Rule) -> Row:
    """One rule."""
    return {"Subject": rule.subject, "Pattern": rule.pattern, "Actions": ",".join(rule.actions)}


def event_row(event: Event) -> Row:
    """One event."""
    return {
        "Time": event.time, "Who": event.who, "Action": event.action,
        "Repository": event.repository, "Reference": event.reference, "Digest": event.digest,
        "Result": event.result, "Status": str(event.status or ""), "Address": event.address,
        "Detail": event.detail,
    }  # fmt: skip


def _status(robot: Robot, now: int) -> str:
    if robot.expires is None:
        return "active"
    left = robot.expires * NANOSECONDS - now
    return f"expires in {duration(left / NANOSECONDS).lower()}" if left > 0 else "expired"


def _created(created: int, now: int) -> Row:
    moment = created * NANOSECONDS
    return {"Created": _ago(created, now), "CreatedAt": timestamp(moment)}


def _ago(seconds: int | None, now: int) -> str:
    return f"{elapsed(seconds * NANOSECONDS, now)} ago" if seconds else "never"
