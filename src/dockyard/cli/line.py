"""Command lines: what a command takes, and how a line is read, by the rules of Docker's parser.

Those rules are pflag's: a value follows as ``--name value``, ``--name=value`` or ``-nvalue``,
switches can be joined (``-it``) and take ``=true`` and ``=false``, and ``--`` ends the options.
Why no library reads it: docs/decisions/0023-own-command-line.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn, TypeVar

from dockyard.errors import InvalidInput

F = TypeVar("F", bound=Callable[..., object])

Read = Callable[[str], object]
"""Understands a value, or raises :class:`InvalidInput`."""

BAD_OPTION = 125
_INT64_MAX = 2**63 - 1
_DECLARED = "__line__"


class UsageProblem(InvalidInput):
    """A command line that the command can't take."""

    reference = "usage"


class UnknownOption(UsageProblem):
    """The command has no such option."""

    def __init__(self, flag: str, message: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint, exit_code=BAD_OPTION)
        self.flag = flag


class HelpWanted(Exception):  # no error: the reader ends where help is asked for
    """The line has ``--help``."""


class _Declaration:
    """What a command takes; as a decorator it is given to a function."""

    __slots__ = ()

    def __call__(self, function: F) -> F:
        """Decorators are applied from the last to the first."""
        _declarations(function).insert(0, self)
        return function


class Option(_Declaration):
    """An option of a command. Made by :func:`option`, and not changed."""

    __slots__ = (
        "default", "help", "hidden", "is_flag", "key", "meant_by", "metavar", "multiple", "names",
        "read",
    )  # fmt: skip

    def __init__(
        self, names: tuple[str, ...], key: str, *, is_flag: bool, multiple: bool, default: object,
        metavar: str, help: str, hidden: bool, read: Read | None,  # noqa: A002  # help is the word
        meant_by: tuple[str, ...],
    ) -> None:  # fmt: skip
        self.names = names
        self.key = key
        """The function's parameter."""
        self.is_flag = is_flag
        self.multiple = multiple
        self.default = default
        self.metavar = metavar
        self.help = help
        self.hidden = hidden
        self.read = read
        self.meant_by = meant_by
        """What other programs call it; whoever types that is told of this one."""

    @property
    def flag(self) -> str:
        """Both names, as messages have them: ``-m, --memory``."""
        return ", ".join(self.names)

    @property
    def long_name(self) -> str:
        """The name that help sorts by."""
        return next(name for name in self.names if name.startswith("--"))


class Argument(_Declaration):
    """A word of the line, or all that are left. Made by :func:`argument`, and not changed."""

    __slots__ = ("default", "key", "many", "read", "required")

    def __init__(
        self, key: str, *, required: bool, many: bool, read: Read | None, default: str | None
    ) -> None:
        self.key = key
        self.required = required
        self.many = many
        self.read = read
        self.default = default


Parameter = Option | Argument


def option(
    *names: str, is_flag: bool = False, multiple: bool = False, default: object = None,
    metavar: str = "string", help: str = "", hidden: bool = False,  # noqa: A002  # help is the word
    read: Read | None = None, meant_by: tuple[str, ...] = (),
) -> Option:  # fmt: skip
    """Declares an option.

    Args:
        names: as they are typed; one without a dash is the function's parameter.
        is_flag: it has no value, but ``=true`` or ``=false`` may follow.
        multiple: it may be given several times; its value is a tuple.
        default: the value where it isn't given: ``False`` for a switch, ``()`` for several.
        read: understands each value.
        meant_by: see :class:`Option`.
    """
    typed = tuple(name for name in names if name.startswith("-"))
    key = next((name for name in names if not name.startswith("-")), None)
    if key is None:
        long = next(name for name in typed if name.startswith("--"))
        key = long[2:].replace("-", "_")
    if default is None:
        default = False if is_flag else () if multiple else None
    return Option(
        typed, key, is_flag=is_flag, multiple=multiple, default=default, metavar=metavar,
        help=help, hidden=hidden, read=read, meant_by=meant_by,
    )  # fmt: skip


def argument(
    key: str, *, required: bool = True, many: bool = False, read: Read | None = None,
    default: str | None = None,
) -> Argument:  # fmt: skip
    """Declares an argument; with ``many`` it is a tuple of all the words that are left."""
    required = required and default is None
    return Argument(key, required=required, many=many, read=read, default=default)


def declared(function: Callable[..., object]) -> tuple[Parameter, ...]:
    """What was declared for a function, in the order of the source."""
    found = _declarations(function)
    return tuple(one for one in found if isinstance(one, Option | Argument))


def _declarations(function: Callable[..., object]) -> list[_Declaration]:
    found: list[_Declaration] = function.__dict__.setdefault(_DECLARED, [])
    return found


def whole_number(text: str) -> int:
    """A whole number of 64 bits, in any of Go's notations.

    Raises:
        InvalidInput: it is none.
    """
    try:
        found = int(text, 0)
    except ValueError:
        raise InvalidInput("it is not a whole number") from None
    if abs(found) > _INT64_MAX:
        raise InvalidInput(f"it is out of range: at most {_INT64_MAX}")
    return found


def one_of(choices: Iterable[str]) -> Read:
    """Reads one of several words."""
    known = tuple(choices)

    def read(text: str) -> str:
        if text not in known:
            raise InvalidInput("it is none of the choices", hint=f"one of {', '.join(known)}")
        return text

    return read


class Line(NamedTuple):
    """A line that was taken apart."""

    values: dict[str, Any]
    words: list[str]
    """What is no option."""


