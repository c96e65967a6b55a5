"""Package-aware layers: the same tree as without, and what is equal is an equal layer."""

from __future__ import annotations

import hashlib
import os
import random
import stat
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.integration.conftest import MakeRoot
from tests.integration.test_reproducible import LATER, clock
from tests.support import installed
from tests.support.environments import ENVIRONMENTS, Environment
from tests.support.roots import Root

from dockyard import Engine
from dockyard.build.progress import Event
from dockyard.images.model import Image
from dockyard.images.packages.budget import level
from dockyard.images.packages.divide import divide
from dockyard.system import mounts
from dockyard.system.files import remove_tree, tree_size

SMALL = [each for each in ENVIRONMENTS if not each.large]
SOAK = bool(os.environ.get("DOCKYARD_SOAK"))
CHOSEN = ENVIRONMENTS if SOAK else SMALL

Seen = dict[str, tuple[object, ...]]


def build(engine: Engine, place: Path, dockerfile: str, **options: object) -> Image:
    place.mkdir(exist_ok=True)
    (place / "Dockerfile").write_text(dockerfile)
    return engine.build(str(place), **options)  # type: ignore[arg-type]  # by name


def notes(image: Image) -> list[str]:
    """What the history says of each layer."""
    return [line.comment for line in image.config.history if not line.empty_layer]


def paths(root: Root, image: Image) -> list[str]:
    """The directories of an image's layers."""
    return [os.path.realpath(root.paths.layer(layer.id)) for layer in image.layers]


@contextmanager
def mounted(lowers: Sequence[str], place: Path) -> Iterator[Path]:
    place.mkdir()
    mounts.mount_overlay(mounts.Overlay(target=str(place), lowers=tuple(lowers)))
    try:
        yield place
    finally:
        mounts.unmount(str(place))
        place.rmdir()


def seen(top: Path) -> Seen:
    """All that a program can see of a tree, inode numbers aside."""
    found: Seen = {".": described(top)}
    first: dict[int, str] = {}
    for directory, below, names in os.walk(top):
        below.sort()
        for name in sorted([*below, *names]):
            path = Path(directory, name)
            status = path.lstat()
            shown = str(path.relative_to(top))
            same = first.setdefault(status.st_ino, shown) if status.st_nlink > 1 else ""
            found[shown] = (*described(path), "" if path.is_dir() else same)
    return found


def described(path: Path) -> tuple[object, ...]:
    status = path.lstat()
    names = sorted(os.listxattr(path, follow_symlinks=False))
    kind = stat.S_IFMT(status.st_mode)
    content = str(path.readlink()) if kind == stat.S_IFLNK else ""
    if kind == stat.S_IFREG:
        with path.open("rb") as stream:
            content = hashlib.file_digest(stream, "sha256").hexdigest()
    return (
        status.st_mode, status.st_uid, status.st_gid, status.st_mtime_ns, status.st_rdev, content,
        0 if kind == stat.S_IFDIR else status.st_nlink,
        [(name, os.getxattr(path, name, follow_symlinks=False)) for name in names],
    )  # fmt: skip


@pytest.fixture
def environment(request: pytest.FixtureRequest) -> Environment:
    chosen: Environment = request.param
    return chosen


@pytest.mark.timeout(0 if SOAK else 300)
@pytest.mark.parametrize("environment", CHOSEN, ids=lambda each: each.name, indirect=True)
def test_the_mounted_tree_is_the_same_as_undivided(
    root: Root, engine: Engine, tmp_path: Path, environment: Environment
) -> None:
    """To the byte and the nanosecond: the very directory of a plain layer, divided."""
    wheels = {"wheels": str(environment.wheels())}
    plain = build(engine, tmp_path / "c", environment.dockerfile(), layers="plain", contexts=wheels)
    *below, whole = paths(root, plain)
    upper = root.base / "upper"
    subprocess.run(["cp", "-a", "--", whole, upper], check=True)
    divided = divide(str(upper), str(root.base / "layers"), level(len(below), 0))
    with mounted([*below, whole], tmp_path / "one") as one:
        before = seen(one)
    with mounted([*below, *divided.directories], tmp_path / "many") as many:
        after = seen(many)

    assert len(divided.directories) > 2
    assert tree_size(str(upper)) < sum(map(tree_size, divided.directories)) / 10
    said = ", ".join(divided.division.notes)
    assert all(f"{name} " in said for name in environment.packages)
    assert after.keys() == before.keys()
    assert {
        path: (before[path], after[path]) for path in before if before[path] != after[path]
    } == {}
    subprocess.run(["rm", "-rf", upper, root.base / "layers"], check=True)


