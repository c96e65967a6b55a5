"""What watching copies, as it is when it is read, and who may watch."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from dockyard.compose.watch import apply, sync
from dockyard.state.locks import Lock

SHORTER_THAN_IT_SAYS = "/sys/class/net/lo/mtu"
"""The kernel says 4096 bytes, and gives a few."""


def copied(*paths: str) -> dict[str, tuple[bytes, bytes]]:
    """Types and contents of what arrives in a container, by path."""
    received: list[bytes] = []

    def unpack(_container: str, stream: io.BufferedReader, _to: str) -> None:
        received.append(stream.read())

    engine: Any = SimpleNamespace(containers=SimpleNamespace(unpack=unpack))
    container = SimpleNamespace(id="c", state="running")
    stack: Any = SimpleNamespace(of=lambda _service: (container,))
    sync.copy(engine, stack, "web", {path: f"/in/{os.path.basename(path)}" for path in paths})
    with tarfile.open(fileobj=io.BytesIO(received[0])) as tar:
        return {
            each.name: (each.type, (tar.extractfile(each) or io.BytesIO()).read() if each.isfile()
                        else each.linkname.encode())
            for each in tar.getmembers()
        }  # fmt: skip


def test_a_file_that_shrinks_meanwhile_is_copied_as_far_as_it_goes(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"as it is")

    found = copied(SHORTER_THAN_IT_SAYS, str(other))
    assert found["in/mtu"] == (tarfile.REGTYPE, Path(SHORTER_THAN_IT_SAYS).read_bytes())
    assert found["in/other"] == (tarfile.REGTYPE, b"as it is")


def test_links_stay_links_and_what_is_no_file_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc/hostname")
    (tmp_path / "directory").mkdir()
    os.mkfifo(tmp_path / "pipe")

    found = copied(*(str(tmp_path / name) for name in ("link", "directory", "pipe")))
    assert found == {
        "in/link": (tarfile.SYMTYPE, b"/etc/hostname"),
        "in/directory": (tarfile.DIRTYPE, b""),
    }


def test_who_watches_holds_no_other_projects_lock(tmp_path: Path) -> None:
    engine: Any = SimpleNamespace(paths=SimpleNamespace(locks=str(tmp_path)))
    other = Lock.try_acquire(f"{tmp_path}/compose-watch-foo.lock")
    assert other is not None
    with apply.alone(engine, "foo"):
        other.release(remove=True)
    assert os.listdir(tmp_path) == []
