"""Sends a load, and notes what comes of each request."""

from __future__ import annotations

import asyncio
import hashlib
import random
import time
from collections.abc import Callable, Coroutine, Iterator
from urllib.parse import urlsplit

import msgspec

from bench.load.exchange import Answer, Broken, Pool
from bench.load.model import MAX_REQUESTS, Kind, Plan, Record, Shape, Step, address, body_of, check

Sink = Callable[[Record], None]
_LOOK_SECONDS = 0.1
"""How soon a load that is told to stop does so."""
_AFTER_FAILURE_SECONDS = 0.01
"""A held request that failed at once is not sent again as fast as the machine can."""


class _Prepared(msgspec.Struct, frozen=True):
    """A shape, ready to be sent."""

    shape: Shape
    request: bytes
    expected: bytes

    def fits(self, body: bytes) -> bool:
        """True where an answer has all that it must."""
        return self.expected in body and self.shape.expect.encode() in body


class Generator:
    """One load. ``sink`` gets each request's record when it is over, in the order of their ends."""

    def __init__(self, plan: Plan, sink: Sink) -> None:
        """Prepares it.

        Raises:
            ValueError: the plan isn't bounded, or isn't for this machine.
        """
        check(plan)
        self._plan = plan
        self._sink = sink
        self._pool = Pool(*address(plan.url))
        self._shapes = _order([_prepare(plan, shape) for shape in plan.shapes], plan.seed)
        self._under_way: set[asyncio.Task[object]] = set()
        self._left = MAX_REQUESTS
        self._stopped = False
        self._begin = self._wall = 0.0

    def stop(self) -> None:
        """Sends nothing more; what is under way comes to its end."""
        self._stopped = True

    async def run(self) -> None:
        """Sends all of it, and waits for the last answer: ``timeout`` beyond the steps at most."""
        self._begin, self._wall = time.monotonic(), time.time()
        begin = self._begin
        for step in self._plan.steps:
            if step.held:
                await self._hold(step, begin)
            else:
                await self._send_at_rate(step, begin)
            begin += step.seconds
        if self._under_way:
            await asyncio.wait(self._under_way)
        self._pool.close()

    async def _send_at_rate(self, step: Step, begin: float) -> None:
        for number in range(round(step.rate * step.seconds)):
            due = begin + number / step.rate
            await self._sleep_until(due)
            if self._is_over():
                return
            prepared = next(self._shapes)
            if len(self._under_way) >= self._plan.in_flight:
                self._note(prepared, due, "unsent")
            else:
                self._start(self._ask(prepared, due))
        await self._sleep_until(begin + step.seconds)

    async def _hold(self, step: Step, begin: float) -> None:
        for _ in range(step.held):
            self._start(self._keep_asking(begin + step.seconds))
        await self._sleep_until(begin + step.seconds)

    async def _keep_asking(self, end: float) -> None:
        while time.monotonic() < end and not self._is_over():
            if await self._ask(next(self._shapes), time.monotonic()) != "ok":
                await asyncio.sleep(_AFTER_FAILURE_SECONDS)

    def _start(self, work: Coroutine[object, None, object]) -> None:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _ask(self, prepared: _Prepared, due: float) -> Kind:
        self._left -= 1
        try:
            async with asyncio.timeout(self._plan.timeout):
                answer = await self._pool.ask(
                    prepared.request, has_answer_body=prepared.shape.method != "HEAD"
                )
        except Broken as error:
            return self._note(prepared, due, error.kind, detail=str(error))
        except TimeoutError:
            return self._note(prepared, due, "timeout")
        own = answer.headers.get("x-dockyard-error", "")
        kind = _kind(prepared, answer)
        return self._note(prepared, due, kind, answer, detail=own or _excerpt(kind, answer))

    def _note(
        self, prepared: _Prepared, due: float, kind: Kind, answer: Answer | None = None, *,
        detail: str = "",
    ) -> Kind:  # fmt: skip
        headers = answer.headers if answer else {}
        self._sink(Record(
            at=self._wall + (due - self._begin), seconds=max(0.0, time.monotonic() - due),
            name=prepared.shape.name, kind=kind, status=answer.status if answer else 0,
            detail=detail, version=headers.get(self._plan.version_header, ""),
            replica=headers.get(self._plan.replica_header, ""),
        ))  # fmt: skip
        return kind

    def _is_over(self) -> bool:
        return self._stopped or self._left <= 0

    async def _sleep_until(self, moment: float) -> None:
        while (left := moment - time.monotonic()) > 0 and not self._is_over():
            await asyncio.sleep(min(left, _LOOK_SECONDS))


def _kind(prepared: _Prepared, answer: Answer) -> Kind:
    if answer.status >= 500 and "x-dockyard-error" in answer.headers:
        return "gateway"
    if answer.status >= 400:
        return "status"
    return "ok" if prepared.fits(answer.body) else "wrong"


def _excerpt(kind: Kind, answer: Answer) -> str:
    return "" if kind == "ok" else answer.body[:200].decode(errors="replace")


def _prepare(plan: Plan, shape: Shape) -> _Prepared:
    body = body_of(shape)
    parts = urlsplit(plan.url)
    path = (parts.path.rstrip("/") + shape.path if shape.path else parts.path) or "/"
    target = f"{path}?{parts.query}" if parts.query else path
    headers = {"Host": parts.netloc, **shape.headers}
    if body or shape.method not in {"GET", "HEAD"}:
        headers["Content-Length"] = str(len(body))
    lines = [f"{shape.method} {target} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items())]
    expected = hashlib.sha256(body).hexdigest().encode() if shape.echo else b""
    return _Prepared(shape, "\r\n".join((*lines, "", "")).encode() + body, expected)


def _order(shapes: list[_Prepared], seed: int) -> Iterator[_Prepared]:
    chance = random.Random(seed)
    weights = [each.shape.weight for each in shapes]
    while True:
        yield from chance.choices(shapes, weights, k=1000)
