"""Values of package-aware layers: what lies in a step's directory, and who claims which of it."""

from collections.abc import Collection, Mapping

import msgspec


class Files(msgspec.Struct, frozen=True, kw_only=True):
    """What of a directory can move. Paths are relative to it.

    Directories, whiteouts, devices and FIFOs are not among it: they stay where they are.
    """

    sizes: Mapping[str, int]
    """Regular files, by their sizes in bytes."""
    symlinks: Collection[str]
    groups: tuple[tuple[str, ...], ...]
    """Names of one and the same file, for each that has several."""
    fixed: Collection[str] = ()
    """Directories in which something is that can't move, and empty ones."""

    def has(self, path: str) -> bool:
        """Whether there is such a file or symlink."""
        return path in self.sizes or path in self.symlinks


class Claim(msgspec.Struct, frozen=True, gc=False):
    """What a distribution says of one of its files.

    ``size`` is in bytes, -1 where it isn't said; ``algorithm`` is empty where no digest is said.
    """

    path: str
    size: int = -1
    algorithm: str = ""
    digest: bytes = b""


class Distribution(msgspec.Struct, frozen=True, kw_only=True):
    """An installed distribution.

    ``key`` is its normalised name (PEP 503), ``place`` the directory that it was installed in.
    """

    name: str
    version: str
    key: str
    place: str

    def __str__(self) -> str:
        """As the history of an image names it."""
        return f"{self.name} {self.version}".rstrip()


class Part(msgspec.Struct, frozen=True):
    """A layer to make: the files that it takes, and what to say of it."""

    paths: tuple[str, ...]
    note: str


class Division(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a step's result was laid out, as the build cache keeps it.

    ``budget`` is how many layers it was allowed; 0 says that there was nothing to divide.
    ``alone`` counts the distributions that are large enough for a layer of their own. ``notes``
    say for each layer which packages it holds; a layer without packages has an empty one.
    """

    budget: int = 0
    alone: int = 0
    notes: tuple[str, ...] = ()


UNDIVIDED = Division()
