from __future__ import annotations

import pytest

from dockyard.build import graph
from dockyard.build.dockerfile.source import Location
from dockyard.build.history import lines_of
from dockyard.build.layering import parse_layering, steps_above, times_of
from dockyard.build.sharing import documents
from dockyard.build.sharing.documents import Contents, SharedLayer, SharedRecord
from dockyard.errors import ContentMismatch, InvalidInput
from dockyard.images.packages.model import Division
from dockyard.oci.image import History, ImageConfig

DIGEST = "sha256:" + "a" * 64


def vertex(operation: graph.Operation, *inputs: int) -> graph.Vertex:
    return graph.Vertex(
        operation=operation, inputs=inputs, name="", location=Location("D", 1, 1, ""), epoch=1
    )


def run() -> graph.Run:
    return graph.Run(args=("x",), env=(), cwd="/", user="")


def copy(number: int) -> graph.Copy:
    return graph.Copy(sources=(graph.Source("x", number),), destination="/")


def test_steps_that_are_still_to_come_are_counted_in_the_own_stage() -> None:
    """What a stage is copied into stands on other layers."""
    plan = graph.Plan(
        vertices=(
            vertex(graph.Base("")),
            vertex(run(), 0), vertex(run(), 1),  # a stage to copy from
            vertex(run(), 0), vertex(copy(1), 3, 2), vertex(graph.Directory("/a", ""), 4),
            vertex(run(), 0),  # nobody needs it
        ),
        target=5, base=ImageConfig(architecture="amd64"), config=ImageConfig(
            architecture="amd64").config, lines=(), epoch=1,
    )  # fmt: skip

    assert steps_above(plan) == {0: 3, 1: 1, 2: 0, 3: 2, 4: 1, 5: 0}


def test_times_of_what_comes_from_the_context_are_the_epoch() -> None:
    assert times_of(vertex(copy(0), 0)) == "epoch"
    assert times_of(vertex(copy(1), 0, 1)) == "clamp"
    assert times_of(vertex(run(), 0)) == "clamp"


@pytest.mark.parametrize("text", ["", "Packages", "true", "none"])
def test_layers_are_packages_or_plain(text: str) -> None:
    with pytest.raises(InvalidInput, match="invalid layers"):
        parse_layering(text)


def test_a_line_of_history_for_each_layer() -> None:
    line = History(created_by="RUN x", comment="ours")
    said = lines_of(line, 2, ("", "torch 2.9.0"))

    assert [(each.comment, each.empty_layer) for each in said] == [
        ("ours", False), ("torch 2.9.0", False),
    ]  # fmt: skip
    assert [each.empty_layer for each in lines_of(line, 0, ())] == [True]
    assert lines_of(line, 1, ()) == [line]


@pytest.mark.parametrize(
    ("notes", "valid"), [((), True), (("", "a 1"), True), (("a 1",), False), (("",) * 3, False)]
)
def test_a_shared_record_says_something_of_its_own_layers_only(
    notes: tuple[str, ...], valid: bool
) -> None:
    layer = SharedLayer(diff_id=DIGEST, size=1, epoch=1, times="clamp")
    record = SharedRecord(
        key=DIGEST, description="", below="", layers=(0, 1), division=Division(8, 0, notes)
    )
    data = documents.write_contents(Contents(layers=(layer, layer), records=(record,)))
    if valid:
        assert documents.read_contents(data, 2).records == (record,)
        return
    with pytest.raises(ContentMismatch, match="other layers than its own"):
        documents.read_contents(data, 2)
