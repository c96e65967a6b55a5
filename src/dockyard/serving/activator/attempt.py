"""One try at a replica: the request goes there and the response comes back, piece by piece."""

from __future__ import annotations

from dockyard.serving.activator import framing, head
from dockyard.serving.activator.body import Body
from dockyard.serving.activator.head import Malformed, Request, Response
from dockyard.serving.activator.wire import Wire

_CONTINUE, _SWITCHING = 100, 101


class Broken(Exception):
    """The replica has gone, and the client got nothing of its response."""


class Nonsense(Exception):
    """The replica's response is none; the client got nothing of it."""


class Truncated(Exception):
    """The response ended too early, and the client has its beginning."""


class Attempt:
    """A request at a replica, over a connection that is used for nothing else meanwhile.

    Args:
        closing: the client's connection is to end with this response.
        mark: a line for the head of the response.
    """

    def __init__(
        self, request: Request, body: Body, client: Wire, replica: Wire, *, closing: bool,
        mark: bytes = b"",
    ) -> None:  # fmt: skip
        self.begun = False
        """The client got some of the response."""
        self.done = False
        self.switched = False
        """Both speak another protocol from here on."""
        self.closes = closing or request.close
        """The client's connection can't be used again."""
        self.replica = replica
        self._request = request
        self._body = body
        self._client = client
        self._response: Response | None = None
        self._framing: framing.Framing = framing.Unbounded()
        self._head = b""
        self._mark = mark
        replica.write(request.render() + (body.next(client) or b""))

    @property
    def reusable(self) -> bool:
        """The replica's connection can be used again, after the response."""
        response = self._response
        clean = self.done and self._body.sent and not self.replica.buffer
        return (
            clean and response is not None and not response.close
            and not self._request.old and not self.replica.ended
        )  # fmt: skip

    def pump(self) -> bool:
        """Moves what can be moved; False where nothing could, until a connection has news.

        Raises:
            Broken: the replica has gone before its response.
            Nonsense: it doesn't speak HTTP.
            Truncated: it has gone within its response.
            Malformed: the client's body is none.
        """
        sent = self._send()
        return self._receive() or sent

    def _send(self) -> bool:
        moved = False
        while not self.replica.blocked and not self.replica.closing:
            piece = self._body.next(self._client)
            if piece is None:
                break
            self.replica.write(piece)
            moved = True
        return moved

    def _receive(self) -> bool:
        if self._response is None:
            return self._receive_head()
        return not self._client.blocked and self._receive_body()

    def _receive_head(self) -> bool:
        try:
            size = head.find(self.replica.buffer)
            response = head.response(self.replica.take(size)) if size else None
        except Malformed as error:
            raise Nonsense(error.reason) from error
        if response is None:
            if self.replica.ended:
                raise Broken
            return False
        if response.interim:
            self._pass_interim(response)
        elif response.status == _SWITCHING:
            self._switch(response)
        else:
            self._begin(response)
        return True

    def _pass_interim(self, response: Response) -> None:
        """100 is between us and the replica; the others are for a client that knows of them."""
        if response.status != _CONTINUE and not self._request.old:
            self._client.write(response.render())

    def _switch(self, response: Response) -> None:
        if not self._request.upgrade or not response.upgrade:
            raise Nonsense("the protocol is changed though nobody asked for it")
        self._response = response
        self.switched = self.begun = self.closes = True
        self._client.write(response.render(mark=self._mark))

    def _begin(self, response: Response) -> None:
        """The head goes to the client with what there is of the body."""
        if self._request.old and response.chunked:
            raise Nonsense("HTTP/1.0 knows no chunks")
        bodiless = response.bodiless(self._request.method)
        self._framing = framing.of_response(
            response.length, chunked=response.chunked, bodiless=bodiless
        )
        unbounded = isinstance(self._framing, framing.Unbounded)
        self.closes = self.closes or unbounded or not self._body.complete
        self._body.settle()
        self._response = response
        self._head = response.render(close=self.closes, mark=self._mark)

    def _receive_body(self) -> bool:
        out, self._head = self._head, b""
        try:
            count = self._framing.scan(self.replica.buffer)
        except Malformed as error:
            raise Truncated from error
        if count:
            out += self.replica.take(count)
        if out:
            self.begun = True
            self._client.write(out)
        if not self._framing.done and self.replica.ended and not self.replica.buffer:
            self._end()
        self.done = self._framing.done
        return bool(out) or self.done

    def _end(self) -> None:
        """The replica says nothing more."""
        if not isinstance(self._framing, framing.Unbounded) or self.replica.broken:
            raise Truncated
        self._framing.done = True
