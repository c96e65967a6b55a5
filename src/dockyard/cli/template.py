r"""The part of Go's templates (text/template) that ``--format`` is used with. Pure.

Fields (``.State.Status``), variables (``$``, ``$x := ...``), pipelines, parentheses, comments,
``{{-`` and ``-}}``; ``if``, ``else``, ``range``, ``with``, ``break`` and ``continue``; Go's own
functions and Docker's (:mod:`dockyard.cli.template_functions`). ``\t`` and ``\n`` in the text are
a tab and a new line. Templates that include others are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from dockyard.cli import template_parser as parser
from dockyard.cli.template_functions import (
    FUNCTIONS,
    HEADER_FUNCTIONS,
    NO_VALUE,
    printed,
    to_json,
    true,
)
from dockyard.cli.template_parser import Expression, Node, parse
from dockyard.errors import InvalidInput

__all__ = ["parse", "render", "render_titles", "to_json"]

_MAPS = frozenset({
    "Annotations", "Attributes", "ExposedPorts", "Labels", "Networks", "Options", "PortBindings",
    "Ports", "Sysctls", "Tmpfs", "Volumes",
})  # fmt: skip
"""Fields whose names are the user's: one that isn't there is no mistake."""
_WITHOUT_ARGUMENTS = frozenset({"print", "println"})

Functions = Mapping[str, Callable[..., object]]


def render(nodes: Sequence[Node], value: object) -> str:
    """Fills a template.

    Raises:
        InvalidInput: the value has no such field, or a function can't take what it is given.
    """
    return _Execution(FUNCTIONS, value).result(nodes)


def render_titles(nodes: Sequence[Node], titles: Mapping[str, str]) -> str:
    """The head of a table: functions leave the titles as they are, unknown ones are named."""
    return _Execution(HEADER_FUNCTIONS, _Titles(titles)).result(nodes)


class _Titles(dict[str, str]):
    def __init__(self, titles: Mapping[str, str]) -> None:
        super().__init__(titles)
        self.methods = {"Label": _label_title}

    def __contains__(self, _name: object) -> bool:
        return True

    def __missing__(self, name: str) -> str:
        return name.upper()


def _label_title(key: str = "") -> str:
    return key.rpartition(".")[2].replace("-", " ").replace("_", " ")


class _Break(Exception):  # no error
    pass


class _Continue(Exception):  # no error
    pass


class _Execution:
    """One filling of a template; ``dot`` and the variables change on the way."""

    def __init__(self, functions: Functions, value: object) -> None:
        self._functions = functions
        self._dot = value
        self._variables: list[tuple[str, object]] = [("$", value)]
        self._written: list[str] = []
        """So far: ``break`` leaves what stands before it."""

    def result(self, nodes: Sequence[Node]) -> str:
        self._run(nodes)
        return "".join(self._written)

    def _run(self, nodes: Sequence[Node]) -> None:
        for node in nodes:
            self._node(node)

    def _node(self, node: Node) -> None:
        match node:
            case str():
                self._written.append(node)
            case parser.Print():
                value = self._pipeline(node.pipeline)
                self._written.append("" if node.pipeline.variables else printed(value))
            case parser.If():
                chosen = node.body if true(self._pipeline(node.pipeline)) else node.otherwise
                self._block(chosen, self._dot)
            case parser.With():
                value = self._pipeline(node.pipeline)
                found = true(value)
                self._block(node.body if found else node.otherwise, value if found else self._dot)
            case parser.Range():
                self._range(node)
            case parser.Break():
                raise _Break
            case parser.Continue():
                raise _Continue

    def _block(self, nodes: Sequence[Node], dot: object) -> None:
        before, count = self._dot, len(self._variables)
        self._dot = dot
        try:
            self._run(nodes)
        finally:
            self._dot = before
            del self._variables[count:]

    def _range(self, node: parser.Range) -> None:
        value = self._pipeline(msgspec.structs.replace(node.pipeline, variables=()))
        pairs = _pairs(value)
        if not pairs:
            self._block(node.otherwise, self._dot)
        names = node.pipeline.variables
        for key, each in pairs:
            count = len(self._variables)
            values = (each,) if len(names) == 1 else (key, each)
            self._variables += list(zip(names, values, strict=False))
            try:
                self._block(node.body, each)
            except _Continue:
                continue
            except _Break:
                break
            finally:
                del self._variables[count:]

    def _pipeline(self, pipeline: parser.Pipeline) -> object:
        value: object = None
        for place, command in enumerate(pipeline.commands):
            value = self._command(command, (value,) if place else ())
        for name in pipeline.variables:
            self._assign(name, value, new=pipeline.declares)
        return value

    def _assign(self, name: str, value: object, *, new: bool) -> None:
        if not new:
            for place in range(len(self._variables) - 1, -1, -1):
                if self._variables[place][0] == name:
                    self._variables[place] = (name, value)
                    return
            raise _error(f"undefined variable: {name}")
        self._variables.append((name, value))

    def _command(self, command: parser.Command, last: tuple[object, ...]) -> object:
        first, *rest = command.words
        if isinstance(first, parser.Function):
            return self._function(first.name, rest, last)
        arguments = (*map(self._value, rest), *last)
        value = self._value(first, arguments)
        if arguments and not isinstance(first, parser.Field):
            raise _error("can't give an argument to a value that is no function")
        return value

    def _function(self, name: str, words: Sequence[Expression], last: tuple[object, ...]) -> object:
        if name in {"and", "or"}:  # these look at no more than they have to
            return self._lazily(name, words, last)
        arguments = (*map(self._value, words), *last)
        if not arguments and name not in _WITHOUT_ARGUMENTS:
            raise _error(f"{name} needs an argument")
        try:
            return self._functions[name](*arguments)
        except (TypeError, ValueError, IndexError, KeyError) as error:
            raise _error(f"error calling {name}: {error}") from error

    def _lazily(self, name: str, words: Sequence[Expression], last: tuple[object, ...]) -> object:
        value: object = None
        for word in (*words, *(parser.Literal(each) for each in last)):
            value = self._value(word)
            if true(value) == (name == "or"):
                return value
        return value

    def _value(self, word: Expression, arguments: tuple[object, ...] = ()) -> object:
        match word:
            case parser.Literal():
                return word.value
            case parser.Function():
                return self._function(word.name, (), ())
            case parser.Group():
                return _fields(self._pipeline(word.pipeline), word.names, ())
            case parser.Variable():
                for name, value in reversed(self._variables):
                    if name == word.name:
                        return _fields(value, word.names, arguments)
                raise _error(f"undefined variable: {word.name}")
        return _fields(self._dot, word.names, arguments)


def _fields(value: object, names: Sequence[str], arguments: tuple[object, ...]) -> object:
    """Goes down the names; the last one may be a method that takes the arguments."""
    for place, name in enumerate(names):
        method = getattr(value, "methods", {}).get(name)
        if method is not None:
            return method(*(arguments if place == len(names) - 1 else ()))
        if isinstance(value, Mapping) and name not in value and place and names[place - 1] in _MAPS:
            return NO_VALUE
        if not isinstance(value, Mapping) or name not in value:
            path = "." + ".".join(names)
            known = f"; known here: {', '.join(value)}" if isinstance(value, Mapping) else ""
            raise InvalidInput(
                f'template error: no field "{name}" at <{path}>',
                hint=f"fields are written as in --format json{known}",
                reference="template-field",
            )
        value = value[name]
    if arguments and names:
        raise _error(f".{'.'.join(names)} takes no arguments")
    return value


def _pairs(value: object) -> list[tuple[object, object]]:
    """What ``range`` visits: maps in the order of their keys, as in Go."""
    match value:
        case None:
            return []
        case Mapping():
            return [(key, value[key]) for key in sorted(value)]
        case list() | tuple():
            return list(enumerate(value))
        case int() if not isinstance(value, bool):
            return [(number, number) for number in range(value)]
    raise _error(f"range can't iterate over {printed(value)}")


def _error(words: str) -> InvalidInput:
    return InvalidInput(f"template error: {words}", hint=parser.HINT)
