"""What ``--build-context NAME=VALUE`` puts in place of a stage or an image. Pure."""

from __future__ import annotations

import os.path
from collections.abc import Mapping

import msgspec

from dockyard.build.remote import address
from dockyard.build.remote.address import Git, Web
from dockyard.errors import BuildError, InvalidInput, NotSupported
from dockyard.oci.reference import Reference

_IMAGE = "docker-image://"
_LAYOUT = "oci-layout://"


class Local(msgspec.Struct, frozen=True):
    """A directory of this host, with its ``.dockerignore``."""

    path: str


class NamedImage(msgspec.Struct, frozen=True):
    """An image that is there."""

    reference: str


NamedContext = Local | NamedImage | Git | Web


def context(value: str) -> NamedContext:
    """What the value of a named context means.

    Raises:
        InvalidInput: it is no address.
        NotSupported: it is an OCI layout.
    """
    if value.startswith(_IMAGE):
        return NamedImage(value.removeprefix(_IMAGE))
    if value.startswith(_LAYOUT):
        raise NotSupported(
            f"a build context can't be an OCI layout yet: {value}",
            hint="dockyard load -i DIR takes its images; then give NAME=docker-image://IMAGE",
            exit_code=125,
        )
    if not address.is_remote(value):
        return Local(os.path.abspath(value))
    try:
        return address.parse(value)
    except BuildError as error:
        raise InvalidInput(error.message, hint=error.hint) from error


class NamedContexts:
    """The named contexts of one build."""

    def __init__(self, given: Mapping[str, NamedContext]) -> None:
        self._by_name = {name.lower(): value for name, value in given.items()}
        self._by_reference = {_reference(name): value for name, value in given.items()}
        self.given = dict(given)

    def find(self, name: str) -> NamedContext | None:
        """What stands in place of a stage or image of this name, if anything does."""
        found = self._by_name.get(name.lower())
        return found if found is not None else self._by_reference.get(_reference(name))

    def name_of(self, wanted: NamedContext) -> str:
        """The name under which a context was given."""
        return next(name for name, value in self.given.items() if value == wanted)


def _reference(name: str) -> str:
    """``alpine`` and ``docker.io/library/alpine:latest`` are one image."""
    try:
        return str(Reference.parse(name))
    except InvalidInput:
        return name
