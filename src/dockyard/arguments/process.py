"""What a container's process is given: variables, labels, the entry point."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dockyard.arguments.errors import invalid
from dockyard.containers.spec_devices import cgroup_rule
from dockyard.containers.spec_namespaces import check_sysctl_name


def parse_entrypoint(text: str) -> tuple[str, ...]:
    """``--entrypoint``: one program; an empty text clears the image's."""
    return (text,) if text else ()


def parse_label(text: str) -> tuple[str, str]:
    """``NAME`` or ``NAME=VALUE``."""
    name, _, value = text.partition("=")
    if not name:
        raise invalid(f"invalid label format: {text!r}", hint="NAME or NAME=VALUE")
    return name, value


def parse_annotation(text: str) -> tuple[str, str]:
    """``NAME`` or ``NAME=VALUE``."""
    name, _, value = text.partition("=")
    if not name:
        raise invalid(f"invalid annotation format: {text!r}", hint="NAME or NAME=VALUE")
    return name, value


def parse_sysctl(text: str) -> tuple[str, str]:
    """``--sysctl``: ``NAME=VALUE``, of a setting that belongs to a namespace."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise invalid(f"sysctl '{text}' is not allowed", "NAME=VALUE")
    check_sysctl_name(name)
    return name, value


def parse_cgroup_rule(text: str) -> str:
    """``--device-cgroup-rule``: ``TYPE MAJOR:MINOR ACCESS``."""
    cgroup_rule(text)
    return text


def parse_environment(entries: Iterable[str], environ: Mapping[str, str]) -> tuple[str, ...]:
    """``NAME=VALUE`` as it is; ``NAME`` alone from ``environ``, or nothing where it isn't set."""
    found = []
    for entry in entries:
        name, equals, _ = entry.partition("=")
        if not name:
            raise invalid(
                f"invalid environment variable: {entry}",
                hint="NAME=VALUE, or NAME for this environment's value",
            )
        if equals:
            found.append(entry)
        elif name in environ:
            found.append(f"{name}={environ[name]}")
    return tuple(found)


def parse_env_file(text: str, path: str, environ: Mapping[str, str]) -> tuple[str, ...]:
    """The variables of an ``--env-file``.

    Lines that begin with ``#`` are comments; quotes and spaces of a value belong to it.

    Args:
        path: names the file in errors.
    """
    return parse_environment(_file_entries(text, path), environ)


def parse_label_file(text: str, path: str) -> dict[str, str]:
    """The labels of a ``--label-file``."""
    return dict(parse_label(entry) for entry in _file_entries(text, path))


def _file_entries(text: str, path: str) -> Iterable[str]:
    for line in text.removeprefix("\ufeff").splitlines():
        entry = line.lstrip()
        if not entry or entry.startswith("#"):
            continue
        name = entry.partition("=")[0]
        if not name:
            raise invalid(
                f"no variable name on line '{entry}'", context=path, hint="write NAME=VALUE"
            )
        if any(character.isspace() for character in name):
            raise invalid(
                f"variable '{name}' contains whitespaces",
                context=path,
                hint="leave out the spaces in front of =",
            )
        yield entry
