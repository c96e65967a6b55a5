from __future__ import annotations

import concurrent.futures
import contextlib
import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dockyard.errors import NotFound, StateError
from dockyard.images.layers import LayerStore
from dockyard.images.tarwriter import diff_id
from dockyard.state.database import Database
from dockyard.state.locks import Lock
from dockyard.state.paths import Paths
from dockyard.system import files

EPOCH = 1_700_000_000


class _Root:
    """A state root with one living holder, ``me``."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.paths = Paths(str(base / "root"), str(base / "run"))
        self.paths.prepare()
        self.database = Database(self.paths.database)
        self.store = LayerStore(self.paths, self.database)
        self.lock = self.hold("me")
        self._count = 0

    def hold(self, holder: str) -> Lock:
        return Lock.acquire(f"{self.paths.locks}/{holder}.lock")

    def directory(self, content: str) -> str:
        self._count += 1
        path = self.base / f"d{self._count}"
        path.mkdir()
        (path / "file").write_text(content)
        os.utime(path / "file", (0, 5))
        return str(path)

    def publish(self, content: str = "x", holder: str = "me") -> str:
        directory = self.directory(content)
        return self.store.publish(directory, holder=holder, epoch=EPOCH, times="clamp")

    def on_disk(self) -> set[str]:
        return set(os.listdir(self.paths.layers))

    def states(self) -> dict[str, str]:
        return dict(self.database.query("SELECT id, state FROM layers"))


@pytest.fixture
def root(tmp_path: Path) -> Iterator[_Root]:
    made = _Root(tmp_path)
    yield made
    made.lock.release()
    made.database.close()


def test_a_sealed_layer_is_found_by_what_it_contains(root: _Root) -> None:
    layer = root.store.seal(root.publish())
    path = root.paths.layer(layer.id)
    assert (layer.diff_id, layer.size) == diff_id(path, epoch=EPOCH, times="clamp")
    assert root.store.get(layer.id) == layer
    assert root.store.paths_of([layer]) == (path,)


def test_an_unsealed_layer_is_nobody_elses(root: _Root) -> None:
    layer_id = root.publish()
    with pytest.raises(NotFound):
        root.store.get(layer_id)
    with pytest.raises(NotFound):
        root.store.lease("other", [layer_id])


def test_a_second_layer_with_the_same_content_is_the_first(root: _Root) -> None:
    first, twin = root.publish(), root.publish()
    layer = root.store.seal(first)
    assert root.store.seal(twin) == layer
    root.store.collect()
    assert root.on_disk() == {first, twin}  # the holder may have it mounted
    root.store.collect("me")
    assert root.on_disk() == {first}


def test_sealing_twice_gives_the_same_layer(root: _Root) -> None:
    layer = root.store.seal(root.publish(), synced=True)
    assert root.store.seal(layer.id) == layer


def test_times_are_part_of_the_content(root: _Root) -> None:
    ids = [
        root.store.publish(root.directory("x"), holder="me", epoch=EPOCH, times="clamp"),
        root.store.publish(root.directory("x"), holder="me", epoch=EPOCH, times="epoch"),
    ]
    assert len({root.store.seal(layer_id).diff_id for layer_id in ids}) == 2


def test_a_layer_stays_while_it_is_leased(root: _Root) -> None:
    layer = root.store.seal(root.publish())
    assert root.store.collect() == 0
    root.store.release("me")
    assert root.store.collect() == layer.size
    assert root.on_disk() == set()
    assert root.states() == {}


@pytest.mark.parametrize(
    "reference",
    [
        "INSERT INTO image_layers VALUES ('i', 0, ?)",
        "INSERT INTO cache_layers VALUES ('k', 0, ?)",
    ],
)
def test_a_layer_stays_while_an_image_or_the_cache_has_it(root: _Root, reference: str) -> None:
    layer = root.store.seal(root.publish())
    root.database.execute("INSERT INTO images VALUES ('i', x'00', 0, 0)")
    root.database.execute(
        "INSERT INTO cache (key, description, created, used, result) VALUES ('k', '', 0, 0, x'00')"
    )
    root.database.execute(reference, (layer.id,))
    root.store.release("me")
    root.store.collect()
    assert root.on_disk() == {layer.id}


def test_a_lease_of_a_dead_holder_is_void(root: _Root) -> None:
    layer = root.store.seal(root.publish())
    root.store.lease("dead", [layer.id])
    root.store.release("me")
    root.store.collect()
    assert root.on_disk() == set()
    assert not os.path.exists(f"{root.paths.locks}/dead.lock")


def test_a_lease_is_all_or_nothing(root: _Root) -> None:
    layer = root.store.seal(root.publish())
    with pytest.raises(NotFound):
        root.store.lease("other", [layer.id, "0" * 16])
    assert root.database.query("SELECT holder FROM leases") == [("me",)]


def test_what_a_dead_holder_left_unsealed_goes(root: _Root) -> None:
    mine, other = root.publish("mine"), root.publish("other", holder="dead")
    root.store.collect()
    assert root.on_disk() == {mine}
    assert root.states() == {mine: "pending"}
    with pytest.raises(NotFound):
        root.store.seal(other)


def test_collected_content_can_come_back(root: _Root) -> None:
    first = root.store.seal(root.publish())
    root.store.release("me")
    root.store.collect()
    second = root.store.seal(root.publish())
    assert second.diff_id == first.diff_id
    assert second.id != first.id


@pytest.mark.skipif(os.geteuid() != 0, reason="sets inode flags")
def test_immutable_files_are_collected(root: _Root) -> None:
    layer_id = root.publish(holder="dead")
    path = root.paths.layer(layer_id)
    if subprocess.run(["chattr", "+i", f"{path}/file", path], capture_output=True).returncode:
        pytest.skip("no inode flags here")
    root.store.collect()
    assert root.on_disk() == set()


def test_one_layer_that_can_not_be_deleted_does_not_keep_the_others(
    root: _Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck, *_ = [root.publish(f"{number}", holder="dead") for number in range(3)]
    remove = files.remove_tree

    def fail(path: str) -> None:
        if path.endswith(stuck):
            raise OSError(errno.EBUSY, "mounted")
        remove(path)

    monkeypatch.setattr(files, "remove_tree", fail)
    with pytest.raises(StateError, match=stuck):
        root.store.collect()
    assert root.states() == {stuck: "deleting"}
    monkeypatch.undo()
    root.store.collect()
    assert root.on_disk() == set()


def test_several_may_collect_at_once(root: _Root) -> None:
    for number in range(10):
        directory = Path(root.paths.layer(root.publish(f"{number}", holder="dead")))
        for name in range(30):
            (directory / f"{name}" / "b" / "c").mkdir(parents=True)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(root.store.collect) for _ in range(4)]:
            done.result()
    root.store.collect()
    assert (root.states(), root.on_disk()) == ({}, set())
    assert not [name for name in os.listdir(root.paths.locks) if name.startswith("layer-")]


def test_a_directory_that_can_not_be_moved_leaves_no_record(root: _Root) -> None:
    with pytest.raises(Exception, match="cannot use"):
        root.store.publish(str(root.base / "none"), holder="me", epoch=0, times="clamp")
    assert root.states() == {}


_CHILD = """
import os, sys
from dockyard.images.layers import LayerStore
from dockyard.state.database import Database
from dockyard.state.locks import Lock
from dockyard.state.paths import Paths

