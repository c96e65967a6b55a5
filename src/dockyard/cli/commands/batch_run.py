"""``batch run``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from msgspec.structs import replace

from dockyard.batch import jobs
from dockyard.batch.model import DEFAULT_TIMEOUT, DEFAULT_TRIES, Format, Http
from dockyard.cli import batch_end
from dockyard.cli.command import define, with_engine
from dockyard.cli.line import UsageProblem, argument, one_of, option, whole_number
from dockyard.cli.render import print_note
from dockyard.cli.run_options import batch_options
from dockyard.errors import InvalidInput

if TYPE_CHECKING:
    from dockyard.containers.options import Options
    from dockyard.engine import Engine
    from dockyard.images.model import Image

_OF_HTTP = {"path": "/", "ready": "/", "concurrency": 4}
"""Options that mean something for servers only."""


def _seconds(text: str) -> float:
    from dockyard.cli.moments import parse_duration

    found = float(text) if text.replace(".", "", 1).isdecimal() else parse_duration(text)
    if found is None:
        raise InvalidInput("it is no time", hint="such as 30s, 5m, or a number of seconds")
    return found


@define("batch run", "[OPTIONS] IMAGE|SERVICE [COMMAND] [ARG...]", options_end_at_argument=True)
@option("--concurrency", default=4, read=whole_number, metavar="int",
        help="Requests at a time for each container, with --port (default 4)")  # fmt: skip
@batch_end.fail_on_reject
@option("-f", "--file", "files", multiple=True, metavar="stringArray",
        help="Compose files: what is run is one of their services (default: those of the current"
        " directory, for a name without a tag)")  # fmt: skip
@batch_end.form
@option("--id", "id_field", default="", metavar="string",
        help="Field with the id of each record (default: id where records have one, else their"
        " line)")  # fmt: skip
@option("--input", "source", metavar="string", help="A file of records, or a folder of files")
@option("--input-format", read=one_of(get_args(Format)), metavar="string",
        help="jsonl, csv, parquet or files (default: by the input's name)")  # fmt: skip
@option("--output", metavar="string", help="Directory for the results, which is made")
@option("--parallel", default=0, read=whole_number, metavar="int",
        help="Containers at a time (default: one a processor)")  # fmt: skip
@option("--path", default="/", metavar="string", help="Where records are posted to, with --port")
@option("--port", read=whole_number, metavar="int",
        help="Post records to this port of the container, instead of writing lines to its standard"
        " input")  # fmt: skip
@batch_end.quiet
@option("--ready", default="/", metavar="string",
        help="Path that answers when the container is ready, with --port")  # fmt: skip
@option("--ready-timeout", default=60.0, read=_seconds, metavar="duration",
        help="How long it may take to be ready (default 60s)")  # fmt: skip
@option("--shards", default=0, read=whole_number, metavar="int",
        help="Parts to cut the input into (default: of 10,000 records at most)")  # fmt: skip
@option("--timeout", default=DEFAULT_TIMEOUT, read=_seconds, metavar="duration",
        help="How long a container may be silent, or a request may take (default 5m)")  # fmt: skip
@option("--tries", default=DEFAULT_TRIES, read=whole_number, metavar="int",
        help="How often what fails is tried in all (default 3)")  # fmt: skip
@batch_options
@argument("image")
@argument("words", many=True, required=False)
@with_engine
def command(engine: Engine, /, image: str, words: tuple[str, ...], **values: Any) -> int:
    """Runs a batch to its end, or goes on with it where it was begun before."""
    for name in ("source", "output"):
        if not values[name]:
            flag = "--input" if name == "source" else "--output"
            raise UsageProblem(f"{flag} is missing", hint=f"say which: {flag} NAME")
    from dockyard.cli.compose import batch_service

    is_service = bool(values["files"]) or _is_found(image, quiet=values["quiet"])
    http = _http(values, is_service=is_service)
    if is_service:
        found, name, options, own = batch_service.prepare(engine, image, words, values)
        http = http or _posted_to(own, values["path"])
    else:
        found, name, options = _of_image(engine, image, words, values)
    job = jobs.make(
        found.id, name, options, values["source"], values["output"],
        form=values["input_format"], id_field=values["id_field"], shards=values["shards"],
        parallel=values["parallel"], http=http, tries=values["tries"], timeout=values["timeout"],
    )  # fmt: skip
    return batch_end.run(
        engine, lambda listener: engine.batches.run_job(job, listener=listener),
        form=values["form"], quiet=values["quiet"], fail_on_reject=values["fail_on_reject"],
    )  # fmt: skip


def _is_found(name: str, *, quiet: bool) -> bool:
    """Whether a service of the current directory is meant, which is said then."""
    from dockyard.cli.compose import batch_service

    file = batch_service.file_of(name)
    if file and not quiet:
        print_note(f"{name} is the service of {file}; an image would be {name}:latest")
    return bool(file)


def _of_image(
    engine: Engine, image: str, words: tuple[str, ...], values: dict[str, Any]
) -> tuple[Image, str, Options]:
    from dockyard.cli.creation import ask
    from dockyard.cli.run_options import with_defaults

    found, options = ask(engine, image, words, with_defaults(values))
    return found, image, options


def _posted_to(own: Http | None, path: str) -> Http | None:
    """Where a service answers; only the path of its records isn't in its file."""
    if own is None and path != _OF_HTTP["path"]:
        raise UsageProblem("--path needs --port", hint="the service's file doesn't say its port")
    return own and replace(own, path=path)


def _http(values: dict[str, Any], *, is_service: bool) -> Http | None:
    if values["port"] is None:
        for name, default in _OF_HTTP.items():
            if values[name] != default and not (is_service and name == "path"):
                raise UsageProblem(
                    f"--{name} needs --port", hint="say on which port the container answers"
                )
        return None
    return Http(
        port=values["port"], path=values["path"], ready=values["ready"],
        ready_seconds=values["ready_timeout"], concurrency=values["concurrency"],
    )  # fmt: skip
