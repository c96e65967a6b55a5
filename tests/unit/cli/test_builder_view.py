"""What builds keep, as Docker prints it."""

from __future__ import annotations

import pytest

from dockyard.build.usage import Record
from dockyard.cli import builder_view as view
from dockyard.errors import InvalidInput

SECOND = 10**9
STEP = Record(
    id="a" * 25, kind="regular", description="[2/2] RUN x", created=0, used=50 * SECOND, uses=2,
    size=10240, shared=True, in_use=False,
)  # fmt: skip
MOUNT = Record(
    id="b" * 16, kind="exec.cachemount", description='cache mount with id "c"', created=0,
    used=59 * SECOND, uses=1, size=11140000, shared=False, in_use=True,
)  # fmt: skip
NOW = 60 * SECOND


def test_stars_mark_what_changes_and_what_is_shared() -> None:
    rows = [view.marked(record, NOW) for record in (STEP, MOUNT)]
    assert [(row["ID"][-1], row["Size"], row["Reclaimable"]) for row in rows] == [
        ("a", "10.24kB*", "true"), ("*", "11.14MB", "false"),
    ]  # fmt: skip
    assert view.row(MOUNT, NOW)["LastUsedAt"] == "1 second ago"


def test_sums() -> None:
    assert view.summary([STEP, MOUNT]).split() == [
        "Shared:", "10.24kB", "Private:", "11.14MB", "Reclaimable:", "10.24kB", "Total:", "11.15MB",
    ]  # fmt: skip
    assert view.summary([]).split() == ["Reclaimable:", "0B", "Total:", "0B"]


def test_lists() -> None:
    assert view.pruned([], NOW) == ""
    head, line = view.pruned([STEP], NOW).splitlines()
    assert head.split("\t")[-1] == "LAST ACCESSED"
    assert line == f"{'a' * 25:<40}\ttrue \t10.24kB*  \t10 seconds ago"
    assert "Usage count:  2\n" in view.verbose([STEP], NOW)


def test_filters() -> None:
    assert view.filters(("type=regular", "until=24h"), NOW * 10000) == (
        (("type", "regular"),), NOW * 10000 - 86400 * SECOND,
    )  # fmt: skip
    assert view.filters((), NOW) == ((), None)
    with pytest.raises(InvalidInput, match="expects a duration"):
        view.filters(("until=yesterday",), NOW)
    with pytest.raises(InvalidInput, match="invalid filter 'bad'"):
        view.filters(("bad=1",), NOW)