root, run, holder, directories = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
paths = Paths(root, run)
store = LayerStore(paths, Database(paths.database))
lock = Lock.acquire(f"{paths.locks}/{holder}.lock")
for directory in directories:
    layer = store.publish(directory, holder=holder, epoch=5, times="clamp")
    print(store.seal(layer).id, flush=True)
    store.collect(holder)
sys.stdin.read()
"""


@contextlib.contextmanager
def _child(root: _Root, holder: str, contents: list[str]) -> Iterator[subprocess.Popen[str]]:
    """A process that makes layers, prints their ids, and then lives until the block ends."""
    command = [sys.executable, "-c", _CHILD, root.paths.root, root.paths.run, holder]
    directories = [root.directory(content) for content in contents]
    with subprocess.Popen(
        [*command, *directories], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        try:
            yield child
        finally:
            child.kill()


def _lines(child: subprocess.Popen[str], count: int) -> list[str]:
    assert child.stdout is not None
    return [child.stdout.readline() for _ in range(count)]


def test_processes_that_seal_the_same_content_agree(root: _Root) -> None:
    contents = [f"content {number}" for number in range(12)]
    with contextlib.ExitStack() as stack:
        children = [stack.enter_context(_child(root, f"builder-{i}", contents)) for i in range(3)]
        answers = [_lines(child, len(contents)) for child in children]
        assert "" not in answers[0]
        assert answers[0] == answers[1] == answers[2]
    root.store.collect()
    assert root.states() == {}
    assert root.on_disk() == set()


@pytest.mark.parametrize("delay_lines", [0, 1, 3, 7])
def test_nothing_stays_of_a_killed_process(root: _Root, delay_lines: int) -> None:
    kept = root.store.seal(root.publish("kept"))
    with _child(root, "victim", [f"c{number}" for number in range(40)]) as child:
        _lines(child, delay_lines)
        child.send_signal(signal.SIGKILL)
    root.store.collect()
    assert root.states() == {kept.id: "ready"}
    assert root.on_disk() == {kept.id}


def test_a_killed_collection_is_finished_by_the_next(root: _Root) -> None:
    for number in range(30):
        root.store.seal(root.publish(f"{number}"), synced=True)
    root.store.release("me")
    code = (
        "import os, sys; from dockyard.system import files;"
        "from dockyard.images.layers import LayerStore;"
        "from dockyard.state.database import Database; from dockyard.state.paths import Paths;"
        "paths = Paths(*sys.argv[1:]); real = files.remove_tree; left = [7]\n"
        "def remove(path):\n"
        "    left[0] -= 1\n"
        "    os.unlink(path + '/file') if left[0] == 0 else real(path)\n"
        "    left[0] or os.kill(os.getpid(), 9)\n"
        "files.remove_tree = remove\n"
        "LayerStore(paths, Database(paths.database)).collect()"
    )
    done = subprocess.run([sys.executable, "-c", code, root.paths.root, root.paths.run])
    assert done.returncode == -signal.SIGKILL
    assert set(root.states().values()) == {"deleting"}
    root.store.collect()
    assert root.states() == {}
    assert root.on_disk() == set()
