"""An engine that does nothing but remember, for tests of the command line."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Self

import msgspec
import pytest

from dockyard.cli.main import run
from dockyard.config import Config
from dockyard.containers.health.model import Report
from dockyard.containers.model import Container, Options
from dockyard.containers.sizes import Sizes
from dockyard.errors import NotFound
from dockyard.images.model import Image
from dockyard.images.store import Resolution
from dockyard.networks.model import Endpoint, PortMapping
from dockyard.oci.image import ExecutionConfig, ImageConfig
from dockyard.oci.reference import Reference
from dockyard.state.paths import Paths
from dockyard.system.host import ProcessIdentity

SECOND = 10**9
IMAGE_ID = "sha256:" + "a1" * 32
CONTAINER_ID = "c0" * 32


def make_container(**changes: Any) -> Container:
    """A running container."""
    base = Container(
        id=CONTAINER_ID, name="web", image_id=IMAGE_ID, image_name="app", state="running",
        created=1000 * SECOND, started=1001 * SECOND, options=Options(),
        args=("python", "-m", "app"), process=ProcessIdentity(42, 1, "boot"),
    )  # fmt: skip
    return msgspec.structs.replace(base, **changes)


def make_image(**changes: Any) -> Image:
    """An image with one name."""
    config = ExecutionConfig(exposed_ports={"8000/tcp": {}, "53/udp": {}}, cmd=("serve",))
    base = Image(
        id=IMAGE_ID, config=ImageConfig(architecture="amd64", config=config), config_bytes=b"",
        layers=(), names=("docker.io/library/app:latest",), built=1000 * SECOND,
        size=84_900_000,
    )  # fmt: skip
    return msgspec.structs.replace(base, **changes)


class FakeContainers:
    def __init__(self) -> None:
        self.present = [make_container()]
        self.mappings = (PortMapping(container_port=80, host_port=8080, host_ip="0.0.0.0"),)
        self.calls: list[tuple[Any, ...]] = []
        self.exit_code = 0

    def get(self, text: str) -> Container:
        for one in self.present:
            if text in {one.name, one.id}:
                return one
        raise NotFound(f"no such container: {text}")

    def all(self) -> list[Container]:
        return self.present

    def ports(self, _container: Container) -> tuple[PortMapping, ...]:
        return self.mappings

    def health(self, _container: Container) -> None:
        return None

    def healths(self) -> dict[str, Report]:
        return {}

    def run(
        self, image: Image, name: str, options: Options, streams: object = None,
        created: Callable[[Container], None] | None = None,
    ) -> Container:  # fmt: skip
        self.calls.append(("run", image.id, name, options, streams))
        container = make_container(exit_code=self.exit_code)
        if created is not None:
            created(container)
        return container

    def stop(self, text: str, seconds: float | None, *, signal_name: str | None) -> Container:
        found = self.get(text)
        self.calls.append(("stop", text, seconds, signal_name))
        return found

    def sizes(self, _container: Container) -> Sizes:
        return Sizes(written=2048, image=1_000_000)

    def remove(self, text: str, *, force: bool, volumes: bool) -> Container:
        found = self.get(text)
        self.calls.append(("remove", text, force, volumes))
        return found

    def execute(self, text: str, options: object) -> int:
        self.calls.append(("execute", text, options))
        return self.exit_code


class FakeImages:
    def __init__(self) -> None:
        self.note: str | None = None
        self.present = [make_image()]
        self.names = {"app"}

    def resolve(self, text: str) -> Resolution:
        if text not in self.names:
            raise NotFound(f"No such image: {text}")
        return Resolution(self.present[0], Reference.parse("app"), self.note)

    def find(self, text: str) -> Image:
        return self.resolve(text).image

    def descendants(self, text: str) -> frozenset[str]:
        return frozenset({IMAGE_ID} if text == "app" else ())

    def get(self, _image_id: str) -> Image:
        return self.present[0]

    def list(self) -> tuple[Image, ...]:
        return tuple(self.present)


class FakeVolumes:
    def get(self, name: str) -> None:
        raise NotFound(f"get {name}: no such volume")


class FakeEndpoints:
    def endpoints(self, _holder: str) -> tuple[Endpoint, ...]:
        return ()


class FakeNetworks:
    def get(self, name: str) -> None:
        raise NotFound(f"network {name} not found")


class FakeModels:
    def find(self, name: str) -> None:
        raise NotFound(f"No such model: {name}")


class FakeParts:
    networks = FakeEndpoints()


class FakeEngine:
    """What the commands under test need of an engine."""

    def __init__(self) -> None:
        self.config = Config(root="/root-dir", run="/run-dir")
        self.paths = Paths("/root-dir", "/run-dir")
        self.containers = FakeContainers()
        self.images = FakeImages()
        self.volumes = FakeVolumes()
        self.models = FakeModels()
        self.networks = FakeNetworks()
        self.parts = FakeParts()
        self.built: list[tuple[str, dict[str, Any]]] = []
        self.pulled: list[tuple[str, str | None]] = []

    def pull(self, name: str, *, platform: str | None, listener: object) -> Any:
        assert listener is None or callable(listener)
        self.pulled.append((name, platform))
        self.images.names.add(name)
        return SimpleNamespace(digest=IMAGE_ID, is_new=True)

    def build(self, context: str, **request: Any) -> Image:
        self.built.append((context, request))
        return self.images.present[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        pass


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def dockyard(
    engine: FakeEngine, capfd: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Runs a command line on the fake engine: exit code, standard output, standard error."""

    def call(*args: str) -> tuple[int, str, str]:
        code = run(args, engine=lambda: engine)  # type: ignore[arg-type,return-value]  # a stand-in
        return code, *capfd.readouterr()

    return call
