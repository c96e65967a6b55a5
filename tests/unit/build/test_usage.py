"""Which of what builds keep a prune takes."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from dockyard.build.usage import Policy, Record, chosen

MB = 1 << 20


def record(name: str, used: int, **changes: object) -> Record:
    made = Record(
        id=name, kind="regular", description=f"RUN {name}", created=0, used=used, uses=1, size=MB,
        shared=False, in_use=False,
    )  # fmt: skip
    return replace(made, **changes)


OLD = record("old", 1)
USED = record("used", 2, in_use=True)
SHARED = record("shared", 3, shared=True)
MOUNT = record("mount", 4, kind="exec.cachemount", size=3 * MB)
NEW = record("new", 5)
ALL = (NEW, MOUNT, SHARED, USED, OLD)


@pytest.mark.parametrize(
    ("policy", "free", "names"),
    [
        (Policy(), 0, "old mount new"),
        (Policy(everything=True), 0, "old shared mount new"),
        (Policy(unused_since=4), 0, "old"),
        (Policy(unused_since=5), 0, "old mount"),
        (Policy(most=7 * MB), 0, ""),
        (Policy(most=6 * MB), 0, "old"),
        (Policy(most=5 * MB), 0, "old mount"),
        (Policy(reserved=4 * MB), 0, "old mount"),
        (Policy(reserved=100 * MB), 0, ""),
        (Policy(most=1, reserved=6 * MB), 0, "old"),
        (Policy(free=10 * MB), 20 * MB, ""),
        (Policy(free=10 * MB), 9 * MB, "old"),
        (Policy(free=10 * MB, reserved=7 * MB), 0, ""),
        (Policy(only=(("type", "exec.cachemount"),)), 0, "mount"),
        (Policy(only=(("id", "ol"),)), 0, "old"),
        (Policy(only=(("mutable", "false"), ("description", "new"))), 0, "new"),
        (Policy(everything=True, only=(("shared", "1"),)), 0, "shared"),
        (Policy(only=(("inuse", "true"),)), 0, ""),
    ],
)
def test_the_least_recently_used_goes_first_and_what_is_used_never(
    policy: Policy, free: int, names: str
) -> None:
    assert " ".join(each.id for each in chosen(ALL, policy, free)) == names
