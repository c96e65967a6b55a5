"""The names that projects may have. Pure."""

from __future__ import annotations

import re
from typing import Final

from dockyard.errors import InvalidInput

_LETTERS: Final = re.compile("[a-z0-9_-]")


def normalized(name: str) -> str:
    """The letters of a name that Compose takes, in lower case."""
    return "".join(_LETTERS.findall(name.lower())).lstrip("_-")


def checked(name: str) -> str:
    """The name itself.

    Raises:
        InvalidInput: it isn't in Compose's letters.
    """
    if name and normalized(name) == name:
        return name
    raise InvalidInput(
        f"invalid project name {name!r}: must consist only of lowercase alphanumeric characters, "
        "hyphens, and underscores as well as start with a letter or number",
        hint=f"such as {normalized(name)}" if normalized(name) else None,
    )
