"""Short forms of the declarations that the subjects' modules are made of."""

from __future__ import annotations

from dockyard.cli.line import Option, Read, option, whole_number


def notation(name: str) -> Read:
    """A function of :mod:`dockyard.arguments`, which is imported with the first value to read."""

    def read(value: str) -> object:
        from dockyard import arguments

        understand: Read = getattr(arguments, name)
        return understand(value)

    return read


def text(*names: str, kind: str = "string", help: str) -> Option:  # noqa: A002  # the reader's word
    """A flag whose value is taken as it is."""
    return option(*names, metavar=kind, help=help)


def number(*names: str, help: str) -> Option:  # noqa: A002  # the reader's word
    """A flag with a whole number."""
    return option(*names, read=whole_number, metavar="int", help=help)


def switch(*names: str, help: str) -> Option:  # noqa: A002  # the reader's word
    """A flag without a value."""
    return option(*names, is_flag=True, help=help)


def parsed(*names: str, kind: str, read: Read, help: str) -> Option:  # noqa: A002  # the reader's word
    """A flag whose value ``read`` understands."""
    return option(*names, metavar=kind, help=help, read=read)


def several(
    *names: str, help: str, read: Read | None = None, kind: str = "list"  # noqa: A002  # the reader's word
) -> Option:  # fmt: skip
    """A flag that may be given several times."""
    return option(*names, metavar=kind, help=help, multiple=True, read=read)
