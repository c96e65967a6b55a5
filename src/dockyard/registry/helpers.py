"""Credential helpers: programs named ``docker-credential-NAME`` that keep credentials.

They are told what to do by one argument, and are given and answer a small document on their
streams (Docker's credential helper protocol).
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from dockyard import decoding
from dockyard.errors import ComponentFailed, ComponentMissing, InvalidInput
from dockyard.registry.model import Credential
from dockyard.system import process

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_TOKEN_USER: Final = "<token>"  # noqa: S105  # who has an identity token instead of a password
_NOTHING: Final = "credentials not found in native keychain"
_TIMEOUT: Final = 60.0
"""Seconds; some ask the user."""


class _Answer(msgspec.Struct, frozen=True, rename="pascal"):
    username: str = ""
    secret: str = ""


class _Stored(msgspec.Struct, frozen=True):
    server: str = msgspec.field(name="ServerURL")
    username: str = msgspec.field(name="Username")
    secret: str = msgspec.field(name="Secret")


class Programs:
    """The helpers that are installed."""

    def get(self, name: str, key: str) -> Credential | None:
        """What a helper has for a registry.

        Raises:
            ComponentMissing: there is no such helper.
            ComponentFailed: it fails, or answers what makes no sense.
        """
        done = self._run(name, "get", key)
        if done is None:
            return None
        try:
            answer = decoding.from_json(done, _Answer)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise _failed(name, "its answer makes no sense") from None
        if answer.username == _TOKEN_USER:
            return Credential(identity_token=answer.secret)
        made = Credential(answer.username, answer.secret)
        return None if made.empty else made

    def store(self, name: str, key: str, credential: Credential) -> None:
        """Gives a helper what it is to keep.

        Raises:
            ComponentMissing: there is no such helper.
            ComponentFailed: it fails.
        """
        token = credential.identity_token
        username, secret = (_TOKEN_USER, token) if token else (
            credential.username, credential.password)  # fmt: skip
        self._run(name, "store", msgspec.json.encode(_Stored(key, username, secret)))

    def erase(self, name: str, key: str) -> None:
        """Lets a helper forget; one that knew nothing is content.

        Raises:
            ComponentMissing: there is no such helper.
            ComponentFailed: it fails.
        """
        self._run(name, "erase", key)

    def _run(self, name: str, action: str, given: str | bytes) -> bytes | None:
        """What it printed; ``None`` where it has nothing."""
        if not _NAME.fullmatch(name):
            raise InvalidInput(
                f"not the name of a credential helper: {name!r}",
                hint="it is what follows docker-credential- in the program's name",
            )
        program = f"docker-credential-{name}"
        if process.find(program) is None:
            raise ComponentMissing(
                f"{program} is not installed",
                hint="install that credential helper, or take it out of Docker's configuration",
            )
        done = process.run([program, action], input=given, timeout=_TIMEOUT, check=False)
        if done.code == 0:
            return done.stdout
        words = (done.stdout or done.stderr).decode(errors="replace").strip()
        if _NOTHING in words:
            return None
        raise _failed(name, words[:500] or f"it exited with code {done.code}")


def _failed(name: str, words: str) -> ComponentFailed:
    return ComponentFailed(
        f"docker-credential-{name}: {words}",
        hint="call it by hand to see what ails it, or take it out of Docker's configuration",
    )
