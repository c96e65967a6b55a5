"""examples/serve-pipeline as a user has it: a picture goes through three services."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from tests.support import served
from tests.support.roots import Root
from tests.support.served import Stack
from tests.support.waiting import until

SAYS = {
    "train": ("The train to Munich leaves\nat nine from platform four.\nBring your ticket.", "en"),
    "soup": (
        "Faites cuire les oignons\ndans le beurre, puis ajoutez\nla farine et le bouillon.",
        "fr",
    ),
    "invoice": (
        "Bitte zahlen Sie die Rechnung\ninnerhalb von zehn Tagen\nauf unser Konto.",
        "de",
    ),
}
TOPICS = {"train": "travelling by train or by bus", "soup": "cooking and recipes"}
"""What the embeddings say; their model knows little German."""
SERVICES = ("ocr", "language", "embed")


@pytest.mark.long
@pytest.mark.timeout(served.BUILD_SECONDS + 300)
def test_a_picture_becomes_text_with_a_language_and_a_topic(
    make_root: Callable[..., Root],
) -> None:
    stack = Stack(served.furnished(make_root, served.MODELS), "serve-pipeline")
    stack.compose("up", "-d")
    assert [stack.containers(service) for service in SERVICES] == [[], [], []]
    for name, (text, language) in SAYS.items():
        found = read(stack, name)
        assert (found["text"], found["language"]) == (text, language)
        assert TOPICS.get(name, next(iter(found["topics"]))) == next(iter(found["topics"])), found
    until(lambda: more_come_to_read_pictures(stack))
    assert [len(stack.containers(service)) for service in SERVICES[1:]] == [1, 1]
    refused = stack.ask("/ocr/text", b"nothing of that sort")
    assert (refused.status, "not a picture" in refused.json()["error"]["message"]) == (400, True)
    assert stack.ask("/language/language", {"text": " "}).status == 400
    stack.compose("down")
    assert stack.root.cli("ps", "-aq", check=True).stdout == ""


def more_come_to_read_pictures(stack: Stack) -> bool:
    """Sends one more to the first service alone, which is kept busy so; whether it has grown."""
    picture = (stack.directory / "samples" / "train.png").read_bytes()
    assert stack.ask("/ocr/text", picture).status == 200
    return len(stack.containers("ocr")) > 1


def read(stack: Stack, name: str) -> dict[str, Any]:
    """What the example's own client says of a sample."""
    picture = f"{stack.directory}/samples/{name}.png"
    argv = [sys.executable, f"{stack.directory}/read.py", picture, "--json", "--url", stack.url]
    environment = stack.root.environment(no_proxy="127.0.0.1", NO_PROXY="127.0.0.1")
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found