BIG = random.Random(4).randbytes(5 << 20)
SITE = "site/lib/python3.11/site-packages"
COPIED = "FROM busybox\nCOPY site /opt/venv\nRUN echo done > /opt/venv/done\n"


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """A context with an environment of three distributions, one of them large."""
    place = tmp_path / "context"
    packages = place / SITE
    installed.wheel(packages, "torch", "2.9.0", {"torch/lib.so": BIG, "../../../bin/run": b"#!"})
    installed.wheel(packages, "six", "1.16", {"six.py": b"six"}, requested=True)
    installed.wheel(packages, "idna", "3.7", {"idna/core.py": b"idna", "idna/old.py": b"old"})
    for path in place.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return place


class Cached:
    """Names of steps that came from the cache."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def __call__(self, event: Event) -> None:
        if event.kind == "cached":
            self.names.append(event.name)


def test_the_history_says_which_layer_holds_what(root: Root, engine: Engine, context: Path) -> None:
    image = build(engine, context, COPIED, tag="made:1")

    assert notes(image)[-5:] == [
        "dockyard.dockerfile.v1", "idna 3.7", "six 1.16", "torch 2.9.0", "dockyard.dockerfile.v1",
    ]  # fmt: skip
    shown = root.cli("history", "--format", "{{.CreatedBy}}: {{.Comment}}", "made:1", check=True)
    assert "COPY site /opt/venv: torch 2.9.0\n" in shown.stdout
    done = root.cli("run", "--rm", "made:1", "sh", "-c", "cd /opt/venv; cat done; find . -type f")
    files = {str(path.relative_to(context / "site")) for path in (context / "site").rglob("*")
             if path.is_file()}  # fmt: skip
    assert set(done.stdout.split()) == {"done", "./done", *(f"./{path}" for path in files)}


def test_a_cached_and_an_imported_result_give_the_same_image(
    make_root: MakeRoot, context: Path, tmp_path: Path
) -> None:
    here, there, fresh = make_root(), make_root(), make_root()
    shared = {"cache_to": [f"type=local,dest={tmp_path}/cache"]}
    with here.engine() as engine:
        first = build(engine, context, COPIED, **shared)
        cached = Cached()
        again = build(engine, context, COPIED, listener=cached)
        assert len(cached.names) == 3
    with there.engine() as engine:
        cached = Cached()
        taken = build(
            engine, context, COPIED, cache_from=[f"type=local,src={tmp_path}/cache"],
            listener=cached,
        )  # fmt: skip
        assert len(cached.names) == 3
    with fresh.engine() as engine:
        other = build(engine, context, COPIED)

    assert {image.id for image in (first, again, taken, other)} == {first.id}
    assert notes(first)[-2] == "torch 2.9.0"


def test_plain_makes_one_layer_a_step(root: Root, context: Path) -> None:
    with root.engine() as engine:
        divided = build(engine, context, COPIED)
        plain = build(engine, context, COPIED, layers="plain")
    assert len(plain.layers) == len(divided.layers) - 3
    assert set(notes(plain)[1:]) == {"dockyard.dockerfile.v1"}
    again = root.cli("build", "-q", "--layers", "plain", str(context), check=True)
    default = root.cli("build", "-q", str(context), check=True, env={"DOCKYARD_LAYERS": "plain"})
    assert {again.stdout.strip(), default.stdout.strip()} == {plain.id}
    done = root.cli("build", "-q", str(context), check=True)
    assert done.stdout.strip() == divided.id


def test_one_changed_requirement_changes_its_own_layer_and_the_rest(
    engine: Engine, context: Path
) -> None:
    """Another one that comes, and one that is asked for by name now, change no other either."""
    first = build(engine, context, COPIED)
    before = dict(zip(notes(first), first.layers, strict=True))
    packages = context / SITE
    remove_tree(f"{packages}/six-1.16.dist-info")
    installed.wheel(packages, "six", "1.17", {"six.py": b"newer"})
    remove_tree(f"{packages}/idna-3.7.dist-info")
    files = {"idna/core.py": b"idna", "idna/old.py": b"old"}
    installed.wheel(packages, "idna", "3.7", files, requested=True)
    installed.wheel(packages, "scipy", "1.0", {"scipy.so": BIG[::-1]})
    for path in context.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    second = build(engine, context, COPIED)
    after = dict(zip(notes(second), second.layers, strict=True))

    assert "six 1.17" in after
    assert "scipy 1.0" in after
    for name in ("torch 2.9.0", "idna 3.7"):
        assert after[name].diff_id == before[name].diff_id


def test_an_upgrade_in_a_later_step(root: Root, engine: Engine, context: Path) -> None:
    """What it removes is hidden by the rest, the lowest of its layers."""
    installed.wheel(context / "new", "idna", "4.0", {"idna/core.py": b"new"})
    where = SITE.replace("site/", "/opt/venv/", 1)
    dockerfile = (
        "FROM busybox\nCOPY site /opt/venv\n"
        f"RUN --mount=type=bind,source=new,target=/new cd {where} && rm -r idna idna-3.7.dist-info"
        " && cp -a /new/. . && rm ../../../bin/run\n"
    )
    image = build(engine, context, dockerfile, tag="made:1")
    rest, idna = paths(root, image)[-2:]

    assert notes(image)[-2:] == ["dockyard.dockerfile.v1", "idna 4.0"]
    gone = [path for path in Path(rest).rglob("*") if path.is_char_device()]
    assert {path.name for path in gone} == {"run", "old.py", "idna-3.7.dist-info"}
    assert not any(path.is_char_device() for path in Path(idna).rglob("*"))
    done = root.cli(
        "run", "--rm", "made:1", "sh", "-c", f"cd {where}; find idna* -type f | sort; cat idna/*"
    )
    assert done.stdout.split() == [
        "idna-4.0.dist-info/INSTALLER", "idna-4.0.dist-info/METADATA",
        "idna-4.0.dist-info/RECORD", "idna/core.py", "new",
    ]  # fmt: skip


@pytest.mark.parametrize("flags", ["--from=made", "--from=made --link"])
def test_an_environment_copied_from_another_stage(
    root: Root, engine: Engine, context: Path, flags: str
) -> None:
    dockerfile = (
        "FROM busybox AS made\nCOPY site /opt/venv\nRUN chmod 1750 /opt\n"
        f"FROM busybox\nRUN echo 1 > /first\nCOPY {flags} /opt /opt\n"
    )
    image = build(engine, context, dockerfile)
    again = build(engine, context, dockerfile, no_cache=True)

    assert again.id == image.id
    assert notes(image)[-4:] == [
        "dockyard.dockerfile.v1", "idna 3.7", "six 1.16", "torch 2.9.0"
    ]  # fmt: skip
    tops = [Path(path, "opt").stat() for path in paths(root, image)[-4:]]
    assert {(top.st_mode, top.st_mtime_ns) for top in tops} == {
        (tops[0].st_mode, tops[0].st_mtime_ns)
    }


def test_an_image_has_at_most_64_layers(engine: Engine, context: Path) -> None:
    """A cached result counts only where it would be divided the same way now."""
    for number in range(20):
        installed.wheel(context / SITE, f"d{number}", "1", {f"d{number}.py": b"%d" % number})
    lines = [f"COPY {SITE}/six.py /six{number}\n" for number in range(62)]
    few = build(engine, context, "FROM busybox\nCOPY site /opt/venv\n" + "".join(lines[:3]))
    many = build(engine, context, "FROM busybox\nCOPY site /opt/venv\n" + "".join(lines[:50]))
    most = build(engine, context, "FROM busybox\nCOPY site /opt/venv\n" + "".join(lines))
    again = build(
        engine, context, "FROM busybox\nCOPY site /opt/venv\n" + "".join(lines[:3]),
        no_cache=True,
    )  # fmt: skip

    assert len(few.layers) == 1 + 1 + 8 + 1 + 3
    assert len(many.layers) <= 64
    assert len(many.layers) > 50 + 2
    assert len(most.layers) == 64
    assert again.id == few.id


def test_a_divided_image_travels_as_an_archive(make_root: MakeRoot, context: Path) -> None:
    here, there = make_root(), make_root(images=False)
    with here.engine() as engine:
        copied = "FROM scratch\nCOPY site /opt/venv\nCOPY site/bin /bin\n"
        image = build(engine, context, copied, tag="made:1")
    here.cli("save", "-o", f"{context}/made.tar", "made:1", check=True)
    there.cli("load", "-i", f"{context}/made.tar", check=True)
    with there.engine() as engine:
        loaded = engine.resolve("made:1")
        where = paths(there, loaded)
    assert loaded.id == image.id
    with (
        mounted(paths(here, image), context / "one") as one,
        mounted(where, context / "two") as two,
    ):
        ours, theirs = seen(one), seen(two)
    assert {path: (*each[:3], *each[4:]) for path, each in ours.items()} == {
        path: (*each[:3], *each[4:]) for path, each in theirs.items()
    }


KILLED = """
import os, signal, sys
from dockyard import Config, Engine
from dockyard.images.packages import apply
rename, count = os.rename, 0
def dying(*arguments, **more):
    global count
    count += "src_dir_fd" in more
    if count > int(sys.argv[4]):
        os.kill(os.getpid(), signal.SIGKILL)
    rename(*arguments, **more)
