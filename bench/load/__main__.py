"""``python -m bench.load URL``: puts a server of this machine under load, and prints what it saw.

An interrupt (Ctrl-C, or SIGTERM) ends it early, with the figures so far.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
from collections.abc import Sequence
from typing import IO

import msgspec

from bench.load.generate import Generator
from bench.load.model import Plan, Record, Shape, Step
from bench.load.summary import render, summarise


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; 0, or 1 where a request failed."""
    parser = _parser()
    options = parser.parse_args(arguments)
    records: list[Record] = []
    with contextlib.ExitStack() as stack:
        try:
            plan = _plan(options)
            stream = stack.enter_context(open(options.output, "wb")) if options.output else None
            generator = Generator(plan, _Sink(records, stream))
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            parser.error(str(error))
        asyncio.run(_run(generator))
    summary = summarise(records)
    text = msgspec.json.encode(summary).decode() if options.json else render(summary)
    print(text, flush=True)
    return 1 if summary.failed else 0


async def _run(generator: Generator) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, generator.stop)
    await generator.run()


class _Sink:
    """Keeps records, and writes each to a file as a line of JSON."""

    def __init__(self, records: list[Record], stream: IO[bytes] | None) -> None:
        self._records = records
        self._stream = stream
        self._encoder = msgspec.json.Encoder()

    def __call__(self, record: Record) -> None:
        self._records.append(record)
        if self._stream is not None:
            self._stream.write(self._encoder.encode(record) + b"\n")


def _plan(options: argparse.Namespace) -> Plan:
    if options.plan:
        with open(options.plan, "rb") as stream:
            return msgspec.json.decode(stream.read(), type=Plan)
    if not options.url:
        raise ValueError("a URL, or --plan, says what to ask")
    headers = dict(line.split(":", 1) for line in options.header)
    shape = Shape(name=options.method.lower(), method=options.method, body=options.body,
                  text=options.text,
                  headers=headers, echo=options.echo)  # fmt: skip
    return Plan(
        url=options.url, steps=_steps(options), shapes=(shape,), timeout=options.timeout,
        in_flight=options.in_flight,
    )  # fmt: skip


def _steps(options: argparse.Namespace) -> tuple[Step, ...]:
    if options.held:
        return (Step(seconds=options.seconds, held=options.held),)
    if not options.steps:
        return (Step(seconds=options.seconds, rate=options.rate),)
    pairs = [each.split("x") for each in options.steps.split(",")]
    return tuple(Step(rate=float(rate), seconds=float(seconds)) for rate, seconds in pairs)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.load", description=__doc__)
    parser.add_argument("url", nargs="?", help="http://127.0.0.1:PORT/PATH; no other machine")
    parser.add_argument("--rate", type=float, default=10, help="requests a second")
    parser.add_argument("--held", type=int, default=0, help="requests that are always under way")
    parser.add_argument("--steps", metavar="RATExSECONDS,...", help="rates, one after the other")
    parser.add_argument("--seconds", type=float, default=10, help="how long")
    parser.add_argument("--method", default="GET")
    parser.add_argument("--header", action="append", default=[], metavar="NAME:VALUE")
    parser.add_argument("--body", type=int, default=0, metavar="BYTES", help="of noise")
    parser.add_argument("--text", default="", help="to send in place of noise")
    parser.add_argument("--echo", action="store_true", help="answers must have the body's SHA-256")
    parser.add_argument("--timeout", type=float, default=30, help="seconds for one request")
    parser.add_argument("--in-flight", type=int, default=512, help="requests at a time, at most")
    parser.add_argument("--plan", metavar="FILE", help="a whole plan as JSON, in place of all that")
    parser.add_argument("--output", metavar="FILE", help="one line of JSON for each request")
    parser.add_argument("--json", action="store_true", help="the figures as JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
