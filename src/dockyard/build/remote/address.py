"""What an address in a Dockerfile or on the command line means: a file of the web, or a git
repository. Pure.

The forms are those of https://docs.docker.com/build/concepts/context/#remote-context: a git
repository is ``https://example/path.git``, ``ssh://``, ``git://`` or ``user@host:path``, and may
be followed by ``#ref:subdir`` or a query (``?branch=...&subdir=...``); any other ``http(s)://`` is
a file.
"""

from __future__ import annotations

import posixpath
import re
from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import msgspec

from dockyard.build.dockerfile.quantities import parse_bool
from dockyard.build.dockerfile.source import invalid, redacted
from dockyard.system import metadata

GITHUB: Final = "github.com/"
"""How a context may begin instead of ``https://``, as of old."""

_GIT_SCHEMES: Final = frozenset({"http", "https", "ssh", "git"})
_WEB_SCHEMES: Final = frozenset({"http", "https"})
_SCHEME: Final = re.compile(r"([a-zA-Z0-9+.-]+)://")
_SCP: Final = re.compile(r"([a-zA-Z0-9._~-]+)@([a-zA-Z0-9.-]+|\[[0-9a-fA-F:]+\]):([^#?]+)(.*)")
_COMMIT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SHORT_COMMIT: Final = re.compile(r"[0-9a-f]{7,64}")
_WHOLE_CREDENTIALS: Final = re.compile(r"(?<=://).*@")
_NAMELESS: Final = "__unnamed__"


class Git(msgspec.Struct, frozen=True, kw_only=True, tag="git"):
    """A directory of a repository at a commit.

    ``remote`` is what ``git fetch`` takes. ``ref`` is a branch, tag or commit, empty for the
    default branch; ``commit`` is what the ref must turn out to be (a prefix is enough), if given.
    """

    remote: str
    ref: str = ""
    subdir: str = ""
    commit: str = ""
    keep_git_dir: bool = False
    submodules: bool = True

    @property
    def pinned(self) -> str | None:
        """The commit, where the address itself says it in full."""
        for text in (self.commit, self.ref):
            if _COMMIT.fullmatch(text):
                return text
        return None


class Web(msgspec.Struct, frozen=True, kw_only=True, tag="web"):
    """A file of a web server; ``checksum`` (``sha256:...``) is what it must have, if given."""

    url: str
    name: str
    checksum: str = ""


def is_remote(text: str) -> bool:
    """True for what is no path of the context, whether or not it is an address that we take."""
    return _SCHEME.match(text) is not None or _SCP.fullmatch(text) is not None


def parse_context(text: str) -> Git | Web:
    """:func:`parse` for a build context, which may also be ``github.com/user/repository``."""
    if not text.startswith(GITHUB):
        return parse(text)
    path, query, fragment = _tail(text)
    return _git(text, f"https://{path}", query, fragment)


def parse(text: str) -> Git | Web:
    """The address that ``text`` is.

    Raises:
        BuildError: it is none, or one that Docker refuses too (``file://``).
        HostileInput: it is that of a metadata service.
    """
    scp = _SCP.fullmatch(text)
    if scp is not None and _SCHEME.match(text) is None:
        path, query, fragment = _tail(scp[4])
        if metadata.is_metadata(scp[2]):
            raise metadata.refused(scp[2])
        remote = f"{scp[1]}@{scp[2]}:{scp[3]}{path}"
        return _git(text, remote, query, fragment)
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port  # a port that is no number shows only here
    except ValueError as error:
        raise invalid(  # what Python says of it may have a part of a password
            f"invalid URL: {_WHOLE_CREDENTIALS.sub('xxxxx:xxxxx@', text)}",
            "the form is SCHEME://HOST[:PORT]/PATH; write a slash in a password as %2F",
        ) from error
    scheme = parts.scheme.lower()
    if scheme not in _GIT_SCHEMES or not host:
        raise invalid(
            f"unsupported address: {redacted(text)}",
            "it can begin with https://, http://, ssh:// or git://, or be git@host:path",
        )
    if host.startswith("-") or any(c.isspace() or ord(c) < 32 for c in text):
        raise invalid(
            f"invalid URL: {redacted(text)}",
            hint="the form is SCHEME://HOST[:PORT]/PATH, without spaces",
        )
    if metadata.is_metadata(host):
        raise metadata.refused(host)
    if scheme in _WEB_SCHEMES and not parts.path.endswith(".git"):
        return Web(url=parts._replace(scheme=scheme, fragment="").geturl(), name=_file_name(parts))
    remote = parts._replace(scheme=scheme, query="", fragment="").geturl()
    return _git(text, remote, parts.query, parts.fragment)


def _tail(text: str) -> tuple[str, str, str]:
    before, _, fragment = text.partition("#")
    path, _, query = before.partition("?")
    return path, query, fragment


def _file_name(parts: SplitResult) -> str:
    """The last part of the path, as BuildKit names the file."""
    name = posixpath.basename(unquote(parts.path).rstrip("/"))
    return _NAMELESS if name in {"", ".", ".."} or "\0" in name else name


def _git(text: str, remote: str, query: str, fragment: str) -> Git:
    ref, _, subdir = fragment.partition(":")
    found: dict[str, str] = {"ref": unquote(ref), "subdir": unquote(subdir)}
    flags: dict[str, bool] = {}
    seen: set[str] = set()
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name in seen:
            raise invalid(f'query "{name}" has multiple values', f"in {redacted(text)}")
        seen.add(name)
        if name in {"keep-git-dir", "submodules"}:
            flags[name] = parse_bool(value) if value else True
        elif name in {"ref", "tag", "branch", "subdir", "commit", "checksum"}:
            _add(found, name, value)
        else:
            raise invalid(
                f'unexpected query "{name}"',
                "git addresses take ref, branch, tag, commit, subdir, keep-git-dir, submodules",
            )
    commit = found.get("commit", "").lower()
    made = Git(
        remote=remote, ref=found["ref"] or commit, subdir=found["subdir"], commit=commit,
        keep_git_dir=flags.get("keep-git-dir", False), submodules=flags.get("submodules", True),
    )  # fmt: skip
    _check(made, text)
    return made


def _add(found: dict[str, str], name: str, value: str) -> None:
    if not value:
        raise invalid(f'query "{name}" has no value', hint=f"write {name}=VALUE, or leave it out")
    prefix = {"tag": "refs/tags/", "branch": "refs/heads/"}.get(name, "")
    key = {"tag": "ref", "branch": "ref", "checksum": "commit"}.get(name, name)
    value = prefix + value.removeprefix(prefix)
    if found.get(key, "") not in {"", value}:
        raise invalid(
            f'{key} conflicts: "{found[key]}" vs "{value}"', hint="leave one of the two out"
        )
    found[key] = value


def _check(git: Git, text: str) -> None:
    if git.commit and not _SHORT_COMMIT.fullmatch(git.commit):
        raise invalid(f"invalid commit: {git.commit}", "it has 40 digits, or the first of them")
    if git.ref.startswith("-") or not git.ref.isprintable() or " " in git.ref:
        raise invalid(
            f"invalid git ref: {git.ref!r}", hint="the name of a branch or tag, or a commit"
        )
    if ".." in git.subdir.split("/") or "\0" in git.subdir:
        raise invalid(f"the directory {git.subdir} leaves the repository", f"in {redacted(text)}")
