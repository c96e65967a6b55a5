"""Variables in the fields of instructions: which are expanded, and how."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from msgspec.structs import replace

from dockyard.build.dockerfile import instructions as ins
from dockyard.build.dockerfile.expand import expand, expand_words
from dockyard.build.dockerfile.lexer import Heredoc
from dockyard.build.dockerfile.mounts import parse_mount
from dockyard.build.dockerfile.source import Location, invalid, located

_I = TypeVar("_I", bound=ins.Instruction)
_EXPANDED_FIELDS: Final[Mapping[type[ins.Instruction], tuple[str, ...]]] = {
    ins.From: ("image", "platform"),
    ins.Copy: ("sources", "contents", "destination", "chown", "chmod"),
    ins.Add: ("sources", "contents", "destination", "chown", "chmod", "checksum"),
    ins.Env: ("variables",),
    ins.Label: ("labels",),
    ins.Run: ("mounts",),
    ins.Workdir: ("path",),
    ins.User: ("user",),
    ins.Volume: ("paths",),
    ins.Stopsignal: ("signal",),
}


def expanded(instruction: _I, variables: Mapping[str, str], escape: str = "\\") -> _I:
    """``instruction`` with ``variables`` put into exactly the fields that take them.

    These are ADD, COPY (not ``--from`` and ``--exclude``), ENV, EXPOSE, FROM, LABEL, STOPSIGNAL,
    USER, VOLUME, WORKDIR, the defaults of ARG, the values of ``RUN --mount``, and the bodies of
    COPY's and ADD's heredocs whose delimiter is not quoted. Commands are left to the shell, an
    ONBUILD to the build that triggers it. All of one instruction sees the same ``variables``;
    only ARG's later defaults see its earlier ones (use :func:`expand_at` on single defaults where
    some names are overridden). Raises :class:`BuildError` at the instruction's location.
    """
    with located(instruction.location):
        if isinstance(instruction, ins.Arg):
            return replace(instruction, arguments=_arguments(instruction, variables, escape))
        if isinstance(instruction, ins.Expose):
            words = (expand_words(port, variables.get, escape) for port in instruction.ports)
            return replace(instruction, ports=tuple(port for ports in words for port in ports))
        result = replace(instruction, **_changes(instruction, variables, escape))
        if isinstance(result, ins.From) and not result.image:
            raise invalid(
                f"base name ({instruction.text.split()[1]}) should not be blank",
                "give its ARG, before the first FROM, a default, or use --build-arg",
            )
        return result


def expand_at(
    location: Location, word: str, variables: Mapping[str, str], escape: str = "\\"
) -> str:
    """One ``word`` expanded; an error points at ``location``."""
    with located(location):
        return expand(word, variables.get, escape)


def _changes(
    instruction: ins.Instruction, variables: Mapping[str, str], escape: str
) -> dict[str, object]:
    def word(text: str) -> str:
        return expand(text, variables.get, escape)

    def body(heredoc: Heredoc) -> Heredoc:
        if not heredoc.expands:
            return heredoc
        text = expand(heredoc.body, variables.get, quotes=False)
        return replace(heredoc, content=text, strips_tabs=False)

    fields = _EXPANDED_FIELDS.get(type(instruction), ())
    return {name: _value(getattr(instruction, name), word, body) for name in fields}


def _value(value: object, word: Callable[[str], str], body: Callable[[Heredoc], Heredoc]) -> object:
    match value:
        case str():
            return word(value)
        case tuple():
            return tuple(_value(each, word, body) for each in value)
        case ins.KeyValue():
            return ins.KeyValue(word(value.key), word(value.value))
        case ins.Mount():
            return parse_mount(value.flag, word)
        case Heredoc():
            return body(value)
    return value


def _arguments(
    arg: ins.Arg, variables: Mapping[str, str], escape: str
) -> tuple[ins.ArgDefault, ...]:
    scope = dict(variables)
    found: list[ins.ArgDefault] = []
    for each in arg.arguments:
        default = each.default
        if default is not None:
            default = scope[each.name] = expand(default, scope.get, escape)
        found.append(ins.ArgDefault(each.name, default))
    return tuple(found)
