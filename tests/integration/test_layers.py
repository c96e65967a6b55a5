"""Layers under real overlay mounts: what a step leaves is the same tree when it is stacked."""

from __future__ import annotations

import contextlib
import functools
import io
import os
import shutil
import socket
import stat
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dockyard.images.normalise import missing_mount_points, normalise
from dockyard.images.tarwriter import write_layer
from dockyard.images.untar import extract
from dockyard.images.view import LowerView, is_whiteout
from dockyard.system import mounts

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounts overlays")

EPOCH = 2_000_000_000

Tree = dict[str, tuple[object, ...]]


@pytest.fixture(scope="module")
def space() -> Iterator[Path]:
    """A directory on a filesystem that can be an overlay's upper directory."""
    base = Path(tempfile.mkdtemp(prefix="dockyard-layers-", dir="/var/tmp"))
    yield base
    mounts.unmount_below(str(base))
    subprocess.run(["rm", "-rf", base], check=True)


@contextlib.contextmanager
def _overlay(base: Path, lowers: Sequence[Path], upper: Path | None) -> Iterator[Path]:
    target, work = base / "merged", base / "work"
    target.mkdir(exist_ok=True)
    work.mkdir(exist_ok=True)
    (base / "empty").mkdir(exist_ok=True)
    overlay = mounts.Overlay(
        target=str(target),
        lowers=tuple(map(str, [base / "empty", *lowers])),
        upper=None if upper is None else str(upper),
        work=None if upper is None else str(work),
    )
    mounts.mount_overlay(overlay)
    try:
        yield target
    finally:
        mounts.unmount(str(target))


def _describe(path: str) -> tuple[object, ...]:
    status = os.lstat(path)
    what: object = status.st_rdev
    if stat.S_ISREG(status.st_mode):
        what = Path(path).read_bytes()
    elif stat.S_ISLNK(status.st_mode):
        what = os.readlink(path)
    return (status.st_mode, status.st_uid, status.st_gid, status.st_mtime_ns, what)


def _tree(root: Path, *, ghosts: bool = False) -> Tree:
    """What a directory holds.

    Args:
        ghosts: pass over names that are listed but aren't there. So overlayfs shows a whiteout in
            a directory that only one layer has, which layers have above others than their own.
    """
    found: Tree = {}
    for base, directories, files in os.walk(root):
        for name in directories + files:
            path = f"{base}/{name}"
            if ghosts and not os.path.lexists(path):
                continue
            if not stat.S_ISSOCK(os.lstat(path).st_mode):
                found[os.path.relpath(path, root)] = _describe(path)
    return found


def _view_tree(view: LowerView, path: str = "") -> Tree:
    found: Tree = {}
    for name in view.listdir(path):
        child = f"{path}/{name}" if path else name
        place, status = view.locate(child), view.lookup(child)
        assert place is not None
        assert status is not None
        found[child] = _describe(place)
        if stat.S_ISDIR(status.st_mode):
            found |= _view_tree(view, child)
    return found


def _step(base: Path, lowers: Sequence[Path], upper: Path, act: Callable[[Path], object]) -> Tree:
    """Does what a RUN does; returns the tree that it saw at its end."""
    upper.mkdir(parents=True)
    with _overlay(base, lowers, upper) as merged:
        act(merged)
        tree = _tree(merged)
    normalise(str(upper), [str(lower) for lower in lowers], engine_mounts=())
    return tree


def _stacked(base: Path, layers: Sequence[Path]) -> Tree:
    with _overlay(base, layers, None) as merged:
        return _tree(merged)


def _shell(script: str) -> Callable[[Path], object]:
    return lambda merged: subprocess.run(["sh", "-ec", script], cwd=merged, check=True)


_BASE = "mkdir -p a/b/c d e; for f in a/1 a/b/2 a/b/c/3 d/4 d/5 e/6; do echo $f > $f; done"

_SCRIPTS = {
    "replace a directory": "rm -rf a; mkdir a; echo new > a/new",
    "same names again": "rm -rf a; mkdir -p a/b/c; echo new > a/b/c/new",
    "rename within": "cp -a a x; rm -rf a; mv x y; mv y a; rm a/1",
    "rename over": "mkdir -p n/b; echo n > n/b/n; rm -rf d; mv n d",
    "rename merged": "mv a z",
    "file over directory": "rm -rf a; echo file > a",
    "directory over file": "rm e/6; mkdir e/6; echo x > e/6/x",
    "symlink over directory": "rm -rf a; ln -s d a",
    "delete all": "rm -rf a d e",
    "delete and make": "rm d/4; echo again > d/4; rm d/5",
    "hard links": "ln d/4 d/link; ln d/4 e/link; mkfifo e/pipe",
    "attributes": "chmod 700 a; chown 5:6 a/b; touch -d @5 a/b/2; chmod 4755 d/4",
    "nothing": "cat d/4 > /dev/null",
}


