"""Images and models that a command needs and that are not here: pulled before it goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from dockyard.cli import render
from dockyard.errors import DockyardError, InvalidInput, NotFound
from dockyard.images import resolve

if TYPE_CHECKING:
    from dockyard.engine import Engine
    from dockyard.images.store import Resolution

Policy = Literal["always", "missing", "never"]
_FAILED = 125


def pull(engine: Engine, image: str, error: NotFound | None, *, platform: str | None,
         quiet: bool) -> Resolution:  # fmt: skip
    """Pulls what a name means, and says so on standard error as Docker does.

    Args:
        error: that it isn't here; ``None`` where it is to be pulled all the same.

    Raises:
        DockyardError: it can't be had; the exit code is 125. The hint says what else would get
            it, where something would.
    """
    from dockyard.cli import transfer_progress

    reference = resolve.pullable(image)
    if reference is None:
        raise error or InvalidInput(
            f"{image} is a name that no registry has", hint="leave out --pull always",
            exit_code=_FAILED,
        )  # fmt: skip
    if error is not None and not quiet:
        render.write(f"Unable to find image '{reference.familiar}' locally\n")
    if not quiet:
        render.write(f"{reference.digest or reference.tag}: Pulling from {reference.path}\n")
    try:
        with transfer_progress.shown(quiet=quiet) as listener:
            pulled = engine.pull(str(reference), platform=platform, listener=listener)
    except DockyardError as failure:
        failure.exit_code = _FAILED
        if error is not None:
            failure.hint = resolve.remedy(reference, failure.hint)
        raise
    if not quiet:
        what = "Downloaded newer image" if pulled.is_new else "Image is up to date"
        render.write(f"Digest: {pulled.digest}\nStatus: {what} for {reference.familiar}\n")
    return engine.images.resolve(str(reference))


def pull_model(engine: Engine, name: str, *, is_here: bool, quiet: bool) -> None:
    """Pulls a model, and says so on standard error as of an image.

    Raises:
        DockyardError: it can't be had.
    """
    from dockyard.cli.commands import model_pull
    from dockyard.cli.other_kind import or_image
    from dockyard.oci.reference import Reference

    reference = Reference.parse(name)
    if not quiet:
        if not is_here:
            render.write(f"Unable to find model '{reference.familiar}' locally\n")
        render.write(f"{reference.digest or reference.tag}: Pulling from {reference.path}\n")
    with or_image(engine, name, "a container runs it, and --model mounts models"):
        model = model_pull.pull(engine, name, quiet=quiet)
    if not quiet:
        render.write(f"Digest: {model.id}\nStatus: Downloaded model {reference.familiar}\n")
