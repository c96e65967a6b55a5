"""Directories of git repositories, by this host's ``git``, from repositories that may be hostile.

Git gets a configuration of ours alone: no hooks, no helpers, no templates, no filters, and only
the protocols of the network, for submodules too. It follows no redirect with a password, which it
would tell the other server (CVE-2020-15157's family), and none from an encrypted server to a plain
one. What it checked out is looked at without following symlinks.
"""

from __future__ import annotations

import base64
import contextlib
import errno
import os
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import unquote, urlsplit

from dockyard.build.dockerfile.source import redacted
from dockyard.build.remote.address import Git
from dockyard.build.solver import Cancellation
from dockyard.errors import BuildError, ComponentMissing, DiskFull, DockyardError
from dockyard.state.room import Room
from dockyard.system import process, syscalls
from dockyard.system.authorities import bundle_of
from dockyard.system.files import remove_tree

_PROTOCOLS: Final = "http:https:ssh:git"
_ENCRYPTED: Final = "https"
_SETTINGS: Final = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.symlinks": "true",
    "core.autocrlf": "false",
    "credential.helper": "",
    "protocol.allow": "never",
    "protocol.http.allow": "always",
    "protocol.https.allow": "always",
    "protocol.ssh.allow": "always",
    "protocol.git.allow": "always",
    "protocol.file.allow": "never",
    "protocol.ext.allow": "never",
    "http.followRedirects": "initial",
    "http.lowSpeedLimit": "1",
    "http.lowSpeedTime": "60",
    "transfer.fsckObjects": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "init.defaultBranch": "master",
    "advice.detachedHead": "false",
    "safe.directory": "*",
}
_PASSED: Final = (
    "PATH", "SSH_AUTH_SOCK", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy",
    "https_proxy", "no_proxy", "all_proxy",
)  # fmt: skip
_SSH: Final = "ssh -oBatchMode=yes -oConnectTimeout=30"
_COMMIT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_LAST_CHARACTERS: Final = 2000
_LOOK_SECONDS: Final = 0.2
_FULL: Final = os.strerror(errno.ENOSPC).encode()
_NOT_SHALLOW: Final = ("shallow", "not our ref", "not advertise", "unadvertised")


def resolve(git: Git, cancellation: Cancellation) -> str:
    """The commit that an address means now.

    Raises:
        BuildError: the repository can't be read, or has no such ref, or has it elsewhere than on
            the commit that the address demands.
        ComponentMissing: this host has no git.
    """
    if git.pinned and (not git.ref or git.ref == git.pinned):
        return git.pinned
    wanted = [git.ref, f"{git.ref}^{{}}"] if git.ref else ["HEAD"]
    repository = _Repository(git, "/", cancellation)
    listed = repository.run("ls-remote", "--", repository.remote, *wanted)
    found: dict[str, str] = {}
    for line in listed.splitlines():
        listed_commit, _, name = line.partition("\t")
        found[name] = listed_commit
    commit = best(git.ref, found)
    if commit is None and re.fullmatch(r"[0-9a-f]{7,63}", git.ref):
        return git.ref  # a short commit: known once the history is here
    if commit is None:
        raise BuildError(
            f"repository {redacted(git.remote)} does not contain ref {git.ref or 'HEAD'}",
            hint="it can be a branch, a tag or a commit",
            reference="no-such-ref",
        )
    _check_commit(git, commit)
    return commit


