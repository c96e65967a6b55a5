"""A body is kept as long as it may have to be sent again, and no longer than there is room."""

from __future__ import annotations

from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.serving.activator.body import Body, Budget
from dockyard.serving.activator.framing import Length
from dockyard.serving.activator.head import Malformed
from dockyard.serving.activator.wire import Wire


class Client:
    """What a body needs of a connection."""

    def __init__(self, data: bytes = b"") -> None:
        self.buffer = bytearray(data)
        self.ended = False

    def take(self, count: int) -> bytes:
        data = bytes(self.buffer[:count])
        del self.buffer[:count]
        return data

    @property
    def wire(self) -> Wire:
        return cast("Wire", self)


def sent(body: Body, client: Client) -> bytes:
    pieces = []
    while (piece := body.next(client.wire)) is not None:
        pieces.append(piece)
    return b"".join(pieces)


@given(st.lists(st.binary(min_size=1, max_size=30), max_size=10), st.integers(0, 100), st.data())
def test_what_can_be_sent_again_is_the_same(
    pieces: list[bytes], limit: int, data: st.DataObject
) -> None:
    whole = b"".join(pieces)
    budget = Budget(1000)
    body = Body(Length(len(whole)), limit, budget)
    client = Client()
    got = b""
    for piece in pieces:
        client.buffer += piece
        if data.draw(st.booleans(), "held first"):
            body.hold(client.wire)
        got += sent(body, client)
        if body.replayable and data.draw(st.booleans(), "broken"):
            body.rewind()
            got = b""
    got += sent(body, client)

    assert got == whole
    assert body.complete
    assert body.sent
    assert body.replayable or len(whole) > limit
    body.close()
    assert budget.left == 1000


def test_no_more_is_read_than_may_be_kept() -> None:
    body = Body(Length(100), 20, Budget())
    client = Client()
    for _ in range(5):
        client.buffer += b"x" * 10
        body.hold(client.wire)

    assert len(client.buffer) == 30, "the rest stays where it is"
    assert sent(body, client) == b"x" * 50
    assert not body.replayable


def test_all_bodies_share_their_room() -> None:
    budget = Budget(25)
    bodies = [Body(Length(100), 50, budget) for _ in range(3)]
    clients = [Client(b"x" * 20) for _ in bodies]
    held = [body.hold(client.wire) for body, client in zip(bodies, clients, strict=True)]

    assert held == [True, True, False]
    bodies[0].close()
    assert bodies[2].hold(clients[2].wire)


def test_what_is_settled_is_kept_no_more() -> None:
    budget = Budget(100)
    client = Client(b"x" * 10)
    body = Body(Length(20), 50, budget)
    sent(body, client)
    assert budget.left == 90
    body.settle()
    assert budget.left == 100
    client.buffer += b"y" * 10
    assert sent(body, client) == b"y" * 10
    assert budget.left == 100


def test_a_client_that_stops_within_its_body_is_noticed() -> None:
    client = Client(b"x")
    client.ended = True
    body = Body(Length(2), 10, Budget())
    assert body.next(client.wire) == b"x"

    with pytest.raises(Malformed):
        body.next(client.wire)


def test_one_variant_has_only_its_share_of_what_all_have() -> None:
    every = Budget(100)
    one, other = Budget(60, above=every), Budget(60, above=every)
    one.take(50)
    assert (one.left, other.left, every.left) == (10, 50, 50)
    other.take(45)
    assert (one.left, other.left) == (5, 5)
    one.take(-50)
    assert (one.left, other.left, every.left) == (55, 15, 55)
