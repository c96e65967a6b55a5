"""The progress of builds that other commands need, as ``build`` draws it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Self

from dockyard.cli.compose.flags import Flags

if TYPE_CHECKING:
    from dockyard.build.progress import Event, Listener

_KINDS = {"json": "rawjson", "tty": "plain", "auto": "plain"}
"""Lines stand well above the picture of what else is done; two pictures don't."""


@contextlib.contextmanager
def shown(flags: Flags, *, quiet: bool = False) -> Iterator[Listener | None]:
    """A listener that shows builds; ``None`` where nobody wants to see them."""
    if quiet or flags.progress == "quiet":
        yield None
        return
    kind = _KINDS.get(flags.progress, flags.progress)
    with _Lazy(kind) as listener:
        yield listener


class _Lazy:
    """What draws is imported with the first event: most commands build nothing."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._open = contextlib.ExitStack()
        self._listener: Listener | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._open.close()

    def __call__(self, event: Event) -> None:
        if self._listener is None:
            from dockyard.cli.commands.build import renderer, warnings_last

            sorted_out = self._open.enter_context(warnings_last(self._kind))
            drawn = renderer(self._kind)
            self._open.callback(drawn.__exit__)
            self._listener = sorted_out(drawn.__enter__())
        self._listener(event)