def checkout(git: Git, commit: str, work: str, target: str, cancellation: Cancellation) -> str:
    """Puts the files of a commit into an existing directory; the commit in full.

    Args:
        commit: what :func:`resolve` said.
        work: an existing directory for git, on the filesystem of ``target``; its caller deletes it.

    Raises:
        BuildError: the repository has no such commit or directory, or git failed.
        DiskFull: no room is left but what is to stay free.
    """
    tree, home = f"{work}/tree", f"{work}/home"
    os.makedirs(tree, mode=0o755)
    os.makedirs(home, mode=0o700)
    repository = _Repository(git, work, cancellation)
    repository.run("init", "--quiet", "--template=", tree)
    repository.directory = tree
    repository.run("remote", "add", "origin", repository.remote)
    _fetch(repository, git, commit)
    full = repository.run("rev-parse", "--verify", f"{commit}^{{commit}}").strip()
    _check_commit(git, full)
    repository.run("checkout", "--quiet", "--force", "--detach", full)
    if git.submodules and os.path.lexists(f"{tree}/.gitmodules"):
        repository.run(
            "submodule", "update", "--init", "--recursive", "--depth=1", "--recommend-shallow"
        )
    if git.keep_git_dir:
        repository.run("remote", "set-url", "origin", without_password(repository.remote))
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{tree}/.git/FETCH_HEAD")
    else:
        _remove_git_directories(tree)
    _move(_subdirectory(tree, git.subdir), target)
    return full


def _fetch(repository: _Repository, git: Git, commit: str) -> None:
    """Fetches one commit; all of the history where the server can't do less."""
    name = git.ref if git.ref and not _COMMIT.fullmatch(git.ref) else commit
    if _COMMIT.fullmatch(commit):
        try:
            repository.run(
                "fetch", "--quiet", "--depth=1", "--no-tags", "--", repository.remote, commit
            )
        except _Failed as error:
            if not any(words in error.message for words in _NOT_SHALLOW):
                raise
        else:
            if name.startswith("refs/tags/"):
                repository.run("update-ref", name, commit)
            return
    wanted = ["+refs/heads/*:refs/remotes/origin/*"]
    if git.ref.startswith("refs/"):
        wanted.append(f"+{git.ref}:refs/dockyard/wanted")
    repository.run("fetch", "--quiet", "--tags", "--", repository.remote, *wanted)


class _Failed(BuildError):
    """Git failed."""