apply.os = type("os", (), {**vars(os), "rename": staticmethod(dying)})
with Engine(Config(root=sys.argv[1], run=sys.argv[2])) as engine:
    engine.build(sys.argv[3])
"""


@pytest.mark.parametrize("renames", [0, 1, 5])
def test_a_kill_in_the_middle_leaves_nothing(root: Root, context: Path, renames: int) -> None:
    (context / "Dockerfile").write_text(COPIED)
    done = subprocess.run(
        [sys.executable, "-c", KILLED, root.paths.root, root.paths.run, context, str(renames)],
        env=root.environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == -9, done.stderr
    after = root.cli("run", "--rm", "busybox", "echo", "works")
    assert after.stdout == "works\n", after.stderr
    assert root.leftovers() == []
    with root.engine() as engine:
        assert "torch 2.9.0" in notes(engine.build(str(context)))


INSTALLED = """
import os, sys
from dockyard import Config, Engine
with Engine(Config(root=sys.argv[1], run=sys.argv[2])) as engine:
    contexts = {"wheels": sys.argv[4], "clock": sys.argv[5]}
    image = engine.build(sys.argv[3], contexts=contexts)
    lines = [line for line in image.config.history if not line.empty_layer]
    for line, layer in zip(lines, image.layers):
        print(layer.diff_id, line.comment)