def read_options(
    words: Sequence[str], options: Iterable[Option], *, interspersed: bool = True
) -> Line:
    """Takes a line apart. Pure, but for what the options' own readers look up.

    Args:
        interspersed: options may follow arguments; else the first argument ends them.

    Raises:
        HelpWanted: ``--help`` is among the options.
        UnknownOption: there is no such option.
        UsageProblem: an option lacks its value.
        InvalidInput: an option can't have this value.
    """
    known = {name: one for one in options for name in one.names}
    values: dict[str, Any] = {one.key: one.default for one in known.values()}
    plain: list[str] = []
    rest = iter(words)
    for word in rest:
        if word == "--":
            plain += rest
        elif word.startswith("--"):
            _long(word, rest, known, values)
        elif word.startswith("-") and word != "-":
            _short(word, rest, known, values)
        elif interspersed:
            plain.append(word)
        else:
            plain += [word, *rest]
    return Line(values, plain)


def _long(
    word: str, rest: Iterable[str], known: Mapping[str, Option], values: dict[str, Any]
) -> None:
    name, equals, value = word.partition("=")
    found = known.get(name)
    if found is None:
        _unknown(name, known)
    if equals:
        _set(found, value, values)
    elif found.is_flag:
        values[found.key] = True
    else:
        _set(found, _next(rest, name), values)


def _short(
    word: str, rest: Iterable[str], known: Mapping[str, Option], values: dict[str, Any]
) -> None:
    """``-it``, ``-m512m``, ``-m=512m``, ``-dp 80:80``, ``-t=false``."""
    for position, letter in enumerate(word[1:], start=1):
        found = known.get(f"-{letter}")
        if found is None:
            _unknown_letter(letter, word, known)
        behind = word[position + 1 :]
        if behind.startswith("="):
            return _set(found, behind[1:], values)
        if found.is_flag:
            values[found.key] = True
        else:
            return _set(found, behind or _next(rest, f"'{letter}' in {word}"), values)
    return None


def _next(rest: Iterable[str], name: str) -> str:
    for word in rest:
        return word
    raise UsageProblem(
        f"flag needs an argument: {name}",
        hint=f"write {name} and its value; --help says which",
        exit_code=BAD_OPTION,
    )


def _unknown(name: str, known: Mapping[str, Option]) -> NoReturn:
    if name == "--help":
        raise HelpWanted
    import difflib

    long = [one for one in known if one.startswith("--")]
    near = _meant(name, known) or difflib.get_close_matches(name, long)
    hint = f"did you mean {' or '.join(sorted(near))}?" if near else None
    raise UnknownOption(name, f"unknown flag: {name}", hint)


def _meant(name: str, known: Mapping[str, Option]) -> list[str]:
    return [one.long_name for one in dict.fromkeys(known.values()) if name in one.meant_by]


def _unknown_letter(letter: str, word: str, known: Mapping[str, Option]) -> NoReturn:
    if letter == "h":
        raise HelpWanted
    meant = _meant(f"-{letter}", known)
    hint = f"did you mean {' or '.join(meant)}?" if meant else None
    raise UnknownOption(f"-{letter}", f"unknown shorthand flag: '{letter}' in {word}", hint)


def _set(found: Option, text: str, values: dict[str, Any]) -> None:
    value = _truth(found, text) if found.is_flag else _understood(found, text)
    values[found.key] = (*values[found.key], value) if found.multiple else value


def _truth(found: Option, text: str) -> bool:
    from dockyard.oci.booleans import parse_go_boolean  # most switches have no value

    value = parse_go_boolean(text)
    if value is None:
        raise _invalid(found, text, "it must be true or false")
    return value


def _understood(found: Option, text: str) -> object:
    if found.read is None:
        return text
    try:
        return found.read(text)
    except InvalidInput as error:
        context = None if error.context == text else error.context
        raise _invalid(found, text, error.message, context, error.hint) from error


def _invalid(
    found: Option, text: str, why: str, context: str | None = None, hint: str | None = None
) -> InvalidInput:
    return InvalidInput(
        f'invalid argument "{text}" for "{found.flag}" flag: {why}',
        context=context, hint=hint, exit_code=BAD_OPTION,
    )  # fmt: skip


def read_arguments(words: Sequence[str], arguments: Sequence[Argument]) -> dict[str, Any] | None:
    """The values of the arguments; ``None`` where there are too few words, or too many."""
    least = sum(1 for one in arguments if one.required)
    many = any(one.many for one in arguments)
    if len(words) < least or (len(words) > len(arguments) and not many):
        return None
    values: dict[str, Any] = {}
    left = list(words)
    for one in arguments:
        if one.many:  # always the last one
            values[one.key] = tuple(left)
            break
        text = left.pop(0) if left else one.default
        values[one.key] = one.read(text) if one.read is not None and text is not None else text
    return values


def expected(arguments: Sequence[Argument]) -> str:
    """How many arguments a command wants, in Docker's words."""
    least = sum(1 for one in arguments if one.required)
    most = None if any(one.many for one in arguments) else len(arguments)
    if most == 0:
        return "accepts no arguments"
    if most is None:
        return f"requires at least {_count(least)}"
    if least == most:
        return f"requires {_count(least)}"
    if least == 0:
        return f"accepts at most {_count(most)}"
    return f"requires at least {least} and at most {_count(most)}"


def _count(amount: int) -> str:
    return f"{amount} argument" + ("" if amount == 1 else "s")
