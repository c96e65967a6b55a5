"""``image inspect``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dockyard.cli import listing, options
from dockyard.cli.command import define, with_engine
from dockyard.cli.commands.inspect import find
from dockyard.cli.line import argument, option
from dockyard.oci.reference import Reference

if TYPE_CHECKING:
    from dockyard.engine import Engine


@define("image inspect", "[OPTIONS] IMAGE [IMAGE...]")
@options.object_format
@option("--platform", metavar="string",
        help="Inspect this platform of an image for several (os/arch[/variant])")  # fmt: skip
@option("--remote", is_flag=True, help="Ask the registry, without pulling the image")
@argument("names", many=True)
@with_engine
def command(
    engine: Engine, names: tuple[str, ...], *, form: str | None, platform: str | None, remote: bool
) -> int:
    """Prints a JSON array, or each object by a template."""

    def look(name: str) -> Any:
        if remote:
            return _remote(engine, name, platform)
        if platform is not None:
            from dockyard.images import platforms

            platforms.require(engine.images.find(name).config, name, platform)
        return find(engine, name, "image")

    return listing.inspect(names, look, form)


def _remote(engine: Engine, name: str, platform: str | None) -> dict[str, Any]:
    from dockyard.cli.remote_view import remote_document

    reference = Reference.parse(name)
    return remote_document(reference, engine.look(name, platform=platform))
