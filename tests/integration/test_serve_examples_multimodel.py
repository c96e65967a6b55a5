"""examples/serve-multimodel as a user has it: requests say which model they mean."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from tests.support import served
from tests.support.bases import CHECKOUT
from tests.support.roots import Root
from tests.support.served import Answer, Stack

PICTURE = CHECKOUT / "examples" / "serve-pipeline" / "samples" / "train.png"


@pytest.mark.timeout(served.BUILD_SECONDS + 300)
def test_a_request_picks_its_model(make_root: Callable[..., Root]) -> None:
    stack = Stack(served.furnished(make_root, served.MODELS), "serve-multimodel")
    stack.compose("up", "-d")
    language = infer(stack, "langdetect", "text", "Der Zug kommt heute wieder spät.")
    assert outputs(language)["language"] == ["de"]
    assert [len(stack.containers(one)) for one in ("langdetect", "magika", "minilm")] == [1, 0, 0]

    picture = base64.b64encode(PICTURE.read_bytes()).decode()
    sort = infer(stack, "magika", "content", picture, parameters={"content_type": "base64"})
    assert outputs(sort)["mime_type"] == ["image/png"]
    assert stack.containers("minilm") == []

    embedded = stack.ask("/v1/embeddings", {"model": "minilm", "input": ["a dog", "a cat"]})
    assert embedded.status == 200, embedded
    assert [len(one["embedding"]) for one in embedded.json()["data"]] == [384, 384]
    assert len(outputs(infer(stack, "minilm", "text", "a dog"))["embedding"]) == 384
    refused = stack.ask("/v1/embeddings", {"model": "langdetect", "input": "a dog"})
    assert (refused.status, "gives no embeddings" in refused.json()["error"]) == (400, True)

    described = stack.ask("/v2/models/magika").json()
    assert [one["name"] for one in described["outputs"]] == ["label", "mime_type", "score"]
    assert infer(stack, "magika", "text", "x").status == 400
    assert stack.ask("/v1/embeddings", {"model": "gpt-0", "input": "a dog"}).status == 404
    assert infer(stack, "other", "text", "x").status == 404
    stack.compose("down")
    assert stack.root.cli("ps", "-aq", check=True).stdout == ""


def infer(stack: Stack, model: str, name: str, item: str, **more: object) -> Answer:
    tensor = {"name": name, "datatype": "BYTES", "shape": [1], "data": [item], **more}
    return stack.ask(f"/v2/models/{model}/infer", {"inputs": [tensor]})


def outputs(answer: Answer) -> dict[str, list[object]]:
    assert answer.status == 200, answer
    return {one["name"]: one["data"] for one in answer.json()["outputs"]}
