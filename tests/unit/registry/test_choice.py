from __future__ import annotations

import pytest

from dockyard.errors import NotFound
from dockyard.oci.image import Descriptor
from dockyard.oci.platform import Platform
from dockyard.registry.choice import choose, suitable


def entry(text: str, **annotations: str) -> Descriptor:
    names = ("os", "architecture", "variant")
    platform: dict[str, object] = dict(zip(names, text.split("/"), strict=False)) if text else {}
    marks = {name.replace("_", "."): value for name, value in annotations.items()}
    return Descriptor(digest=f"d-{text}", size=1, platform=platform, annotations=marks)


def chosen(wanted: str, *there: str) -> str:
    host = Platform("amd64")
    found = choose([entry(text) for text in there], Platform.parse(wanted, host), "x")
    return found.digest.removeprefix("d-")


def test_the_very_platform_is_best() -> None:
    assert chosen("linux/arm64", "linux/amd64", "linux/arm64", "linux/arm/v7") == "linux/arm64"


@pytest.mark.parametrize(
    ("wanted", "there", "expected"),
    [
        ("linux/arm64", ["linux/arm/v7", "linux/arm64/v8"], "linux/arm64/v8"),
        ("linux/arm64", ["linux/arm/v6", "linux/arm/v7"], "linux/arm/v7"),
        ("linux/arm/v7", ["linux/arm/v5", "linux/arm/v6"], "linux/arm/v6"),
        ("linux/arm/v6", ["linux/arm/v7", "linux/arm/v5"], "linux/arm/v5"),
        ("linux/arm", ["linux/arm/v6", "linux/arm"], "linux/arm"),
        ("linux/amd64", ["linux/386", "linux/amd64/v1"], "linux/amd64/v1"),
        ("linux/amd64", ["linux/386", "linux/arm64"], "linux/386"),
        ("linux/amd64/v3", ["linux/amd64", "linux/amd64/v2", "linux/amd64/v4"], "linux/amd64/v2"),
    ],
)
def test_what_a_processor_runs_too_is_second_best(
    wanted: str, there: list[str], expected: str
) -> None:
    assert chosen(wanted, *there) == expected


@pytest.mark.parametrize(
    ("wanted", "there"),
    [
        ("linux/amd64", "linux/amd64/v3"),
        ("linux/arm/v6", "linux/arm/v7"),
        ("linux/amd64", "windows/amd64"),
        ("linux/riscv64", "linux/amd64"),
    ],
)
def test_what_does_not_run_is_not_chosen(wanted: str, there: str) -> None:
    with pytest.raises(NotFound, match=f"no matching manifest for {wanted}") as caught:
        chosen(wanted, there)
    assert there in str(caught.value.context)


def test_of_two_the_first_is_chosen() -> None:
    first, second = entry("linux/amd64"), Descriptor(
        digest="other", size=1, platform={"os": "linux", "architecture": "amd64"}
    )  # fmt: skip
    assert choose([first, second], Platform("amd64"), "x") is first


def test_attestations_are_no_images() -> None:
    real = entry("linux/amd64")
    marked = entry("linux/amd64", vnd_docker_reference_type="attestation-manifest")

    assert choose([entry("unknown/unknown"), marked, real], Platform("amd64"), "x") is real


def test_an_entry_without_a_platform_suits_where_no_other_does() -> None:
    assert chosen("linux/amd64", "", "linux/amd64") == "linux/amd64"
    assert chosen("linux/amd64", "linux/arm64", "") == ""


def test_an_index_without_images_says_so() -> None:
    with pytest.raises(NotFound) as caught:
        choose([], Platform("amd64"), "x")
    assert caught.value.context == "it has none"


def test_strange_platforms_are_passed_over() -> None:
    strange = Descriptor(digest="s", size=1, platform={"os": 5, "architecture": ["amd64"]})
    real = entry("linux/amd64")

    assert choose([strange, real], Platform("amd64"), "x") is real


def test_an_unknown_variant_is_only_itself() -> None:
    assert suitable(Platform("amd64", "linux", "weird")) == [Platform("amd64", "linux", "weird")]