class _Repository:
    """Calls of git with our configuration."""

    def __init__(self, git: Git, work: str, cancellation: Cancellation) -> None:
        self.directory = work
        self._work = work  # named on every command line, so that it is found after kill -9
        self.remote, self._header = credentials(git.remote)
        self._home = f"{work}/home" if work != "/" else "/nonexistent"
        self._cancellation = cancellation
        self._room = Room(work)
        program = process.find("git")
        if program is None:
            raise ComponentMissing(
                "git is not installed, and a source is a git repository",
                hint="apt-get install git, or put the files into the context",
            )
        self._program = program

    def _settings(self) -> dict[str, str]:
        if not self._header:
            return _SETTINGS
        server = urlsplit(self.remote)._replace(path="/", query="", fragment="").geturl()
        own = {f"http.{server}.extraHeader": self._header, "http.followRedirects": "false"}
        return _SETTINGS | own

    def _protocols(self, arguments: Sequence[str]) -> str:
        """What may be spoken, also after a redirect; commits vouch for submodules."""
        encrypted = self.remote.startswith("https://") and arguments[0] != "submodule"
        return _ENCRYPTED if encrypted else _PROTOCOLS

    def run(self, *arguments: str) -> str:
        """What git prints."""
        child = subprocess.Popen(
            [self._program, "-C", self._work, "-C", self.directory, *arguments],
            env=environment(os.environ, self._home, self._settings(), self._protocols(arguments)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            umask=0o022,
        )

        def interrupt() -> None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)

        undo = self._cancellation.register(interrupt)
        try:
            with child:
                output, errors = self._awaited(child)
        except BaseException:
            interrupt()
            raise
        finally:
            undo()
        if self._cancellation.requested:
            raise BuildError("canceled", reference="canceled")
        if child.returncode != 0:
            raise self._failure(arguments[0], errors)
        return output.decode(errors="replace")

    def _awaited(self, child: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
        """What it prints to its end, while the disk is looked at: few objects can be many files."""
        while True:
            try:
                return child.communicate(timeout=_LOOK_SECONDS)
            except subprocess.TimeoutExpired:
                self._room.check("the repository's files")

    def _failure(self, verb: str, errors: bytes) -> DockyardError:
        if _FULL in errors:
            return DiskFull(self.directory)
        said = redacted(errors.decode(errors="replace").strip())[-_LAST_CHARACTERS:]
        hint = "see if git can reach it from here: git ls-remote ADDRESS"
        if self._header:
            hint += "; a redirect isn't followed with the address's password"
        return _Failed(
            f"failed to load {redacted(self.remote)}: git {verb}: {said}",
            hint=hint,
            reference="git-failed",
        )


def environment(
    env: Mapping[str, str], home: str, settings: Mapping[str, str], protocols: str = _PROTOCOLS
) -> dict[str, str]:
    """Nothing of the user's own configuration, but proxies, authorities and the agent."""
    found = {name: env[name] for name in _PASSED if name in env}
    bundle = bundle_of(env)
    if bundle is not None:
        found["GIT_SSL_CAINFO"] = bundle
    found |= {
        "HOME": home,
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_ALLOW_PROTOCOL": protocols,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "/bin/false",
        "SSH_ASKPASS": "/bin/false",
        "GIT_SSH_COMMAND": env.get("GIT_SSH_COMMAND", _SSH),
        "GIT_LFS_SKIP_SMUDGE": "1",
        "GIT_CONFIG_COUNT": str(len(settings)),
    }
    for number, (name, value) in enumerate(settings.items()):
        found[f"GIT_CONFIG_KEY_{number}"] = name
        found[f"GIT_CONFIG_VALUE_{number}"] = value
    return found


def best(ref: str, found: Mapping[str, str]) -> str | None:
    """The commit of a ref among those listed: a tag's own commit before the tag object."""
    names = [ref] if ref.startswith("refs/") else [f"refs/tags/{ref}", f"refs/heads/{ref}", ref]
    for name in names if ref else ["HEAD"]:
        for spelled in (f"{name}^{{}}", name):
            if spelled in found:
                return found[spelled]
    return None


def _check_commit(git: Git, commit: str) -> None:
    if git.commit and not commit.startswith(git.commit):
        raise BuildError(
            f"expected checksum to match {git.commit}, got {commit}",
            hint=f"{git.ref} of {redacted(git.remote)} is on another commit now",
            reference="checksum-mismatch",
        )


def _subdirectory(tree: str, subdir: str) -> str:
    """The directory to take: reached without symlinks, so that it is of the repository."""
    clean = os.path.normpath("/" + subdir).strip("/")
    root = os.open(tree, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        resolve_ = syscalls.RESOLVE_BENEATH | syscalls.RESOLVE_NO_SYMLINKS
        found = syscalls.openat2(root, clean or ".", os.O_PATH | os.O_DIRECTORY, resolve=resolve_)
    except OSError as error:
        raise BuildError(
            f"the repository has no directory /{clean}: {os.strerror(error.errno or 0)}",
            hint="a symlink to a directory doesn't count",
            reference="no-such-directory",
        ) from error
    else:
        os.close(found)
    finally:
        os.close(root)
    return f"{tree}/{clean}" if clean else tree


def _remove_git_directories(tree: str) -> None:
    """Removes ``.git``, and the files of that name in submodules."""
    for directory, names, files in os.walk(tree):
        if ".git" in names:
            remove_tree(f"{directory}/.git")
            names.remove(".git")
        if ".git" in files:
            os.unlink(f"{directory}/.git")


def _move(source: str, target: str) -> None:
    for name in os.listdir(source):
        os.rename(f"{source}/{name}", f"{target}/{name}")


def without_password(remote: str) -> str:
    """An address for a configuration that goes into an image; the user's name stays."""
    parts = urlsplit(remote) if "://" in remote else None
    if parts is None or parts.password is None:
        return remote
    user, _, host = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{user.partition(':')[0]}@{host}").geturl()


def credentials(remote: str) -> tuple[str, str]:
    """An address without user and password, and the header that carries them; others as they are.

    On a command line they would be seen by every user of the machine.
    """
    parts = urlsplit(remote) if "://" in remote else None
    if parts is None or parts.scheme not in {"http", "https"} or parts.username is None:
        return remote, ""
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    token = base64.b64encode(pair.encode()).decode()
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2])
    return bare.geturl(), f"Authorization: Basic {token}"
