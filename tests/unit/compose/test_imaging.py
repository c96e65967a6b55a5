"""Which images are pulled, which are built, and which are fine as they are."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.support.compose import project

from dockyard.compose.imaging import Imaging, refresh_age, ways
from dockyard.compose.options import CreateOptions
from dockyard.compose.progress import Step
from dockyard.errors import InvalidInput, NotFound
from dockyard.images.model import Image
from dockyard.observability.transfers import Listener, Transfer
from dockyard.oci.image import ImageConfig

HOUR = 3600 * 10**9
BUILD = {"build": {"context": "/app"}}


def image(built: int = 0) -> Image:
    return Image(id="sha256:1", config=ImageConfig(architecture="amd64", os="linux"),
                 config_bytes=b"", layers=(), names=(), built=built, size=0)  # fmt: skip


def how(service: dict[str, Any], *, here: bool, **options: Any) -> tuple[str, str, str]:
    wanted = project({"web": service})
    name = service.get("image", "busybox") or "demo-web"
    found = ways(wanted, {name: image()} if here else {}, CreateOptions(**options), now=48 * HOUR)
    return found[0].image, found[0].how, found[0].otherwise


@pytest.mark.parametrize(
    ("service", "here", "options", "wanted"),
    [
        ({}, True, {}, ("busybox", "nothing", "nothing")),
        ({}, False, {}, ("busybox", "pull", "nothing")),
        ({"pull_policy": "always"}, True, {}, ("busybox", "pull", "nothing")),
        ({"pull_policy": "never"}, False, {}, ("busybox", "nothing", "nothing")),
        ({"pull_policy": "always"}, True, {"pull": "never"}, ("busybox", "nothing", "nothing")),
        ({"pull_policy": "daily"}, True, {}, ("busybox", "pull", "nothing")),
        ({"pull_policy": "weekly"}, True, {}, ("busybox", "nothing", "nothing")),
        ({"pull_policy": "every_1h"}, True, {}, ("busybox", "pull", "nothing")),
        ({"image": "", **BUILD}, False, {}, ("demo-web", "build", "nothing")),
        ({"image": "", **BUILD}, True, {}, ("demo-web", "nothing", "nothing")),
        ({"image": "", **BUILD}, True, {"build": "always"}, ("demo-web", "build", "nothing")),
        ({"image": "", "pull_policy": "build", **BUILD}, True, {},
         ("demo-web", "build", "nothing")),
        ({"image": "", **BUILD}, False, {"build": "never"}, ("demo-web", "nothing", "nothing")),
        ({"image": "mine", **BUILD}, False, {}, ("mine", "pull", "build")),
        ({"image": "mine", **BUILD}, True, {}, ("mine", "nothing", "nothing")),
        ({"image": "mine", **BUILD}, False, {"build": "always"}, ("mine", "build", "nothing")),
    ],
)  # fmt: skip
def test_how_an_image_comes_to_be_here(
    service: dict[str, Any], here: bool, options: dict[str, Any], wanted: tuple[str, str, str]
) -> None:
    assert how(service, here=here, **options) == wanted


def test_an_image_that_another_service_builds_is_not_pulled() -> None:
    wanted = project({"api": {"image": "mine", **BUILD}, "worker": {"image": "mine"}})

    found = {way.service: way.how for way in ways(wanted, {}, CreateOptions(), now=0)}

    assert found == {"api": "pull", "worker": "nothing"}


def test_a_service_needs_an_image_or_a_build() -> None:
    with pytest.raises(InvalidInput, match=r"invalid service .web.\. Must specify either image"):
        how({"image": ""}, here=False)


@pytest.mark.parametrize(
    ("policy", "hours"),
    [("daily", 24), ("every_1w2d3h", 219), ("every_12h", 12), ("missing", None), ("", None)],
)
def test_policies_that_refresh(policy: str, hours: int | None) -> None:
    assert refresh_age("web", policy) == (None if hours is None else hours * HOUR)


def test_a_policy_that_is_no_duration_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"services\.web\.pull_policy: invalid duration 'soon'"):
        refresh_age("web", "every_soon")


class FakeEngine:
    """Its registry has all images, of one blob that comes in two parts."""

    def __init__(self) -> None:
        self.images = self

    def find(self, name: str) -> Image:
        raise NotFound(name)

    def resolve(self, _name: str) -> SimpleNamespace:
        return SimpleNamespace(note="")

    def pull(self, _name: str, *, platform: str | None, listener: Listener | None) -> Any:
        for done in (1, 2):
            if listener is not None:
                listener(Transfer("sha256:1", "downloading", done, 2))
        return SimpleNamespace(image=image(), platform=platform)


@pytest.mark.parametrize("quiet", [False, True])
def test_how_much_has_come_is_told_unless_it_is_to_be_quiet(quiet: bool) -> None:
    steps: list[Step] = []
    options = CreateOptions(quiet_pull=quiet)
    Imaging(cast("Any", FakeEngine()), project({"web": {}}), options, steps.append).ensure()
    parts = [] if quiet else [Step("web", text="Pulling", done=n, total=2) for n in (1, 2)]
    assert steps == [
        Step("web", text="Pulling"), *parts, Step("web", state="done", text="Pulled"),
    ]  # fmt: skip
