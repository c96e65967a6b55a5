"""From what a user asks for to a job."""

from __future__ import annotations

import os

from msgspec.structs import replace

from dockyard.batch import read
from dockyard.batch.model import DEFAULT_TIMEOUT, DEFAULT_TRIES, Format, Http, Job
from dockyard.containers.options import Options
from dockyard.errors import InvalidInput
from dockyard.system import host

_MOST_SHARDS = 100_000


def make(
    image_id: str, image_name: str, options: Options, source: str, output: str, *,
    form: Format | None = None, id_field: str = "", shards: int = 0, parallel: int = 0,
    http: Http | None = None, tries: int = DEFAULT_TRIES, timeout: float = DEFAULT_TIMEOUT,
) -> Job:  # fmt: skip
    """A job whose values make sense.

    Args:
        source: a file or a folder.
        form: its format; told by its name where ``None``.
        shards: 0 for as many as have 10,000 records at most.
        parallel: 0 for one container a processor.

    Raises:
        NotFound: the input isn't there.
        InvalidInput: one value makes no sense, or the input can't be read.
    """
    found = read.source(source, form=form, id_field=id_field)
    target = os.path.abspath(output)
    if found.format == "files" and f"{target}/".startswith(f"{found.path}/"):
        raise InvalidInput(
            f"output {output} is in the folder of the input",
            hint="name a directory beside it: results would be records otherwise",
        )
    if not 0 <= shards <= _MOST_SHARDS:
        raise InvalidInput(
            f"there can't be {shards} shards", hint=f"give 1 to {_MOST_SHARDS}, or leave it out"
        )
    if not timeout > 0:
        raise InvalidInput("the timeout has to be more than 0", hint="such as --timeout 300")
    _check_http(http)
    return Job(
        image_id=image_id,
        image_name=image_name,
        options=replace(options, name=None),
        source=found,
        output=target,
        shards=shards,
        parallel=positive(parallel or host.cpu_count()),
        http=http,
        tries=positive(tries, "tries"),
        timeout=timeout,
    )


def positive(number: int, what: str = "containers at a time") -> int:
    """The number itself.

    Raises:
        InvalidInput: it is less than 1.
    """
    if number < 1:
        raise InvalidInput(f"there can't be {number} {what}", hint="give 1 or more")
    return number


def _check_http(http: Http | None) -> None:
    if http is None:
        return
    if not 0 < http.port < 1 << 16:
        raise InvalidInput(f"{http.port} is no port", hint="give 1 to 65535, such as --port 8000")
    for path in (http.path, http.ready):
        if not path.startswith("/"):
            raise InvalidInput(f'the path "{path}" has no slash in front', hint=f'"/{path}"')
    positive(http.concurrency, "requests at a time")
