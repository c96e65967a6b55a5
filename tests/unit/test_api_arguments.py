"""What a Python program gives that isn't what the annotations say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dockyard import arguments
from dockyard.arguments import api
from dockyard.containers.options import Options
from dockyard.errors import InvalidInput
from dockyard.images.model import Image
from dockyard.oci.image import ImageConfig


def merged(**given: Any) -> Options:
    defaults: dict[str, Any] = {
        "name": None, "command": None, "ports": None, "env": None, "volumes": None,
        "memory": None, "cpus": None, "gpus": None, "network": "bridge", "remove": True,
        "publish_address": "127.0.0.1",
    }  # fmt: skip
    return arguments.merge(Options(), **{**defaults, **given})


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"volumes": ["a:/b"]}, "volumes is a list, and has to be a dict"),
        ({"volumes": {"a": 1}}, "volumes has 1, which is an int, not a string"),
        ({"env": ["A=1"]}, "env is a list, and has to be a dict"),
        ({"env": {"A": 1}}, "env has 1, which is an int, not a string"),
        ({"env": {"A=B": "1"}}, "'A=B' can't be the name of a variable"),
        ({"ports": [8000]}, "ports is a list, and has to be a dict"),
        ({"command": "echo hi"}, "the command 'echo hi' is one string"),
        ({"command": ["echo", 1]}, "the command has 1, which is an int"),
        ({"command": 5}, "the command is an int"),
    ],
)
def test_another_type_gets_a_sentence(given: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        merged(**given)

    assert words in caught.value.message


def test_a_string_as_command_is_told_of_shlex() -> None:
    with pytest.raises(InvalidInput) as caught:
        api.words("ls /")

    assert "shlex.split" in (caught.value.hint or "")


def test_paths_count_as_their_text(tmp_path: Path) -> None:
    given: Any = {tmp_path: "/data:ro"}

    (mount,) = merged(volumes=given).mounts

    assert (mount.source, mount.target, mount.read_only) == (str(tmp_path), "/data", True)


def test_an_image_prints_as_its_id_and_names() -> None:
    image = Image(
        id="sha256:" + "ab" * 32, config=ImageConfig(architecture="amd64", os="linux"),
        config_bytes=b"{" * 5000, layers=(), names=("localhost/a:1",), built=0, size=1,
    )  # fmt: skip

    assert repr(image) == str(image) == "<Image abababababab localhost/a:1>"
