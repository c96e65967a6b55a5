from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from dockyard.registry import chunks
from dockyard.registry.chunks import Range

SIZE = 60
numbers = st.integers(0, SIZE)
ranges = st.lists(st.tuples(numbers, numbers).map(lambda pair: Range(min(pair), max(pair))))


def covered(found: object) -> set[int]:
    assert isinstance(found, tuple | list)
    return {number for each in found for number in range(each.start, each.end)}


@given(ranges)
def test_merging_keeps_all_bytes_in_few_ranges(given_: list[Range]) -> None:
    merged = chunks.merged(given_)

    assert covered(merged) == covered(given_)
    assert list(merged) == sorted(merged)
    assert all(a.end < b.start for a, b in itertools.pairwise(merged))


@given(ranges)
def test_what_is_here_and_what_is_missing_are_all(given_: list[Range]) -> None:
    done = chunks.merged(given_)
    missing = chunks.missing(SIZE, done)

    assert covered(missing) | covered(done) == set(range(SIZE))
    assert not covered(missing) & covered(done)


@given(ranges, st.integers(1, 20))
def test_parts_are_what_is_missing_in_pieces_in_order(given_: list[Range], length: int) -> None:
    done = chunks.merged(given_)
    parts = chunks.parts(SIZE, done, length)

    assert covered(parts) == covered(chunks.missing(SIZE, done))
    assert sum(part.length for part in parts) == len(covered(parts))
    assert all(0 < part.length <= length for part in parts)
    assert list(parts) == sorted(parts)


@given(ranges)
def test_the_prefix_is_all_that_is_here_from_the_beginning(given_: list[Range]) -> None:
    done = chunks.merged(given_)
    here = covered(done)

    expected = next((number for number in range(SIZE + 1) if number not in here), SIZE)
    assert chunks.prefix(done) == expected


@given(ranges, numbers, numbers)
def test_only_what_is_missing_is_wanted(given_: list[Range], one: int, other: int) -> None:
    piece = Range(min(one, other), max(one, other))
    gaps = chunks.missing(SIZE, chunks.merged(given_))

    assert covered(tuple(chunks.wanted(piece, gaps))) == covered(gaps) & covered([piece])


@given(ranges)
def test_a_journal_says_what_was_written(given_: list[Range]) -> None:
    journal = b"".join(chunks.encode(each) for each in given_)

    assert chunks.decode(journal, SIZE) == chunks.merged(given_)


@given(ranges, st.integers(0, 39))
def test_a_line_that_broke_off_says_nothing(given_: list[Range], length: int) -> None:
    journal = b"".join(chunks.encode(each) for each in given_)

    broken = journal + chunks.encode(Range(1, 2))[:length]
    assert chunks.decode(broken, SIZE) == chunks.merged(given_)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_journal(data: bytes) -> None:
    assert covered(chunks.decode(data, SIZE)) <= set(range(SIZE))


def test_a_journal_can_not_promise_more_than_the_file_has() -> None:
    assert chunks.decode(chunks.encode(Range(0, SIZE + 1)), SIZE) == ()
