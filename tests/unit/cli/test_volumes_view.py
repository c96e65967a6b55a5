from __future__ import annotations

import pytest

from dockyard.cli import template
from dockyard.cli import volumes_view as view
from dockyard.errors import InvalidInput
from dockyard.volumes.model import Volume

ONE = Volume(name="one", created=0, path="/v/one", labels={"tier": "hot", "x": ""})
TWO = Volume(name="data-two", created=0, path="/v/two", labels={"tier": "cold"})


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ((), ["one", "data-two"]),
        ((("dangling", "true"),), ["data-two"]),
        ((("dangling", "0"),), ["one"]),
        ((("name", "^data"),), ["data-two"]),
        ((("name", "one"), ("name", "two")), ["one", "data-two"]),
        ((("label", "tier"),), ["one", "data-two"]),
        ((("label", "tier=hot"),), ["one"]),
        ((("label", "tier"), ("label", "x")), ["one"]),
        ((("label!", "tier=hot"),), ["data-two"]),
        ((("driver", "nfs"),), []),
        ((("name", "("),), []),
    ],
)
def test_filters(filters: tuple[tuple[str, str], ...], names: list[str]) -> None:
    assert [one.name for one in view.select([ONE, TWO], filters, {"one": 1})] == names


def test_a_filter_wants_a_truth() -> None:
    with pytest.raises(InvalidInput, match="dangling=perhaps"):
        view.select([ONE], [("dangling", "perhaps")], {})


def test_labels_are_a_field_and_a_method() -> None:
    row = view.row(ONE)

    assert row["Labels"] == "tier=hot,x="
    assert template.render(template.parse('{{.Label "tier"}}{{.Label "no"}}'), row) == "hot"


def test_sizes_are_shown_where_they_are_known() -> None:
    assert view.row(ONE)["Size"] == "N/A"
    assert view.row(ONE, 2, 1500)["Size"] == "1.5kB"
    assert view.document(ONE, 2, 1500)["UsageData"] == {"RefCount": 2, "Size": 1500}