@pytest.mark.parametrize("name", _SCRIPTS)
def test_a_step_means_the_same_when_stacked(space: Path, tmp_path: Path, name: str) -> None:
    base = Path(tempfile.mkdtemp(dir=space))
    first, second, third = base / "l/1", base / "l/2", base / "l/3"
    _step(base, [], first, _shell(_BASE))
    seen = _step(base, [first], second, _shell(_SCRIPTS[name]))
    assert _stacked(base, [first, second]) == seen
    assert _view_tree(LowerView([str(first), str(second)])) == seen
    seen = _step(base, [first, second], third, _shell("rm -rf *; " + _BASE))
    assert _stacked(base, [first, second, third]) == seen
    assert not _attributes_of_overlayfs(base / "l")


def _attributes_of_overlayfs(root: Path) -> list[str]:
    return [
        f"{path}: {name}"
        for path in root.rglob("*")
        for name in os.listxattr(path, follow_symlinks=False)
        if ".overlay." in name
    ]


_PATHS = st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map("/".join)
_ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["write", "write", "mkdir", "rm", "rm", "mv", "mv", "ln", "sym", "chmod"]),
        _PATHS,
        _PATHS,
    ),
    max_size=14,
)
Actions = list[tuple[str, str, str]]


def _act(root: Path, actions: Actions) -> None:
    for index, (verb, one, two) in enumerate(actions):
        with contextlib.suppress(OSError, shutil.Error):
            _do(verb, root / one, root / two, index)


def _do(verb: str, one: Path, two: Path, index: int) -> None:
    if verb == "write":
        one.parent.mkdir(parents=True, exist_ok=True)
        one.write_text(f"{index}")
    elif verb == "mkdir":
        one.mkdir(parents=True)
    elif verb == "rm":
        shutil.rmtree(one) if one.is_dir() and not one.is_symlink() else one.unlink()  # noqa: TID251
    elif verb == "mv" and not two.resolve().is_relative_to(one.resolve()):
        shutil.move(one, two)
    elif verb == "ln":
        os.link(one, two, follow_symlinks=False)
    elif verb == "sym":
        one.symlink_to(two.name)
    elif verb == "chmod" and not one.is_symlink():
        one.chmod(0o700 + index)


@settings(max_examples=40, deadline=None)
@given(st.lists(_ACTIONS, min_size=1, max_size=4))
def test_any_steps_mean_the_same_when_stacked(space: Path, steps: list[Actions]) -> None:
    base = Path(tempfile.mkdtemp(dir=space))
    layers: list[Path] = []
    for number, actions in enumerate(steps):
        layer = base / f"layers/{number}"

        def act(merged: Path, actions: Actions = actions) -> None:
            _act(merged, actions)

        seen = _step(base, layers, layer, act)
        layers.append(layer)
        assert _stacked(base, layers) == seen
        assert _view_tree(LowerView([str(path) for path in layers])) == seen
    _check_tars(base, layers, _stacked(base, layers))


@settings(max_examples=30, deadline=None)
@given(st.lists(_ACTIONS, min_size=1, max_size=4), st.lists(st.integers(0, 3), max_size=7))
def test_a_layer_that_is_there_twice_counts_as_if_one_were_applied_after_the_other(
    space: Path, steps: list[Actions], order: list[int]
) -> None:
    base = Path(tempfile.mkdtemp(dir=space))
    layers = [base / f"layers/{number}" for number in range(len(steps))]
    for number, actions in enumerate(steps):
        _step(base, layers[:number], layers[number], functools.partial(_act, actions=actions))
    stack = [layers[number % len(layers)] for number in order]
    applied = base / "applied"
    applied.mkdir()
    for layer in stack:
        _apply(layer, applied)

    with _overlay(base, stack, None) as merged:
        assert _tree(merged, ghosts=True) == _tree(applied)
    assert _view_tree(LowerView([str(layer) for layer in stack])) == _tree(applied)


