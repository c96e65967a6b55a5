"""One logical line to one typed instruction: what each instruction takes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypeVar

import msgspec

from dockyard.build.dockerfile import instructions as ins
from dockyard.build.dockerfile.flags import Flags
from dockyard.build.dockerfile.healthcheck import healthcheck
from dockyard.build.dockerfile.lexer import Heredoc, LogicalLine
from dockyard.build.dockerfile.mounts import parse_device, parse_mount
from dockyard.build.dockerfile.source import did_you_mean, invalid, located
from dockyard.build.dockerfile.statement import Statement, command_of, required, single
from dockyard.build.dockerfile.words import (
    exec_form,
    heredoc_word,
    split_fields,
    split_flags,
    split_keyword,
    split_words,
)

_STAGE_NAME: Final = re.compile(r"[a-z][a-z0-9_.-]*")
_NO_TRIGGERS: Final = frozenset({"ONBUILD", "FROM", "MAINTAINER"})
_CONTINUATION_HINT: Final = "if it continues the line above, end that line with a backslash"
_E = TypeVar("_E", bound=StrEnum)


def instruction(line: LogicalLine, escape: str) -> ins.Instruction:
    """The instruction that ``line`` holds; raises :class:`BuildError` at its location."""
    with located(line.location):
        found = _typed(line.text, line, escape)
    return msgspec.structs.replace(found, comments=line.comments) if line.comments else found


def _typed(text: str, line: LogicalLine, escape: str) -> ins.Instruction:
    word, rest = split_keyword(text)
    keyword = word.upper()
    build = _GRAMMAR.get(keyword)
    if build is None:
        hint = did_you_mean(keyword, _GRAMMAR) or _CONTINUATION_HINT
        raise invalid(f"unknown instruction: {word}", hint)
    flags, rest = split_flags(rest, escape)
    return build(
        Statement(keyword=keyword, flags=Flags(keyword, flags), rest=rest, line=line, escape=escape)
    )


def _from(statement: Statement) -> ins.From:
    words = split_fields(statement.rest)
    if len(words) not in {1, 3} or (len(words) == 3 and words[1].lower() != "as"):
        raise invalid("FROM requires either one or three arguments", "write FROM image [AS name]")
    name = words[2].lower() if len(words) == 3 else None
    if name is not None and not _STAGE_NAME.fullmatch(name):
        raise invalid(
            f'invalid name for build stage: "{words[2]}", '
            "name can't start with a number or contain symbols",
            "begin with a letter; digits, -, _ and . may follow",
        )
    platform = statement.flags.text("platform")
    return ins.From(image=words[0], name=name, platform=platform, **statement.place)


def _run(statement: Statement) -> ins.Run:
    flags = statement.flags
    command = command_of(required(statement))
    if command == ins.ExecForm(()):
        raise invalid("RUN requires at least one argument", 'write RUN ["program", "argument"]')
    return ins.Run(
        command=command,
        heredocs=statement.line.heredocs,
        mounts=tuple(parse_mount(flag) for flag in flags.texts("mount")),
        devices=tuple(parse_device(flag) for flag in flags.texts("device")),
        network=_mode(ins.NetworkMode, "network mode", flags.text("network") or "default"),
        security=_mode(ins.SecurityMode, "security mode", flags.text("security") or "sandbox"),
        **statement.place,
    )


def _mode(choices: type[_E], what: str, value: str) -> _E:
    try:
        return choices(value)
    except ValueError:
        raise invalid(f'invalid {what} "{value}"', f"one of {', '.join(choices)}") from None


def _copy(statement: Statement) -> ins.Copy:
    flags = statement.flags
    sources, contents, destination = _sources(statement)
    from_ = flags.text("from")
    if from_ is not None and "$" in from_:
        raise invalid(
            "variable expansion is not supported for --from",
            "define a new stage with FROM, using ARG from global scope, and name that",
        )
    return ins.Copy(
        sources=sources,
        contents=contents,
        destination=destination,
        from_=from_,
        chown=flags.text("chown"),
        chmod=flags.text("chmod"),
        link=bool(flags.switch("link")),
        parents=bool(flags.switch("parents")),
        exclude=flags.texts("exclude"),
        **statement.place,
    )


def _add(statement: Statement) -> ins.Add:
    flags = statement.flags
    sources, contents, destination = _sources(statement)
    return ins.Add(
        sources=sources,
        contents=contents,
        destination=destination,
        chown=flags.text("chown"),
        chmod=flags.text("chmod"),
        link=bool(flags.switch("link")),
        exclude=flags.texts("exclude"),
        checksum=flags.text("checksum"),
        keep_git_dir=flags.switch("keep-git-dir"),
        unpack=flags.switch("unpack"),
        **statement.place,
    )


def _sources(statement: Statement) -> tuple[tuple[str, ...], tuple[Heredoc, ...], str]:
    """Paths, heredocs and the destination of COPY or ADD."""
    words = exec_form(statement.rest)
    is_json = words is not None
    words = tuple(split_fields(statement.rest)) if words is None else words
    if len(words) < 2:
        only_one = ", but only one was provided. Destination could not be determined"
        raise invalid(
            f"{statement.keyword} requires at least two arguments{only_one if words else ''}",
            f"write {statement.keyword} source... destination",
        )
    *sources, destination = words
    if is_json:
        return tuple(sources), (), destination
    if heredoc_word(destination):
        raise invalid(
            f"{statement.keyword} cannot accept a heredoc as a destination",
            hint="write a path as the last word",
        )
    paths = tuple(source for source in sources if heredoc_word(source) is None)
    heredocs = statement.line.heredocs
    if len(sources) - len(paths) != len(heredocs):
        raise invalid(
            f"{statement.keyword} cannot accept white space in a heredoc's delimiter",
            "write <<EOF in one word",
        )
    return paths, heredocs, destination


def _env(statement: Statement) -> ins.Env:
    pairs, legacy = _key_values(statement)
    return ins.Env(variables=pairs, legacy=legacy, **statement.place)


def _label(statement: Statement) -> ins.Label:
    pairs, legacy = _key_values(statement)
    return ins.Label(labels=pairs, legacy=legacy, **statement.place)


def _key_values(statement: Statement) -> tuple[tuple[ins.KeyValue, ...], bool]:
    """The pairs, and whether they stand in the legacy form ``NAME value``."""
    keyword, rest = statement.keyword, required(statement)
    words = split_words(rest, statement.escape)
    if words and "=" not in words[0]:
        name, value = split_keyword(rest)
        if not value:
            raise invalid(f"{keyword} must have two arguments", f"write {keyword} name=value")
        return (ins.KeyValue(name, value),), True
    return tuple(_key_value(keyword, word) for word in words), False


def _key_value(keyword: str, word: str) -> ins.KeyValue:
    key, separator, value = word.partition("=")
    if not separator:
        raise invalid(
            f'Syntax error - can\'t find = in "{word}". Must be of the form: name=value',
            "put a value that has spaces in double quotes",
        )
    if not key:
        raise invalid(f"{keyword} names can not be blank", hint=f"write {keyword} name=value")
    return ins.KeyValue(key, value)


def _arg(statement: Statement) -> ins.Arg:
    words = split_words(required(statement), statement.escape)
    return ins.Arg(arguments=tuple(map(_arg_default, words)), **statement.place)


def _arg_default(word: str) -> ins.ArgDefault:
    name, separator, default = word.partition("=")
    if not name:
        raise invalid("ARG names can not be blank", hint="write ARG name or ARG name=default")
    return ins.ArgDefault(name, default if separator else None)


def _workdir(statement: Statement) -> ins.Workdir:
    return ins.Workdir(path=single(statement), **statement.place)


def _user(statement: Statement) -> ins.User:
    return ins.User(user=single(statement), **statement.place)


def _stopsignal(statement: Statement) -> ins.Stopsignal:
    return ins.Stopsignal(signal=single(statement), **statement.place)


def _maintainer(statement: Statement) -> ins.Maintainer:
    return ins.Maintainer(name=single(statement), **statement.place)


def _expose(statement: Statement) -> ins.Expose:
    return ins.Expose(ports=tuple(sorted(split_fields(required(statement)))), **statement.place)


def _volume(statement: Statement) -> ins.Volume:
    rest = required(statement)
    words = exec_form(rest)
    paths = tuple(path.strip() for path in (split_fields(rest) if words is None else words))
    if not paths:
        raise invalid(
            "VOLUME requires at least one argument", hint='write VOLUME /data or VOLUME ["/data"]'
        )
    if not all(paths):
        raise invalid(
            "VOLUME specified can not be an empty string",
            hint='write VOLUME /data or VOLUME ["/data"]',
        )
    return ins.Volume(paths=paths, **statement.place)


def _cmd(statement: Statement) -> ins.Cmd:
    command = command_of(required(statement, "CMD [] clears an inherited command"))
    return ins.Cmd(command=command, **statement.place)


def _entrypoint(statement: Statement) -> ins.Entrypoint:
    rest = required(statement, "ENTRYPOINT [] clears an inherited entrypoint")
    return ins.Entrypoint(command=command_of(rest), **statement.place)


def _shell(statement: Statement) -> ins.Shell:
    arguments = exec_form(required(statement))
    hint = 'write SHELL ["/bin/bash", "-c"]'
    if arguments is None:
        raise invalid("SHELL requires the arguments to be in JSON form", hint)
    if not arguments:
        raise invalid("SHELL requires at least one argument", hint)
    return ins.Shell(arguments=arguments, **statement.place)


def _onbuild(statement: Statement) -> ins.Onbuild:
    rest = required(statement)
    keyword = split_keyword(rest)[0].upper()
    if keyword == "ONBUILD":
        raise invalid(
            "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed", hint="write ONBUILD once"
        )
    if keyword in _NO_TRIGGERS:
        raise invalid(
            f"{keyword} isn't allowed as an ONBUILD trigger",
            hint="an image that begins with this one has its own",
        )
    line = msgspec.structs.replace(statement.line, text=rest)
    bodies = [f"\n{heredoc.content}{heredoc.name}" for heredoc in line.heredocs]
    return ins.Onbuild(
        expression=rest + "".join(bodies),
        trigger=_typed(rest, line, statement.escape),
        **statement.place,
    )


_GRAMMAR: Final[Mapping[str, Callable[[Statement], ins.Instruction]]] = MappingProxyType(
    {
        "ADD": _add,
        "ARG": _arg,
        "CMD": _cmd,
        "COPY": _copy,
        "ENTRYPOINT": _entrypoint,
        "ENV": _env,
        "EXPOSE": _expose,
        "FROM": _from,
        "HEALTHCHECK": healthcheck,
        "LABEL": _label,
        "MAINTAINER": _maintainer,
        "ONBUILD": _onbuild,
        "RUN": _run,
        "SHELL": _shell,
        "STOPSIGNAL": _stopsignal,
        "USER": _user,
        "VOLUME": _volume,
        "WORKDIR": _workdir,
    }
)
