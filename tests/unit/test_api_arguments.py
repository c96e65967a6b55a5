"""What a Python program gives that isn't what the annotations say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dockyard import arguments
from dockyard.arguments import api
from dockyard.containers.options import Options, Resources, Ulimit
from dockyard.errors import InvalidInput
from dockyard.images.model import Image
from dockyard.oci.image import ImageConfig

DEFAULTS: dict[str, Any] = {
    "name": None, "command": None, "ports": None, "env": None, "volumes": None, "memory": None,
    "cpus": None, "gpus": None, "network": "bridge", "remove": True,
    "publish_address": "127.0.0.1",
}  # fmt: skip


def merged(**given: Any) -> Options:
    return arguments.merge(Options(), **{**DEFAULTS, **given})


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
        ({"cpus": "x"}, "failed to parse x as a rational number"),
        ({"cpus": True}, "resources.cpus: expected `float | null`, got `bool`"),
        ({"cpus": [1]}, "resources.cpus: expected `float | null`"),
        ({"cpus": object()}, "type object"),
        ({"memory": 1.5}, "resources.memory: expected `int | null`, got `float`"),
        ({"name": 5}, "name: expected `str | null`, got `int`"),
        ({"name": b"x"}, "name: expected `str | null`, got `bytes`"),
        ({"network": 5}, "networking.network: expected `str`"),
        ({"gpus": ["x"]}, "invalid count"),
    ],
)
def test_another_type_gets_a_sentence(given: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        merged(**given)

    assert words in caught.value.message


@pytest.mark.parametrize("given", [5, "x", {"init": True}])
def test_options_are_options(given: Any) -> None:
    with pytest.raises(InvalidInput, match=r"has to be of dockyard\.Options"):
        arguments.merge(given, **DEFAULTS)


def test_fields_of_options_are_looked_at_as_deep_as_they_go() -> None:
    """What is written to the record has to be read again, by every later command."""
    wrong: Any = (Ulimit("nofile", "many", 5),)  # type: ignore[arg-type]  # that is the point
    with pytest.raises(InvalidInput) as caught:
        arguments.merge(Options(resources=Resources(ulimits=wrong)), **DEFAULTS)

    assert caught.value.message == "resources.ulimits[0].soft: expected `int`, got `str`"
    assert caught.value.hint


def test_what_is_right_stays_as_it_is() -> None:
    options = Options(resources=Resources(ulimits=(Ulimit("nofile", 5, 5),)), env=("A=1",))

    assert api.checked(options) == options
    assert merged(cpus="0.5").resources.cpus == 0.5
    assert merged(cpus=2).resources.cpus == 2


@pytest.mark.parametrize("given", ["x", 1.5, [b"x"], -1, 1 << 40])
def test_what_is_read_has_a_descriptor(given: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        api.source("stdin", given)

    assert caught.value.message.startswith("stdin is ")
    assert "sys.stdin.fileno()" in (caught.value.hint or "")


def test_a_closed_file_is_no_input(tmp_path: Path) -> None:
    with open(tmp_path / "file", "wb") as stream:
        assert api.source("stdin", stream) == stream.fileno()
        assert api.source("stdin", stream.fileno()) == stream.fileno()
    with pytest.raises(InvalidInput, match="closed file"):
        api.source("stdin", stream)
    assert api.source("stdin", None) is None
    assert api.source("stdin", bytearray(b"x")) == b"x"


def test_output_is_a_function() -> None:
    with pytest.raises(InvalidInput, match="output is a list, and has to be a function"):
        api.callback("output", [])  # type: ignore[type-var]  # that is the point


@pytest.mark.parametrize("given", [None, 5, b"x", ["busybox"]])
def test_an_image_is_one_or_a_name(given: Any) -> None:
    with pytest.raises(InvalidInput, match="has to be a name, an id or an Image"):
        api.image(given)


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