"""


REPEATED = [
    each for each in ENVIRONMENTS if each.name in {"fastapi", "uv", "conda", "torch", "jax"}
]


@pytest.mark.timeout(0 if SOAK else 300)
@pytest.mark.parametrize(
    "environment", REPEATED if SOAK else REPEATED[:1], ids=lambda each: each.name, indirect=True
)
def test_the_same_requirements_on_two_roots_on_two_days_give_the_same_layers(
    make_root: MakeRoot, tmp_path: Path, environment: Environment
) -> None:
    """The kernel dates files by its own clock, so the second installation is dated by hand.

    conda's records have the time of the installation in them, and so have those of uv where it
    takes packages from a directory; they are in the lowest layer.
    """
    place = tmp_path / "context"
    place.mkdir()
    text = environment.dockerfile().replace(
        "RUN --mount", "RUN --mount=type=bind,from=clock,target=/clock --mount"
    )
    text = text.rstrip() + (
        " && find /opt -name '*.pyc' -delete && find /opt -exec touch -h -d @$(cat /clock/now) {} +"
        " && { python3 -m compileall -q /opt || true; }\n"
    )
    (place / "Dockerfile").write_text(text)
    found = []
    for ahead in (0, LATER):
        root = make_root()
        more, variables = clock(tmp_path / f"clock-{ahead}", ahead)
        done = subprocess.run(
            [sys.executable, "-c", INSTALLED, root.paths.root, root.paths.run, place,
             environment.wheels(), more],
            env=root.environment(**variables), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        found.append(done.stdout.splitlines())
    if environment.name in {"conda", "uv"}:
        found = [[line for line in lines if "dockerfile" not in line] for lines in found]

    assert found[0] == found[1]
    assert len(found[0]) > len(environment.packages)
    assert all(f"{name} " in "".join(found[0]) for name in environment.packages)
