"""What runs, as whom, from which image, and under which name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dockyard.cli import options as shared
from dockyard.cli.line import one_of, option
from dockyard.cli.run_flags.declare import notation, number, parsed, several, switch, text

DECLARED = (
    several("--annotation", kind="map", read=notation("parse_annotation"),
            help="Add an annotation to the container (passed through to the OCI runtime)"),
    text("--cidfile", help="Write the container ID to the file"),
    text("--domainname", help="Container NIS domain name"),
    parsed("--entrypoint", kind="string", read=notation("parse_entrypoint"),
           help="Overwrite the default ENTRYPOINT of the image"),
    shared.env,
    shared.env_file,
    several("--group-add", help="Add additional groups to join"),
    text("-h", "--hostname", help="Container host name"),
    switch("--init", help="Run an init inside the container that forwards signals and reaps"
           " processes"),
    several("-l", "--label", read=notation("parse_label"), help="Set meta data on a container"),
    several("--label-file", help="Read in a line delimited file of labels"),
    text("--name", help="Assign a name to the container"),
    text("--platform", help="Platform that the image has to have (such as linux/arm64)"),
    option("--pull", read=one_of(["always", "missing", "never"]), default="missing",
                 metavar="string", help='Pull image before running ("always", "missing", "never")'),
    switch("-q", "--quiet", help="Suppress the pull output, and which image a short name is"),
    switch("--rm", help="Automatically remove the container and its anonymous volumes when it"
           " exits"),
    text("--runtime", help="Runtime to use for this container (a name or a path)"),
    text("--stop-signal", help="Signal to stop the container"),
    number("--stop-timeout", help="Timeout (in seconds) to stop a container"),
    text("-u", "--user", help="Username or UID (format: <name|uid>[:<group|gid>])"),
    text("-w", "--workdir", help="Working directory inside the container"),
)  # fmt: skip


def make(values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the options themselves.

    Raises:
        InvalidInput: a file can't be read or isn't what it should be.
    """
    labels: dict[str, str] = {}
    for path in values["label_file"]:
        from dockyard import arguments

        labels |= arguments.parse_label_file(shared.read_text(path), path)
    return {
        "name": values["name"],
        "entrypoint": values["entrypoint"],
        "env": shared.environment(values["env_file"], values["env"]),
        "labels": labels | dict(values["label"]),
        "annotations": dict(values["annotation"]),
        "hostname": values["hostname"],
        "domainname": values["domainname"],
        "groups": values["group_add"],
        "platform": values["platform"],
        "stop_timeout": values["stop_timeout"],
        "user": values["user"],
        "working_dir": values["workdir"],
        "init": values["init"],
        "remove": values["rm"],
        "stop_signal": values["stop_signal"],
        "runtime": values["runtime"],
    }
