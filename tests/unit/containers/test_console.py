"""Messages to a monitor: each has the FIFO to itself."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from dockyard.containers import console


class Reader(threading.Thread):
    """Reads as conmon does: whatever has gathered, in one go."""

    def __init__(self, path: Path, count: int) -> None:
        super().__init__(daemon=True)
        os.mkfifo(path)
        self._descriptor = os.open(path, os.O_RDWR)
        self._count = count
        self.messages: list[bytes] = []

    def run(self) -> None:
        while len(self.messages) < self._count:
            self.messages.append(os.read(self._descriptor, 200))
        os.close(self._descriptor)


def test_messages_never_gather(tmp_path: Path) -> None:
    reader = Reader(tmp_path / "winsz", 40)
    reader.start()
    senders = [
        threading.Thread(
            target=lambda own=own: [console.resize(str(tmp_path), (own, n)) for n in range(10)]
        )
        for own in range(4)
    ]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    reader.join(30)

    assert all(message.count(b"\n") == 1 for message in reader.messages)
    for own in range(4):
        of_one = [message for message in reader.messages if message.startswith(b"%d " % own)]
        assert of_one == [b"%d %d\n" % (own, n) for n in range(10)]


def test_a_monitor_that_is_gone_is_no_error(tmp_path: Path) -> None:
    assert not console.resize(str(tmp_path), (24, 80))
    os.mkfifo(tmp_path / "ctl")
    assert not console.reopen_logs(str(tmp_path))
