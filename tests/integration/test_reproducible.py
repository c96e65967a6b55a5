"""The same inputs give the same image: elsewhere, later, by somebody else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from tests.integration.conftest import MakeRoot
from tests.support.bases import CHECKOUT
from tests.support.roots import Root

DOCKERFILE = """\
FROM busybox AS made
RUN mkdir -p /d/sub && for n in 3 1 2; do echo $n > /d/$n; done && ln /d/1 /d/hard && ln -s 1 /d/s
FROM busybox
ARG WHO=world
ENV HELLO=$WHO
WORKDIR /srv/app
COPY . .
COPY --from=made /d /data
ADD made.tar /unpacked/
RUN umask > /umask && date +%N > /dev/null && rm -r /data/sub && mkdir /data/sub && touch new
RUN mkdir /empty
LABEL b=2 a=1
"""
FILES = {"z": "last\n", "a": "first\n", "m/deep/f": "deep\n", "m/b": "b\n", "run.sh": "#!/bin/sh\n"}

BUILD = """
import os, sys
from dockyard import Config, Engine
os.umask(int(sys.argv[1], 8))
contexts = {"clock": sys.argv[5]} if sys.argv[5:] else {}
with Engine(Config(root=sys.argv[2], run=sys.argv[3])) as engine:
    image = engine.build(
        sys.argv[4], tag="made:1", build_args={"WHO": "harbour"}, contexts=contexts
    )
    print(image.id, *(layer.diff_id for layer in image.layers))
"""

PATIENT = """
import select, time
time.sleep = lambda seconds: select.select([], [], [], seconds) and None
"""
"""libfaketime reckons the moment at which a sleep ends by the wrong clock: EINVAL."""
LATER = 7 * 365 * 86400
"""Seconds that another clock is ahead."""
CLOCKED = """\
FROM python:3.11
COPY app /app
RUN --mount=type=bind,from=clock,target=/clock echo 'ONE = 1' > /app/written.py \
    && mkdir /empty && touch -d @$(cat /clock/now) /app/written.py /app /empty \
    && python -m compileall -q /app
CMD ["python", "-m", "app.written"]
"""
"""The kernel dates files by its own clock, whatever a step's program believes; hence ``touch``."""


def context(place: Path, names: list[str], moment: float) -> Path:
    """The same files, made in this order and at that time."""
    place.mkdir()
    place.chmod(0o755)
    for name in names:
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(FILES[name])
        path.chmod(0o755 if name == "run.sh" else 0o644)
    (place / "Dockerfile").write_text(DOCKERFILE)
    (place / "Dockerfile").chmod(0o644)
    subprocess.run(
        ["tar", "-cf", "made.tar", "--mtime=@1700000000", "--owner=0", "--group=0", "a"],
        cwd=place, check=True,
    )  # fmt: skip
    (place / "made.tar").chmod(0o644)
    for path in (place, *place.rglob("*")):
        if path.is_dir():
            path.chmod(0o755)
        os.utime(path, (moment, moment))
    return place


def built(root: Root, place: Path, umask: str, *more: str, **variables: str) -> list[str]:
    """Image ID and diff IDs of a build by a process of its own."""
    directories = (root.paths.root, root.paths.run, str(place), *more)
    zone = "Asia/Tokyo" if umask == "077" else "UTC"
    done = subprocess.run(
        [sys.executable, "-c", BUILD, umask, *directories],
        env=root.environment(TZ=zone, **variables), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_two_builds_under_other_circumstances_give_one_image(
    make_root: MakeRoot, tmp_path: Path
) -> None:
    here, there = make_root(), make_root()
    now = time.time()
    first = built(here, context(tmp_path / "one", sorted(FILES), now), "022")
    time.sleep(1.1)  # whole seconds are what a tar has
    second = built(
        there, context(tmp_path / "other", sorted(FILES, reverse=True), now - 10_000_000), "077"
    )

    assert first == second
    assert len(first) > 6


def clock(place: Path, ahead: int) -> tuple[str, dict[str, str]]:
    """A context that has the time, and variables that make a program believe it."""
    place.mkdir()
    (place / "now").write_text(f"{time.time() + ahead:.0f}\n")
    modules = place.with_name(f"{place.name}-modules")
    modules.mkdir()
    (modules / "sitecustomize.py").write_text(PATIENT)
    (library,) = Path("/usr/lib").glob("*/faketime/libfaketime.so.1")
    believed = {"FAKETIME": f"+{ahead}", "DONT_FAKE_MONOTONIC": "1", "LD_PRELOAD": str(library),
                "PYTHONPATH": f"{modules}:{CHECKOUT / 'src'}"}  # fmt: skip
    return str(place), believed if ahead else {}


def test_a_build_years_later_gives_the_same_image(make_root: MakeRoot, tmp_path: Path) -> None:
    """With a file and a ``.pyc`` that a RUN step made, which has the time of its source in it."""
    place = tmp_path / "context"
    (place / "app").mkdir(parents=True)
    (place / "app" / "__init__.py").write_text("")
    (place / "Dockerfile").write_text(CLOCKED)
    found, moments, times = [], [], []
    for ahead in (0, LATER):
        root = make_root()
        more, variables = clock(tmp_path / f"clock-{ahead}", ahead)
        found.append(built(root, place, "022", more, **variables))
        with root.engine() as engine:
            image = engine.resolve("made:1")
            layer = Path(root.paths.layer(image.layers[-1].id))
        moments.append(image.built / 10**9)
        (compiled,) = layer.glob("app/__pycache__/written.*.pyc")
        recorded = int.from_bytes(compiled.read_bytes()[8:12], "little")
        times.append((recorded, (layer / "app" / "written.py").stat().st_mtime))

    assert found[0] == found[1]
    assert abs(moments[1] - moments[0] - LATER) < 3600  # the engine did believe it
    assert all(later - early >= LATER for early, later in zip(*times, strict=True))


def test_the_content_and_nothing_else_decides(make_root: MakeRoot, tmp_path: Path) -> None:
    root = make_root()
    place = context(tmp_path / "one", sorted(FILES), time.time())
    first = built(root, place, "022")
    (place / "m" / "b").chmod(0o600)
    second = built(root, place, "022")

    assert first[0] != second[0]
    with root.engine() as engine:
        document = json.loads(engine.resolve("made:1").config_bytes)
        assert document["created"] == engine.resolve("busybox").config.created
