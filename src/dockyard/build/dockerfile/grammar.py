"""One logical line to one typed instruction: what each instruction takes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypedDict, TypeVar

import msgspec

from dockyard.build.dockerfile import instructions as ins
from dockyard.build.dockerfile.flags import Flags
from dockyard.build.dockerfile.lexer import Heredoc, LogicalLine
from dockyard.build.dockerfile.mounts import parse_device, parse_mount
from dockyard.build.dockerfile.quantities import parse_duration
from dockyard.build.dockerfile.source import Location, did_you_mean, invalid, located
from dockyard.build.dockerfile.words import (
    exec_form,
    heredoc_word,
    split_fields,
    split_flags,
    split_keyword,
    split_words,
)

_STAGE_NAME: Final = re.compile(r"[a-z][a-z0-9_.-]*")
_RETRIES: Final = re.compile(r"[-+]?[0-9]{1,9}")
_SHORTEST_INTERVAL: Final = 1_000_000
_NO_TRIGGERS: Final = frozenset({"ONBUILD", "FROM", "MAINTAINER"})
_CONTINUATION_HINT: Final = "if it continues the line above, end that line with a backslash"
_E = TypeVar("_E", bound=StrEnum)


class _Place(TypedDict):
    location: Location
    text: str


class _Statement(msgspec.Struct, frozen=True, kw_only=True):
    """An instruction's parts before its own grammar is applied."""

    keyword: str
    flags: Flags
    rest: str
    line: LogicalLine
    escape: str

    @property
    def place(self) -> _Place:
        return {"location": self.line.location, "text": self.line.text.strip()}


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
        _Statement(
            keyword=keyword, flags=Flags(keyword, flags), rest=rest, line=line, escape=escape
        )
    )


def _from(statement: _Statement) -> ins.From:
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


def _run(statement: _Statement) -> ins.Run:
    flags = statement.flags
    command = _command(_required(statement))
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


def _copy(statement: _Statement) -> ins.Copy:
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


def _add(statement: _Statement) -> ins.Add:
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


def _sources(statement: _Statement) -> tuple[tuple[str, ...], tuple[Heredoc, ...], str]:
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
        raise invalid(f"{statement.keyword} cannot accept a heredoc as a destination")
    paths = tuple(source for source in sources if heredoc_word(source) is None)
    heredocs = statement.line.heredocs
    if len(sources) - len(paths) != len(heredocs):
        raise invalid(
            f"{statement.keyword} cannot accept white space in a heredoc's delimiter",
            "write <<EOF in one word",
        )
    return paths, heredocs, destination


def _env(statement: _Statement) -> ins.Env:
    pairs, legacy = _key_values(statement)
    return ins.Env(variables=pairs, legacy=legacy, **statement.place)


def _label(statement: _Statement) -> ins.Label:
    pairs, legacy = _key_values(statement)
    return ins.Label(labels=pairs, legacy=legacy, **statement.place)


def _key_values(statement: _Statement) -> tuple[tuple[ins.KeyValue, ...], bool]:
    """The pairs, and whether they stand in the legacy form ``NAME value``."""
    keyword, rest = statement.keyword, _required(statement)
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
        raise invalid(f"{keyword} names can not be blank")
    return ins.KeyValue(key, value)


def _arg(statement: _Statement) -> ins.Arg:
    words = split_words(_required(statement), statement.escape)
    return ins.Arg(arguments=tuple(map(_arg_default, words)), **statement.place)


def _arg_default(word: str) -> ins.ArgDefault:
    name, separator, default = word.partition("=")
    if not name:
        raise invalid("ARG names can not be blank")
    return ins.ArgDefault(name, default if separator else None)


def _workdir(statement: _Statement) -> ins.Workdir:
    return ins.Workdir(path=_single(statement), **statement.place)


def _user(statement: _Statement) -> ins.User:
    return ins.User(user=_single(statement), **statement.place)


def _stopsignal(statement: _Statement) -> ins.Stopsignal:
    return ins.Stopsignal(signal=_single(statement), **statement.place)


def _maintainer(statement: _Statement) -> ins.Maintainer:
    return ins.Maintainer(name=_single(statement), **statement.place)


def _expose(statement: _Statement) -> ins.Expose:
    return ins.Expose(ports=tuple(sorted(split_fields(_required(statement)))), **statement.place)


