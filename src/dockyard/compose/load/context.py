"""In what surroundings files are read."""

from __future__ import annotations

import os
from collections.abc import Mapping

import msgspec

from dockyard.compose.load.documents import Document, documents
from dockyard.compose.load.paths import Base
from dockyard.compose.load.place import Path, Places
from dockyard.compose.load.problem import problem
from dockyard.compose.load.template import Warn
from dockyard.errors import InvalidInput, NotFound, NotSupported


class Source(msgspec.Struct, frozen=True):
    """A Compose file: its absolute path, or ``-`` for standard input, and its documents."""

    path: str
    documents: tuple[Document, ...]


class Context(msgspec.Struct, frozen=True):
    """In what surroundings the files of a project, or of an included one, are read.

    - ``directory``: the absolute path that the names of other files are relative to;
    - ``base``: what relative paths within the tree are put behind, itself perhaps relative to
      the directory of the project that includes this one; ``home``: what ``~`` is;
    - ``environment``: the variables;
    - ``interpolate``: variables are replaced; ``resolve``: paths within the tree become absolute;
    - ``included``: the files that include each other up to here, the first one first.
    """

    directory: str
    base: str
    environment: Mapping[str, str]
    warn: Warn
    home: str = ""
    interpolate: bool = True
    resolve: bool = True
    included: tuple[str, ...] = ()

    def based(self, directory: str) -> Base:
        """What paths are relative to in ``directory``, itself relative or absolute."""
        return Base(directory, self.home, _followed)

    def located(self, name: str, places: Places, path: Path) -> str:
        """The absolute path of another file.

        Args:
            places, path: where it is named.

        Raises:
            NotSupported: it is on another machine.
            InvalidInput: it isn't there.
        """
        if is_remote(name):
            raise NotSupported(
                f"{places.find(path)}: {name}: Compose files on other machines aren't read",
                hint="fetch it, and name the copy",
            )
        located = os.path.normpath(os.path.join(self.directory, name))
        if os.path.exists(located):
            return located
        raise problem(places, path, f"there is no file {located}")


def _followed(path: str) -> str:
    """An absolute path whose first symbolic link is followed."""
    if not os.path.isabs(path):
        return path
    at = "/"
    parts = path.split("/")
    for index, part in enumerate(parts):
        at = os.path.join(at, part)
        if os.path.islink(at):
            return os.path.normpath(os.path.join(os.path.realpath(at), *parts[index + 1 :]))
    return path


def is_remote(name: str) -> bool:
    """Whether the name of a file is one of a Git repository or of an artifact in a registry."""
    if "://" in name:
        return name.partition("://")[0] in {"oci", "git", "ssh", "http", "https"}
    return name.startswith(("git@", "github.com/"))


def source(path: str) -> Source:
    """Reads a Compose file.

    Raises:
        NotFound: there is none.
        InvalidInput: it can't be read, or is no YAML.
    """
    try:
        with open(path, "rb") as stream:
            content = stream.read()
    except FileNotFoundError as error:
        raise NotFound(f"{path}: no such file", hint="see what -f names") from error
    except OSError as error:
        raise InvalidInput(
            f"{path}: can't be read: {error.strerror}",
            hint="see whose it is, and that it is a file",
        ) from error
    return Source(path, tuple(documents(content, path)))
