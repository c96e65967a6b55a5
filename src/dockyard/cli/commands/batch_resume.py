"""``batch resume``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import batch_end
from dockyard.cli.command import define, with_engine
from dockyard.cli.line import argument, option, whole_number

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("batch resume", "[OPTIONS] BATCH")
@batch_end.form
@batch_end.fail_on_reject
@option("--parallel", read=whole_number, metavar="int",
        help="Containers at a time (default: as before)")  # fmt: skip
@batch_end.quiet
@argument("batch")
@with_engine
def command(
    engine: Engine, *, batch: str, form: str | None, fail_on_reject: bool, parallel: int | None,
    quiet: bool,
) -> int:  # fmt: skip
    """Goes on with a batch; shards that were given up are tried again."""
    return batch_end.run(
        engine,
        lambda listener: engine.batches.resume(batch, parallel=parallel, listener=listener),
        form=form, quiet=quiet, fail_on_reject=fail_on_reject,
    )  # fmt: skip
