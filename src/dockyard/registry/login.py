"""Logging in: is one believed to be who one says? And what is to be kept of it."""

from __future__ import annotations

from collections.abc import Mapping

from dockyard.errors import InvalidInput
from dockyard.oci.reference import DEFAULT_REGISTRY, require_text
from dockyard.registry import credentials
from dockyard.registry.auth_file import forget, keep
from dockyard.registry.client import Client
from dockyard.registry.endpoint import Call
from dockyard.registry.helpers import Programs
from dockyard.registry.model import HUB_HOST, Credential
from dockyard.registry.problems import Denied, Unauthorized
from dockyard.registry.settings import check_host

_HUB_NAMES = frozenset({"", DEFAULT_REGISTRY, f"index.{DEFAULT_REGISTRY}", HUB_HOST})


def registry_of(server: str) -> str:
    """The registry that a user means by a host, or by a URL as older versions of Docker had it.

    Raises:
        InvalidInput: it is neither.
    """
    _, _, rest = require_text(server, "a registry").rpartition("://")
    host = rest.partition("/")[0].lower()
    if host in _HUB_NAMES and (host or not server):
        return DEFAULT_REGISTRY
    if "@" in host:
        raise InvalidInput("a server has no user in it", hint="give -u, and no @")
    check_host(host, server)
    return host


def check(username: str | None, password: str | None) -> None:
    """Refuses what can't be anybody; what is ``None`` is to be asked for. Pure.

    Raises:
        InvalidInput: one is empty, no text, or has what basic authentication has no way for.
    """
    for name, value in (("username", username), ("password", password)):
        if value is not None and not require_text(value, f"a {name}"):
            raise InvalidInput(
                f"{name} is empty", hint=f"is the variable set that gives the {name}?"
            )
    if username is not None and ":" in username:
        raise InvalidInput("a username has no colon in it", hint="basic authentication has no way")


def sign_in(client: Client, registry: str, credential: Credential, env: Mapping[str, str]) -> None:
    """Shows a registry who one is, and keeps it for all that talks to it later.

    The client's user is told where that is unencrypted.

    Args:
        env: says where credentials are kept.

    Raises:
        Unauthorized: the registry doesn't believe it, and nothing is kept.
        RegistryError: it can't be asked.
        DockyardError: it can't be kept.
    """
    path = credentials.docker_file(env)
    if keep(path, Programs(), registry, log_in(client, registry, credential)):
        client.warn(f"your credentials are stored unencrypted in {path!r}:"
                    " configure a credential helper (docs/registries.md)")  # fmt: skip


def sign_out(registry: str, env: Mapping[str, str]) -> None:
    """Forgets who one is at a registry; it is no error if nobody knew.

    Raises:
        DockyardError: what is kept can't be written.
    """
    forget(credentials.docker_file(env), Programs(), registry)


def log_in(client: Client, registry: str, credential: Credential) -> Credential:
    """Shows a registry who one is; what to keep of it: a token instead of the password, if it can.

    Raises:
        Unauthorized: it doesn't believe it.
        RegistryError: it can't be asked.
    """
    endpoint = client.origin(registry, credential)
    try:
        endpoint.call(Call(method="GET", target="", what=registry)).drain_conn()
        token = endpoint.authoriser.log_in()
    except (Unauthorized, Denied) as error:
        raise Unauthorized(
            f"login to {registry} failed: incorrect username or password",
            context=error.context,
            hint="some registries want a token of theirs in place of the password",
        ) from error
    return Credential(credential.username, identity_token=token) if token else credential
