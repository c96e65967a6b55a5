"""Images that Dockyard built run in Docker and in Podman, and behave there as they do here.

``DOCKYARD_PEERS`` names a program that runs a command where these engines are:
``$DOCKYARD_PEERS run docker version``. The example is tried where the environment's own root has
it (``dockyard build -t my-ai-app examples/embeddings``), as to build it takes minutes.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal

import pytest
from tests.support.roots import Root, foreground

from dockyard import Config, Engine
from dockyard.errors import DockyardError
from dockyard.images.model import Image

pytestmark = pytest.mark.peers

PEERS = os.environ.get("DOCKYARD_PEERS", "")
USER = Config.from_environment()
"""The root of whoever runs the tests; each test itself sees no ``DOCKYARD_*``."""
SMALL = "localhost/peers-small:1"
EXAMPLE = "my-ai-app"
PATIENCE = 90.0
"""Seconds for a model to be loaded on a busy machine."""

LAYOUTS: dict[str, tuple[Literal["docker", "oci"], ...]] = {
    "docker": ("docker",),  # its classic image store needs the manifest.json that "oci" lacks
    "podman": ("docker", "oci"),
}

DOCKERFILE = r"""
FROM busybox AS made
RUN mkdir -p /data/deep && echo first > /data/deep/file && ln -s deep/file /data/link \
    && ln /data/deep/file /data/hard && chmod 4711 /data/hard && echo gone > /gone

FROM busybox
ARG WHO=world
ENV GREETING="hello ${WHO}" EMPTY=
RUN echo visitor:x:10001:10001::/srv:/bin/sh >> /etc/passwd && rm -rf /tmp/* && echo x > /replaced
COPY --from=made --chown=10001:10001 /data /srv/data
RUN rm /replaced && mkdir /replaced && chmod 0750 /srv && chown 10001:10001 /srv
WORKDIR /srv
USER visitor
ENTRYPOINT ["sh", "-c"]
CMD ["echo $GREETING; id -u; id -g; pwd; env | grep -c ^EMPTY=; find . /replaced | sort | \
 xargs stat -c '%n %F %a %u:%g %h'; cat data/link; ls /gone 2>&1; true"]
"""

ASK = """
import json, sys, urllib.request
request = urllib.request.Request(
    "http://127.0.0.1:8000/similarity",
    json.dumps({"sentences": sys.argv[1:]}).encode(),
    {"Content-Type": "application/json"},
)
print(json.dumps(json.load(urllib.request.urlopen(request, timeout=30))["matrix"]))
"""
SENTENCES = (
    "How do I reset my password?",
    "I forgot my login credentials",
    "The cat sleeps on the sofa",
)


def peer(*command: str, data: bytes = b"", check: bool = True) -> str:
    """Runs a command among the peers; its standard output."""
    done = subprocess.run([PEERS, "run", *command], input=data, capture_output=True, check=False)
    if check:
        assert done.returncode == 0, f"{' '.join(command)}: {done.stderr.decode()}"
    return done.stdout.decode()


@pytest.fixture(params=["docker", "podman"])
def program(request: pytest.FixtureRequest) -> str:
    """One of the peers, where it is there and works."""
    if not PEERS:
        pytest.skip("DOCKYARD_PEERS names no program that runs Docker and Podman")
    name = str(request.param)
    done = subprocess.run([PEERS, "run", name, "version"], capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"{name} does not work: {done.stderr.decode().strip()}")
    return name


@contextlib.contextmanager
def loaded(
    program: str, engine: Engine, image: Image, layout: Literal["docker", "oci"]
) -> Iterator[str]:
    """The image's ID in a peer that has loaded it from our archive."""
    archive = io.BytesIO()
    engine.save([image.names[0]], archive.write, layout=layout)
    peer(program, "load", data=archive.getvalue())
    try:
        yield image.names[0]
    finally:
        peer(program, "rmi", "-f", image.names[0], check=False)


def test_an_image_of_ours_says_the_same_there(
    program: str, root: Root, engine: Engine, tmp_path: Path
) -> None:
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    image = engine.build(str(tmp_path), tag=SMALL, build_args={"WHO": "harbour"})
    root.own(image)
    _, here = foreground(engine, image=SMALL)

    assert here.text.startswith("hello harbour\n10001\n")
    for layout in LAYOUTS[program]:
        with loaded(program, engine, image, layout) as name:
            there = peer(program, "run", "--rm", "--network", "none", name)
        assert there == here.text


@pytest.fixture
def example(program: str) -> Iterator[tuple[Engine, Image]]:
    """The example's image in the environment's own root."""
    if os.geteuid() != 0:
        pytest.skip("containers need root here")
    with contextlib.ExitStack() as stack:
        try:
            engine = stack.enter_context(Engine(USER))
            image = engine.resolve(EXAMPLE)
        except DockyardError as error:
            pytest.skip(f"the example is not built: {error}")
        yield engine, image


def test_the_example_gives_the_same_answer_there(
    program: str, example: tuple[Engine, Image]
) -> None:
    engine, image = example
    with engine.run(image) as container:
        here = _until_answered(lambda: container.exec(_asking()))

    with loaded(program, engine, image, "docker") as name:
        number = peer(program, "run", "-d", name).strip()
        try:
            there = _until_answered(lambda: _exec(program, number))
        finally:
            peer(program, "rm", "-f", number)

    matrix = json.loads(here)
    assert matrix[0][1] > matrix[0][2]
    assert json.loads(there) == [pytest.approx(row, abs=1e-5) for row in matrix]


def _asking() -> Sequence[str]:
    return ("python", "-c", ASK, *SENTENCES)


def _exec(program: str, container: str) -> tuple[int, str]:
    command = [PEERS, "run", program, "exec", container, *_asking()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout or done.stderr


def _until_answered(ask: Callable[[], tuple[int, str]]) -> str:
    deadline = time.monotonic() + PATIENCE
    while True:
        code, said = ask()
        if code == 0:
            return said
        assert time.monotonic() < deadline, said
        time.sleep(0.5)