def _apply(layer: Path, target: Path) -> None:
    """Puts a layer over a plain directory, entry by entry."""
    for source in layer.iterdir():
        place, status = target / source.name, source.lstat()
        if not (source.is_dir() and not source.is_symlink()):
            _remove(place)
            if not is_whiteout(status):
                shutil.copy2(source, place, follow_symlinks=False)
            continue
        if place.is_symlink() or not place.is_dir():
            _remove(place)
            place.mkdir()
        _apply(source, place)
        shutil.copystat(source, place)


def _remove(place: Path) -> None:
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)  # noqa: TID251
    else:
        place.unlink(missing_ok=True)


def _check_tars(base: Path, layers: list[Path], tree: Tree) -> None:
    """Layers that went through their tars stack to the same tree, but for fractions of times."""
    copies = []
    for number, layer in enumerate(layers):
        copy = base / f"copies/{number}"
        copy.mkdir(parents=True)
        data = io.BytesIO()
        write_layer(str(layer), data.write, epoch=EPOCH, times="clamp")
        data.seek(0)
        assert extract(data, str(copy), whiteouts=True).self_contained
        copies.append(copy)
    assert _whole_seconds(_stacked(base, copies)) == _whole_seconds(tree)


def _whole_seconds(tree: Tree) -> Tree:
    return {
        path: (*value[:3], int(str(value[3])) // 10**9, value[4]) for path, value in tree.items()
    }


def test_mount_points_of_the_engine_leave_no_trace(space: Path) -> None:
    base = Path(tempfile.mkdtemp(dir=space))
    first, second = base / "1", base / "2"
    _step(base, [], first, _shell("mkdir -p etc run; echo h > etc/hosts"))
    second.mkdir()
    targets = ["/etc/hosts", "/etc/resolv.conf", "/proc", "/run/secrets/token"]
    made = missing_mount_points(LowerView([str(first)]), targets)
    with _overlay(base, [first], second) as merged:
        (merged / "proc").mkdir()
        (merged / "run/secrets").mkdir()
        (merged / "run/secrets/token").touch()
        (merged / "etc/resolv.conf").touch()
        mounts.bind("/etc/hostname", str(merged / "etc/resolv.conf"))
        (merged / "new").write_text("of the step")
        mounts.unmount(str(merged / "etc/resolv.conf"))
    normalise(str(second), [str(first)], engine_mounts=made)
    assert [path.name for path in second.rglob("*")] == ["new"]


def test_a_file_of_an_archive_replaces_a_directory_of_a_lower_layer(space: Path) -> None:
    base = Path(tempfile.mkdtemp(dir=space))
    lower, upper = base / "lower", base / "upper"
    upper.mkdir()
    (lower / "opt/d/sub" / "/".join(["deep"] * 40)).mkdir(parents=True)
    (lower / "opt/d/sub/file").touch()
    (lower / "opt/d/link").symlink_to("/")
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("opt/d"))
    data.seek(0)
    with _overlay(base, [lower], upper) as merged:
        (merged / "opt/d/sub/new/one").mkdir(parents=True)
        extract(data, str(merged), whiteouts=False)
        assert (merged / "opt/d").is_file()
    assert (lower / "opt/d/sub/file").exists()


def test_sockets_and_immutable_files(space: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = Path(tempfile.mkdtemp(dir=space))

    def act(merged: Path) -> None:
        monkeypatch.chdir(merged)
        (merged / "fixed").write_text("x")
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("socket")
        monkeypatch.chdir("/")

    upper = base / "upper"
    upper.mkdir()
    with _overlay(base, [], upper) as merged:
        act(merged)
    if subprocess.run(["chattr", "+i", upper / "fixed"], capture_output=True).returncode:
        pytest.skip("no inode flags here")
    normalise(str(upper), [], engine_mounts=())
    assert [path.name for path in upper.iterdir()] == ["fixed"]
    (upper / "fixed").unlink()


def test_compiled_python_is_accepted_after_the_tar(space: Path) -> None:
    """The changed time in the header is that of the source in the same tar."""
    base = Path(tempfile.mkdtemp(dir=space))
    layer, copy = base / "layer", base / "copy"
    layer.mkdir()
    copy.mkdir()
    (layer / "module.py").write_text("VALUE = 1\n")
    subprocess.run([sys.executable, "-m", "compileall", "-q", layer], check=True)
    data = io.BytesIO()
    write_layer(str(layer), data.write, epoch=1_000_000_000, times="clamp")
    data.seek(0)
    extract(data, str(copy), whiteouts=True)
    done = subprocess.run(
        [sys.executable, "-v", "-c", "import module"], cwd=copy, capture_output=True, text=True
    )
    assert f"matches {copy}/module.py" in done.stderr
