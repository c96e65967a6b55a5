"""How the commands that run a batch end: what they print, and their exit code."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from dockyard.batch.model import Batch
from dockyard.cli import batch_progress, batch_view, listing
from dockyard.cli.command import canceled
from dockyard.cli.line import option
from dockyard.cli.output import say
from dockyard.errors import DockyardError

if TYPE_CHECKING:
    from dockyard.batch.apply import Listener
    from dockyard.engine import Engine

_ENDED_ELSEWHERE = 1

form = option("--format", "form", metavar="string",
              help="Format the summary: 'json', or a Go template")  # fmt: skip
fail_on_reject = option("--fail-on-reject", is_flag=True,
                        help="Exit with code 1 where a record was rejected")  # fmt: skip
quiet = option("-q", "--quiet", is_flag=True, help="Only print the batch's ID")


def run(
    engine: Engine, work: Callable[[Listener], Batch], *, form: str | None, quiet: bool,
    fail_on_reject: bool,
) -> int:  # fmt: skip
    """Runs a batch, with a progress bar, and prints its summary; the exit code.

    Raises:
        DockyardError: it was given up or canceled; what is done is kept.
    """
    try:
        with batch_progress.shown(quiet=quiet) as listener:
            batch = work(listener)
    except KeyboardInterrupt:
        raise canceled("batch", kept="dockyard batch resume goes on with it") from None
    state = engine.batches.state(batch)
    shards = engine.batches.shards(batch)
    if quiet:
        say(batch.id)
    elif form:
        listing.put(listing.object_text(batch_view.document(batch, state, shards), form))
    else:
        listing.put(batch_view.summary(batch, state, shards))
    if batch.state != "done":
        raise DockyardError(
            f"batch {batch.id} {'was canceled' if batch.state == 'canceled' else 'is not complete'}"
            + (f": {batch.error}" if batch.error else ""),
            hint=f"dockyard batch resume {batch.id} goes on; batch logs shows what was said",
            reference=f"batch-{batch.state}",
            exit_code=_ENDED_ELSEWHERE,
        )
    return 1 if fail_on_reject and batch.counts.rejected else 0
