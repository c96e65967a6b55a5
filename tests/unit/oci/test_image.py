from __future__ import annotations

import json

import msgspec
import pytest

from dockyard.errors import ContentMismatch
from dockyard.oci import image
from dockyard.oci.image import ExecutionConfig, Healthcheck, ImageConfig, RootFilesystem

DOCKERS = {
    "architecture": "amd64", "os": "linux", "created": "2024-01-02T03:04:05.678Z",
    "docker_version": "28.5", "unknown": {"a": 1},
    "config": {
        "Env": ["A=b"], "Cmd": ["sh"], "Entrypoint": None, "ExposedPorts": {"80/tcp": {}},
        "WorkingDir": "/w", "Labels": None, "Volumes": None, "OnBuild": None,
        "Healthcheck": {"Test": ["CMD", "x"], "Interval": 5000000000},
    },
    "rootfs": {"type": "layers", "diff_ids": ["sha256:" + "a" * 64]},
    "history": [{"created_by": "x", "empty_layer": True}],
}  # fmt: skip


def test_dockers_own_document_is_read() -> None:
    config = image.decode_config(json.dumps(DOCKERS).encode())

    assert config.config.cmd == ("sh",)
    assert config.config.healthcheck == Healthcheck(test=("CMD", "x"), interval=5 * 10**9)
    assert config.rootfs.diff_ids == ("sha256:" + "a" * 64,)


@pytest.mark.parametrize("digits", ["1" + "0" * 30, "1" + "0" * 5000, "1e400"])
def test_numbers_that_no_record_holds_are_refused(digits: str) -> None:
    document = json.dumps(DOCKERS).replace("5000000000", digits)
    with pytest.raises(ContentMismatch, match="no image configuration"):
        image.decode_config(document.encode())


def test_maps_that_docker_writes_as_null_are_read() -> None:
    config = image.decode_config(json.dumps(DOCKERS).encode())

    assert config.config.labels == {}
    assert config.config.volumes == {}


def test_the_bytes_do_not_depend_on_the_order_of_maps() -> None:
    def encoded(labels: dict[str, str]) -> bytes:
        config = ImageConfig(architecture="amd64", config=ExecutionConfig(labels=labels))
        return image.encode(config)

    assert encoded({"a": "1", "b": "2"}) == encoded({"b": "2", "a": "1"})


def test_fields_have_the_specifications_names() -> None:
    config = ImageConfig(
        architecture="arm64", created="2024-01-01T00:00:00Z",
        config=ExecutionConfig(env=("A=b",), working_dir="/w", stop_signal="SIGINT"),
        rootfs=RootFilesystem(diff_ids=("sha256:x",)),
    )  # fmt: skip

    assert json.loads(image.encode(config)) == {
        "architecture": "arm64", "created": "2024-01-01T00:00:00Z", "os": "linux",
        "config": {"Env": ["A=b"], "WorkingDir": "/w", "StopSignal": "SIGINT"},
        "rootfs": {"diff_ids": ["sha256:x"], "type": "layers"},
    }  # fmt: skip


def test_the_platform_is_always_written() -> None:
    document = json.loads(image.encode(ImageConfig(architecture="amd64")))

    assert document["os"] == "linux"
    assert document["rootfs"]["type"] == "layers"


DEEP = b'{"architecture": "a", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b'{"architecture": 1}', b"\xff", DEEP, b" " * (5 << 20)]
)
def test_what_is_no_configuration_is_refused(data: bytes) -> None:
    with pytest.raises(ContentMismatch):
        image.decode_config(data)


class _Anything(msgspec.Struct, frozen=True):
    names: tuple[str, ...] = ()


def test_a_document_of_any_kind_is_read_within_bounds() -> None:
    """Images and models are read by one function; null is Go's word for what is empty."""
    assert image.decode_document(b'{"names":null,"x":1}', _Anything, "list") == _Anything()
    assert image.decode_document(b'{"names":["a"]}', _Anything, "list") == _Anything(("a",))
    for data, said in (
        (b" " * (image.MAX_DOCUMENT_BYTES + 1), "the list has 4194305 bytes"),
        (b'{"names":' + b"[" * 100_000, "this is no list"), (b'{"names":1}', "this is no list"),
        (b"\xff", "this is no list"),
    ):  # fmt: skip
        with pytest.raises(ContentMismatch, match=said):
            image.decode_document(data, _Anything, "list")
