"""examples/serve-single as a user has it: one model behind a route, from no container on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from bench.load.model import Plan, Shape, Step
from bench.load.summary import render, summarise
from tests.support import served
from tests.support.load import Load
from tests.support.roots import Root
from tests.support.served import Stack
from tests.support.waiting import until

BODY = '{"model": "all-MiniLM-L6-v2", "input": "I forgot my login credentials"}'
SENTENCES = ("How do I reset my password?", "I forgot my login credentials", "The cat sleeps")


@pytest.mark.timeout(served.BUILD_SECONDS + 300)
def test_one_model_from_no_container_to_several(
    make_root: Callable[..., Root], tmp_path: Path
) -> None:
    stack = Stack(served.furnished(make_root, served.MODELS), "serve-single")
    stack.compose("up", "-d")
    assert stack.containers("embed") == []

    answer = stack.ask("/embed/v1/embeddings", {"model": "all-MiniLM-L6-v2", "input": SENTENCES})
    assert answer.status == 200, answer
    vectors = [one["embedding"] for one in answer.json()["data"]]
    assert [len(vector) for vector in vectors] == [384] * 3
    assert dot(vectors[0], vectors[1]) > 0.5 > 0.2 > dot(vectors[0], vectors[2])
    assert len(stack.containers("embed")) == 1
    assert stack.ask("/elsewhere").status == 404

    shape = Shape(method="POST", path="/embed/v1/embeddings", text=BODY, expect='"embedding"')
    load = Load(Plan(url=stack.url, steps=(Step(held=8, seconds=90),), shapes=(shape,)), tmp_path)
    try:
        until(lambda: len(stack.containers("embed")) > 1, served.PATIENCE_SECONDS)
        records = load.stop()
    finally:
        load.end()
    assert summarise(records).failed == 0, render(summarise(records))

    stack.compose("down")
    assert stack.root.cli("ps", "-aq", check=True).stdout == ""
    assert stack.ask("/embed/healthz").status == 0


def dot(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))
