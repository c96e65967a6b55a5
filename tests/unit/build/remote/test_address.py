from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.build.dockerfile.source import redacted
from dockyard.build.remote.address import Git, Web, is_remote, parse, parse_context
from dockyard.errors import BuildError, HostileInput
from dockyard.system.metadata import is_metadata

COMMIT = "a" * 40


@pytest.mark.parametrize(
    ("text", "git"),
    [
        ("https://example.com/u/r.git", Git(remote="https://example.com/u/r.git")),
        ("HTTPS://example.com/r.git#v1:sub/dir",
         Git(remote="https://example.com/r.git", ref="v1", subdir="sub/dir")),
        ("https://example.com/r.git#:sub", Git(remote="https://example.com/r.git", subdir="sub")),
        ("https://u:p@example.com:8/r.git#a/b",
         Git(remote="https://u:p@example.com:8/r.git", ref="a/b")),
        ("git@example.com:u/r.git#x", Git(remote="git@example.com:u/r.git", ref="x")),
        ("git@example.com:r?branch=x&subdir=d",
         Git(remote="git@example.com:r", ref="refs/heads/x", subdir="d")),
        ("ssh://git@example.com/r#x", Git(remote="ssh://git@example.com/r", ref="x")),
        ("git://example.com/r?tag=v1", Git(remote="git://example.com/r", ref="refs/tags/v1")),
        (f"https://example.com/r.git?commit={COMMIT}",
         Git(remote="https://example.com/r.git", ref=COMMIT, commit=COMMIT)),
        (f"https://example.com/r.git?ref=v1&checksum={COMMIT[:8]}&keep-git-dir&submodules=0",
         Git(remote="https://example.com/r.git", ref="v1", commit=COMMIT[:8], keep_git_dir=True,
             submodules=False)),
    ],
)  # fmt: skip
def test_repositories(text: str, git: Git) -> None:
    assert is_remote(text)
    assert parse(text) == git


@pytest.mark.parametrize(
    ("text", "url", "name"),
    [
        ("https://example.com/a/b.tar.gz", "https://example.com/a/b.tar.gz", "b.tar.gz"),
        ("http://example.com/a%20b?q=1#f", "http://example.com/a%20b?q=1", "a b"),
        ("https://example.com", "https://example.com", "__unnamed__"),
        ("https://example.com/", "https://example.com/", "__unnamed__"),
        ("https://example.com/a/", "https://example.com/a/", "a"),
        ("https://example.com/%2e%2e", "https://example.com/%2e%2e", "__unnamed__"),
        ("https://example.com/a%2Fb", "https://example.com/a%2Fb", "b"),
        ("https://example.com/r.git/x", "https://example.com/r.git/x", "x"),
    ],
)
def test_files_of_the_web(text: str, url: str, name: str) -> None:
    assert parse(text) == Web(url=url, name=name)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("file:///etc/passwd", "unsupported address"), ("ftp://example.com/x", "unsupported"),
        ("https:///x", "unsupported"), ("https://example.com:x/", "invalid URL"),
        ("ssh://-oProxyCommand=x/r", "invalid URL"), ("https://example.com/a b", "invalid URL"),
        ("https://example.com/r.git#-x", "invalid git ref"),
        ("https://example.com/r.git#a:../b", "leaves the repository"),
        ("https://example.com/r.git?subdir=a/../../b", "leaves the repository"),
        ("https://example.com/r.git?nonsense=1", "unexpected query"),
        ("https://example.com/r.git?ref=a&ref=b", "multiple values"),
        ("https://example.com/r.git?branch=a#b", "conflicts"),
        ("https://example.com/r.git?branch=a&tag=b", "conflicts"),
        ("https://example.com/r.git?subdir=", "has no value"),
        ("https://example.com/r.git?commit=zz", "invalid commit"),
    ],
)  # fmt: skip
def test_what_is_refused(text: str, words: str) -> None:
    with pytest.raises(BuildError, match=words):
        parse(text)


@pytest.mark.parametrize(
    "text", ["a", "./a", "a/b.git", "/abs", "a:b", "C:/x", "a@b", "github.com/x"]
)
def test_paths_are_no_addresses(text: str) -> None:
    assert not is_remote(text)


