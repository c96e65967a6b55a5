"""``model pack``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dockyard.cli import byte_progress
from dockyard.cli.command import canceled, define, with_engine
from dockyard.cli.line import argument, option
from dockyard.cli.output import say
from dockyard.errors import InvalidInput

if TYPE_CHECKING:
    from dockyard.engine import Engine
    from dockyard.models.model import ModelInfo


@define("model pack", "[OPTIONS] DIRECTORY|FILE...")
@option("-t", "--tag", help='Name and optionally a tag (format: "name:tag")')
@option("--annotation", "annotations", multiple=True, metavar="list",
        help="Add an annotation to the manifest (KEY=VALUE)")  # fmt: skip
@option("--architecture", help="Architecture of the model, such as transformer")
@option("--family", help="Family of the model, such as llama3")
@option("--format", help="Format of the weights, such as safetensors (default: by file names)")
@option("--license", "licenses", multiple=True, metavar="list",
        help="SPDX expression of the license (default: what README.md says)")  # fmt: skip
@option("--name", help="Name of the model in its description")
@option("--param-size", help="Number of parameters, such as 8B (default: what the weights have)")
@option("--precision", help="Precision, such as bfloat16 (default: what the weights have)")
@option("--quantization", help="Quantization, such as awq")
@option("-q", "--quiet", is_flag=True, help="Show no progress")
@option("--version", help="Version of the model in its description")
@argument("sources", many=True)
@with_engine
def command(
    engine: Engine, /, sources: tuple[str, ...], *, tag: str | None, quiet: bool, **said: Any
) -> None:
    """Makes a model and prints its id."""
    if not sources:
        raise InvalidInput("nothing to pack", hint="name a directory with a model's files")
    info = _info(**said)
    try:
        with byte_progress.shown({"copying": "Packing"}, quiet=quiet) as progress:
            model = engine.models.pack(sources, tag, info=info, progress=progress)
    except KeyboardInterrupt:
        raise canceled("packing") from None
    say(model.id)


def _info(*, annotations: tuple[str, ...], **said: Any) -> ModelInfo:
    from dockyard.models.model import ModelInfo

    given = {name: value for name, value in said.items() if value is not None}
    return ModelInfo(annotations=dict(map(_pair, annotations)), **given)


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise InvalidInput(f"invalid annotation: {text!r}", hint="write --annotation KEY=VALUE")
    return key, value
