"""SSH agents for RUN steps: a socket that lists keys and signs, and does nothing else.

A step never gets the agent's own socket: through it, it could add, remove or lock keys. Keys in
files are given to an ``ssh-agent`` that lives as long as the step.
"""

from __future__ import annotations

import contextlib
import csv
import os
import socket
import stat
import struct
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from dockyard.errors import ComponentFailed, InvalidInput
from dockyard.system import process

_REQUEST_IDENTITIES = 11
_SIGN_REQUEST = 13
_ALLOWED = frozenset({_REQUEST_IDENTITIES, _SIGN_REQUEST})
"""Requests of the agent protocol (draft-ietf-sshm-ssh-agent) that only read."""

_FAILURE = b"\x00\x00\x00\x01\x05"
_MAX_MESSAGE = 256 * 1024
_START_SECONDS = 10.0


class AgentSource(msgspec.Struct, frozen=True):
    """An agent's socket, or key files for one; under the id that a Dockerfile names."""

    id: str
    socket: str = ""
    keys: tuple[str, ...] = ()


def parse_ssh(text: str) -> tuple[str, tuple[str, ...]]:
    """``--ssh``: ``ID[=SOCKET|KEY[,KEY]]``; the id, and the paths for :func:`agent_source`."""
    name, _, value = text.partition("=")
    return name or "default", tuple(next(csv.reader([value]), []))


def agent_source(name: str, paths: tuple[str, ...], environ: Mapping[str, str]) -> AgentSource:
    """What the path of an agent's socket, or those of keys, mean; none is ``SSH_AUTH_SOCK``.

    Raises:
        InvalidInput: there is no agent, or no such file.
    """
    if not paths:
        found = environ.get("SSH_AUTH_SOCK", "")
        if not found:
            raise InvalidInput(
                "invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set",
                hint=f"start an agent (eval $(ssh-agent)), or name a key: --ssh {name}=PATH",
            )
        paths = (found,)
    sockets = [path for path in paths if stat.S_ISSOCK(_status(name, path).st_mode)]
    if not sockets:
        return AgentSource(name, keys=tuple(os.path.expanduser(path) for path in paths))
    if len(paths) > 1:
        raise InvalidInput(
            f"only a single socket allowed for the ssh agent {name}",
            hint=f"name one socket, or keys: --ssh {name}=PATH[,PATH]",
        )
    return AgentSource(name, socket=os.path.abspath(os.path.expanduser(sockets[0])))


def given(
    paths: Mapping[str, Sequence[str]], environ: Mapping[str, str]
) -> tuple[AgentSource, ...]:
    """A program's agents, as :func:`agent_source` takes them."""
    return tuple(agent_source(name, tuple(each), environ) for name, each in paths.items())


@contextlib.contextmanager
def forwarded(source: AgentSource, directory: str, name: str) -> Iterator[str]:
    """Makes a socket in ``directory`` that speaks to the agent; its path.

    Raises:
        InvalidInput: a key can't be read, or wants a passphrase.
        ComponentMissing, ComponentFailed: there is no ``ssh-agent`` for keys, or it doesn't start.
    """
    with contextlib.ExitStack() as stack:
        upstream = source.socket
        if source.keys:
            upstream = stack.enter_context(_started(source, directory, f"{name}.keys"))
        listener = socket.socket(socket.AF_UNIX)
        stack.callback(listener.close)
        descriptor = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            listener.bind(f"/proc/self/fd/{descriptor}/{name}")  # a path of 108 bytes at most
        finally:
            os.close(descriptor)
        listener.listen()
        thread = threading.Thread(target=_serve, args=(listener, upstream), daemon=True)
        thread.start()
        stack.callback(thread.join)
        stack.callback(_stop, listener)
        yield f"{directory}/{name}"


def _stop(listener: socket.socket) -> None:
    with contextlib.suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)  # accept returns


def _serve(listener: socket.socket, upstream: str) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_converse, args=(client, upstream), daemon=True).start()


def _converse(client: socket.socket, upstream: str) -> None:
    """Passes on what is allowed of one connection, and refuses the rest."""
    with client, socket.socket(socket.AF_UNIX) as agent, contextlib.suppress(OSError):
        agent.connect(upstream)
        while request := _message(client):
            if request[4] not in _ALLOWED:
                client.sendall(_FAILURE)
                continue
            agent.sendall(request)
            client.sendall(_message(agent) or _FAILURE)


def _message(connection: socket.socket) -> bytes:
    """One whole message; empty at the end of the stream, or where it is malformed."""
    head = _exactly(connection, 4)
    length = struct.unpack(">I", head)[0] if head else 0
    if not 0 < length <= _MAX_MESSAGE:
        return b""
    body = _exactly(connection, length)
    return head + body if body else b""


def _exactly(connection: socket.socket, count: int) -> bytes:
    whole = bytearray()
    while len(whole) < count:
        piece = connection.recv(count - len(whole))
        if not piece:
            return b""
        whole += piece
    return bytes(whole)


@contextlib.contextmanager
def _started(source: AgentSource, directory: str, name: str) -> Iterator[str]:
    """An ``ssh-agent`` with the source's keys; its socket.

    It names its directory, by which recovery finds it where this process is killed.
    """
    path = f"{directory}/{name}"
    agent = subprocess.Popen(
        [process.require("ssh-agent"), "-D", "-a", path],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        start_new_session=True,
    )  # fmt: skip
    with agent:
        try:
            said = agent.stdout.readline() if agent.stdout else b""  # it prints once it listens
            if not os.path.exists(path):
                raise ComponentFailed(
                    f"ssh-agent did not start: {said.decode(errors='replace')}",
                    hint="start one yourself and name its socket: --ssh default=$SSH_AUTH_SOCK",
                )
            for key in source.keys:
                _add(source, key, path)
            yield path
        finally:
            agent.kill()


def _add(source: AgentSource, key: str, agent: str) -> None:
    try:
        with open(key, "rb") as stream:
            text = stream.read(_MAX_MESSAGE)
    except OSError as error:
        raise InvalidInput(
            f"cannot read the ssh key {key}: {error.strerror}",
            hint="--ssh names private keys or an agent's socket of this host",
        ) from error
    env = {"SSH_AUTH_SOCK": agent, "SSH_ASKPASS_REQUIRE": "never", "PATH": os.defpath}
    done = process.run(
        ["ssh-add", "-q", "-"], input=text, env=env, check=False, timeout=_START_SECONDS
    )
    if done.code != 0:
        reason = " ".join(done.stderr.decode(errors="replace").split()) or "ssh-add failed"
        raise InvalidInput(
            f"cannot use {key} for the ssh agent {source.id}: {reason}",
            hint="a key with a passphrase needs a running agent: ssh-add it, then --ssh default",
        )


def _status(name: str, path: str) -> os.stat_result:
    try:
        return os.stat(os.path.expanduser(path))
    except OSError as error:
        reason = os.strerror(error.errno or 0).lower()
        raise InvalidInput(
            f'failed to convert agent config for ID: "{name}": stat {path}: {reason}',
            hint="--ssh names private keys or an agent's socket of this host",
        ) from error