@pytest.mark.parametrize(
    ("address", "result"),
    [
        ("169.254.169.254", True), ("169.254.170.2", True), ("::ffff:169.254.169.254", True),
        ("fd00:ec2::254", True), ("fe80::a9fe:a9fe", True), ("100.100.100.200", True),
        ("127.0.0.1", False), ("10.0.0.1", False), ("::1", False), ("example.com", False),
        ("2852039166", True), ("0xa9fea9fe", True), ("0xA9.254.0251.0376", True),
        ("169.254.43518", True), ("169.16689662", True), ("%31%36%39.254.169.254", True),
        ("\uff11\uff16\uff19.254\u3002169\uff0e254", True), ("[::ffff:169.254.169.254]", True),
        ("::169.254.169.254", True), ("64:ff9b::a9fe:a9fe", True), ("64:ff9b:1::a9fe:a9fe", True),
        ("2002:a9fe:a9fe::1", True), ("fe80::1%25eth0", True), ("168.63.129.16", True),
        ("192.0.0.192", True), ("fd20:ce::254", True), ("metadata.goog", True),
        ("64:ff9b::808:808", False), ("2002:808:808::1", False), ("134744072", False),
        ("168.63.129.17", False), ("2852039166.example.com", False), ("999999999999", False),
        ("", False), ("Metadata.google.internal.", True),
    ],
)  # fmt: skip
def test_metadata_addresses(address: str, result: bool) -> None:
    assert is_metadata(address) is result


@pytest.mark.parametrize(
    "address",
    [
        "http://169.254.169.254/latest", "http://169.254.169.254/r.git", "http://2852039166/x.git",
        "git@169.254.169.254:x", "git@[fe80::1]:x", "git@2852039166:u/r.git",
        "ssh://git@[64:ff9b::a9fe:a9fe]/x", "git://u@0xa9fea9fe/x",
    ],
)  # fmt: skip
def test_metadata_services_are_no_sources(address: str) -> None:
    with pytest.raises(HostileInput, match="metadata service"):
        parse(address)


def test_github_is_an_address_for_contexts_alone() -> None:
    assert parse_context("github.com/u/r#v1:d") == Git(
        remote="https://github.com/u/r", ref="v1", subdir="d"
    )


def test_a_whole_commit_pins() -> None:
    assert Git(remote="r", ref=COMMIT).pinned == COMMIT
    assert Git(remote="r", ref="v1", commit=COMMIT).pinned == COMMIT
    assert Git(remote="r", ref="v1", commit="abcdef0").pinned is None


@pytest.mark.parametrize(
    "text",
    [
        "https://user:s3c@ret@example.com/x",
        "git://user:s3cret@example.com/x.git",
        "ssh://user:s3cret@example.com/x",
        "https://user:s3c?r#et@example.com/x",
    ],
)
def test_no_part_of_a_password_is_shown(text: str) -> None:
    assert redacted(text).startswith(f"{text.partition('://')[0]}://xxxxx:xxxxx@example.com/x")


@pytest.mark.parametrize("password", ["s3/cret", "s3cret[", "\uff03s3cret"])
def test_an_address_that_is_none_shows_no_password(password: str) -> None:
    with pytest.raises(BuildError) as raised:
        parse(f"https://user:{password}@example.com:port/x")
    assert "s3" not in raised.value.message + str(raised.value.hint)


def test_passwords_are_left_out() -> None:
    text = "ADD https://user:s3cret@example.com/x ssh://git@example.com/y /z"
    assert redacted(text) == (
        "ADD https://xxxxx:xxxxx@example.com/x ssh://xxxxx:xxxxx@example.com/y /z"
    )


@given(st.text(max_size=60).map(lambda text: f"https://example.com/{text}"))
def test_any_text_is_an_address_or_an_error(text: str) -> None:
    try:
        found = parse(text)
    except BuildError:
        return
    if isinstance(found, Web):
        assert "/" not in found.name
        assert found.name not in {"", ".", ".."}
        assert "\0" not in found.name
    else:
        assert ".." not in found.subdir.split("/")
        assert not found.ref.startswith("-")
