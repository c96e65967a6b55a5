"""Parser directives: ``# syntax=`` and ``# check=``. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from dockyard.build.dockerfile.lexer import Directive
from dockyard.build.dockerfile.quantities import parse_bool
from dockyard.build.dockerfile.source import invalid, located, syntax_error
from dockyard.errors import InvalidInput

SYNTAX_ARGUMENT: Final = "BUILDKIT_SYNTAX"
CHECK_ARGUMENT: Final = "BUILDKIT_DOCKERFILE_CHECK"
_REGISTRIES: Final = ("docker.io/", "index.docker.io/", "registry-1.docker.io/")
_FRONTENDS: Final = frozenset({"docker/dockerfile", "docker/dockerfile-upstream"})
_HINT: Final = "leave it out: Dockyard reads Docker's own Dockerfile syntax itself"


class CheckOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What ``# check=`` asks of the checks: see https://docs.docker.com/build/checks/.

    ``skip`` and ``experimental`` hold names of rules, or ``all``.
    """

    skip: frozenset[str] = frozenset()
    experimental: frozenset[str] = frozenset()
    error: bool = False

    def skips(self, rule: str) -> bool:
        """True where findings of a rule aren't wanted."""
        return "all" in self.skip or rule in self.skip


def check_syntax(directives: Sequence[Directive], arguments: Mapping[str, str]) -> None:
    """Refuses other frontends than Docker's own, whatever its version: what it does, we do.

    Args:
        arguments: of the command line; ``BUILDKIT_SYNTAX`` counts instead of the directive.

    Raises:
        BuildError: the file asks for another one; the error shows the line.
        InvalidInput: the command line does.
    """
    given = arguments.get(SYNTAX_ARGUMENT)
    if given:
        if not is_own_frontend(given):
            raise InvalidInput(
                f"the frontend {given} of {SYNTAX_ARGUMENT} is not supported", hint=_HINT
            )
        return
    for directive in directives:
        if directive.name == "syntax" and not is_own_frontend(directive.value):
            raise syntax_error(
                directive.location, f"the frontend {directive.value} is not supported", _HINT,
                reference="unknown-frontend",
            )  # fmt: skip


def is_own_frontend(text: str) -> bool:
    """True for ``docker/dockerfile`` in any spelling and version, with what may follow it."""
    image = (text.split() or [""])[0]
    for registry in _REGISTRIES:
        image = image.removeprefix(registry)
    return image.partition("@")[0].partition(":")[0] in _FRONTENDS


def check_options(directives: Sequence[Directive], arguments: Mapping[str, str]) -> CheckOptions:
    """What ``# check=skip=A,B;error=true``, or ``BUILDKIT_DOCKERFILE_CHECK``, says.

    Raises:
        BuildError: it has no such form.
    """
    given = arguments.get(CHECK_ARGUMENT)
    if given:
        return parse_check(given)
    for directive in directives:
        if directive.name == "check":
            with located(directive.location):
                return parse_check(directive.value)
    return CheckOptions()


def parse_check(text: str) -> CheckOptions:
    """The options in the directive's own notation."""
    rules: dict[str, frozenset[str]] = {}
    error = False
    for option in filter(None, (part.strip() for part in text.split(";"))):
        name, separator, value = (part.strip() for part in option.partition("="))
        if not separator:
            raise invalid(f'invalid check option "{option}"', "write skip=RULE,RULE;error=true")
        if name == "error":
            error = parse_bool(value)
        elif name in {"skip", "experimental"}:
            rules[name] = frozenset(filter(None, (rule.strip() for rule in value.split(","))))
        else:
            raise invalid(f'invalid check option "{name}"', "known are skip, error, experimental")
    return CheckOptions(error=error, **rules)
