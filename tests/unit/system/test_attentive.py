from __future__ import annotations

import queue
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Future

import pytest

from dockyard.system import attentive

LOST = """
import queue, signal, time
from dockyard.system import attentive

class Items:
    '''A signal comes after Python's last look: as to C code, nothing says so until this returns.'''
    def get(self, timeout):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        print("waits", flush=True)
        time.sleep(timeout)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        raise queue.Empty

attentive.next_of(Items())
"""


def test_a_wait_ends_with_the_first_that_ends() -> None:
    slow: Future[int] = Future()
    fast: Future[int] = Future()
    timer = threading.Timer(2 * attentive.LOOK_SECONDS, fast.set_result, (1,))
    timer.start()
    assert attentive.first_of((slow, fast)) == {fast}
    assert attentive.first_of(()) == set()


@pytest.mark.parametrize("error", [None, ValueError()])
def test_a_wait_for_all_ends_with_a_failure(error: Exception | None) -> None:
    futures: list[Future[int]] = [Future(), Future()]
    futures[0].set_result(1)

    def end() -> None:
        if error is None:
            futures[1].set_result(2)
        else:
            futures[1].set_exception(error)

    threading.Timer(2 * attentive.LOOK_SECONDS, end).start()
    assert attentive.all_of(futures) == set(futures)


def test_a_failure_is_not_kept_waiting_by_what_goes_on() -> None:
    futures: list[Future[int]] = [Future(), Future()]
    futures[0].set_exception(ValueError())
    assert attentive.all_of(futures) == {futures[0]}


def test_an_item_that_comes_late_is_had() -> None:
    items: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Timer(2 * attentive.LOOK_SECONDS, items.put, ("late",)).start()
    assert attentive.next_of(items) == "late"


def test_a_signal_that_ends_no_wait_is_noticed_with_the_next_look() -> None:
    command = [sys.executable, "-c", LOST]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(attentive.LOOK_SECONDS / 4)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == -signal.SIGINT