def _volume(statement: _Statement) -> ins.Volume:
    rest = _required(statement)
    words = exec_form(rest)
    paths = tuple(path.strip() for path in (split_fields(rest) if words is None else words))
    if not paths:
        raise invalid("VOLUME requires at least one argument")
    if not all(paths):
        raise invalid("VOLUME specified can not be an empty string")
    return ins.Volume(paths=paths, **statement.place)


def _cmd(statement: _Statement) -> ins.Cmd:
    command = _command(_required(statement, "CMD [] clears an inherited command"))
    return ins.Cmd(command=command, **statement.place)


def _entrypoint(statement: _Statement) -> ins.Entrypoint:
    rest = _required(statement, "ENTRYPOINT [] clears an inherited entrypoint")
    return ins.Entrypoint(command=_command(rest), **statement.place)


def _shell(statement: _Statement) -> ins.Shell:
    arguments = exec_form(_required(statement))
    hint = 'write SHELL ["/bin/bash", "-c"]'
    if arguments is None:
        raise invalid("SHELL requires the arguments to be in JSON form", hint)
    if not arguments:
        raise invalid("SHELL requires at least one argument", hint)
    return ins.Shell(arguments=arguments, **statement.place)


def _healthcheck(statement: _Statement) -> ins.Healthcheck:
    flags = statement.flags
    kind, rest = split_keyword(_required(statement, "write HEALTHCHECK CMD command, or NONE"))
    return ins.Healthcheck(
        command=_health_command(kind, rest),
        interval=_interval(flags, "interval"),
        timeout=_interval(flags, "timeout"),
        start_period=_interval(flags, "start-period"),
        start_interval=_interval(flags, "start-interval"),
        retries=_retries(flags.text("retries") or "0"),
        **statement.place,
    )


def _health_command(kind: str, rest: str) -> ins.Command | None:
    match kind.upper():
        case "NONE" if rest:
            raise invalid("HEALTHCHECK NONE takes no arguments")
        case "NONE":
            return None
        case "CMD":
            command = _command(rest)
            if command in {ins.ShellForm(""), ins.ExecForm(())}:
                raise invalid("missing command after HEALTHCHECK CMD")
            return command
    hint = "write HEALTHCHECK [flags] CMD command; flags come before CMD"
    raise invalid(f'unknown type "{kind}" in HEALTHCHECK (try CMD)', hint)


def _interval(flags: Flags, name: str) -> int:
    nanoseconds = parse_duration(flags.text(name) or "0")
    if nanoseconds and nanoseconds < _SHORTEST_INTERVAL:
        raise invalid(f'interval "{name}" cannot be less than 1ms')
    return nanoseconds


def _retries(text: str) -> int:
    if not _RETRIES.fullmatch(text):
        raise invalid(f'invalid number "{text}" in --retries')
    if int(text) < 0:
        raise invalid(f"--retries cannot be negative ({text})")
    return int(text)


def _onbuild(statement: _Statement) -> ins.Onbuild:
    rest = _required(statement)
    keyword = split_keyword(rest)[0].upper()
    if keyword == "ONBUILD":
        raise invalid("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed")
    if keyword in _NO_TRIGGERS:
        raise invalid(f"{keyword} isn't allowed as an ONBUILD trigger")
    line = msgspec.structs.replace(statement.line, text=rest)
    bodies = [f"\n{heredoc.content}{heredoc.name}" for heredoc in line.heredocs]
    return ins.Onbuild(
        expression=rest + "".join(bodies),
        trigger=_typed(rest, line, statement.escape),
        **statement.place,
    )


def _command(text: str) -> ins.Command:
    arguments = exec_form(text)
    return ins.ShellForm(text) if arguments is None else ins.ExecForm(arguments)


def _required(statement: _Statement, hint: str | None = None) -> str:
    if not statement.rest:
        raise invalid(f"{statement.keyword} requires at least one argument", hint)
    return statement.rest


def _single(statement: _Statement) -> str:
    if not statement.rest:
        raise invalid(f"{statement.keyword} requires exactly one argument")
    return statement.rest


_GRAMMAR: Final[Mapping[str, Callable[[_Statement], ins.Instruction]]] = MappingProxyType(
    {
        "ADD": _add,
        "ARG": _arg,
        "CMD": _cmd,
        "COPY": _copy,
        "ENTRYPOINT": _entrypoint,
        "ENV": _env,
        "EXPOSE": _expose,
        "FROM": _from,
        "HEALTHCHECK": _healthcheck,
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
