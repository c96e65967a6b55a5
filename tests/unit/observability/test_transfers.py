from __future__ import annotations

import threading

import pytest

from dockyard.observability import transfers
from dockyard.observability.transfers import Transfer, Transfers


def test_a_blob_is_told_of_from_its_beginning() -> None:
    heard: list[Transfer] = []
    track = Transfers(heard.append).track("d", 10)
    track.phase("downloading", 10)
    track.add(4)
    track.phase("pulled")

    assert heard == [
        Transfer("d", "waiting", 0, 10),
        Transfer("d", "downloading", 0, 10),
        Transfer("d", "downloading", 4, 10),
        Transfer("d", "pulled"),
    ]


def test_many_small_pieces_are_few_calls() -> None:
    heard: list[Transfer] = []
    track = Transfers(heard.append).track("d", 1000)
    for _ in range(1000):
        track.add(1)

    assert len(heard) < 100


def test_bytes_of_another_phase_dont_count() -> None:
    heard: list[Transfer] = []
    track = Transfers(heard.append).track("d", 10)
    track.phase("extracting", 20)
    track.add(5, "downloading")
    track.add(7, "extracting")

    assert heard[-1].done == 7


def test_nobody_needs_to_listen() -> None:
    Transfers(None).track("d").add(1)


def test_calls_do_not_overlap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfers, "_PAUSE_SECONDS", 0.0)
    inside = threading.Lock()
    overlaps: list[Transfer] = []

    def listen(transfer: Transfer) -> None:
        if not inside.acquire(blocking=False):
            overlaps.append(transfer)
            return
        inside.release()

    tracks = Transfers(listen)

    def work() -> None:
        track = tracks.track("d")
        for _ in range(200):
            track.add(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not overlaps


def test_what_was_there_before_is_told_apart() -> None:
    heard: list[Transfer] = []
    track = Transfers(heard.append).track("d", 100)
    track.phase("downloading", 100)
    track.found(60)
    track.add(5)
    track.phase("extracting", 100)

    assert heard[2] == Transfer("d", "downloading", 60, 100, before=60)
    assert heard[-1] == Transfer("d", "extracting", 0, 100)


def test_what_is_sent_again_was_not_there_before() -> None:
    heard: list[Transfer] = []
    track = Transfers(heard.append).track("d", 100)
    track.found(60)
    track.add(-50)

    assert (track._now.done, track._now.before) == (10, 10)


def test_a_retry_is_told_until_it_goes_on() -> None:
    heard: list[Transfer] = []
    track = Transfers(heard.append).track("d", 100)
    track.add(1)
    track.retrying(2.0, "connection reset")
    track.add(1)

    assert [(each.retry_seconds, each.problem) for each in heard[-2:]] == [
        (2.0, "connection reset"), (0.0, ""),
    ]  # fmt: skip
