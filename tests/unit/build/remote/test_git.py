from __future__ import annotations

import pytest

from dockyard.build.remote import git
from dockyard.build.remote.address import Git
from dockyard.build.solver import Cancellation


def test_git_gets_nothing_of_the_users_configuration() -> None:
    env = {"HOME": "/home/x", "GIT_DIR": "/x", "GIT_EXEC_PATH": "/y", "PATH": "/bin",
           "https_proxy": "http://proxy"}  # fmt: skip
    made = git.environment(env, "/own", {"a.b": "c"})

    assert (made["HOME"], made["PATH"], made["https_proxy"]) == ("/own", "/bin", "http://proxy")
    assert "GIT_DIR" not in made
    assert "GIT_EXEC_PATH" not in made
    assert made["GIT_CONFIG_NOSYSTEM"] == "1"
    assert made["GIT_CONFIG_GLOBAL"] == "/dev/null"
    assert (made["GIT_CONFIG_KEY_0"], made["GIT_CONFIG_VALUE_0"]) == ("a.b", "c")
    assert "file" not in made["GIT_ALLOW_PROTOCOL"].split(":")
    assert "ext" not in made["GIT_ALLOW_PROTOCOL"].split(":")


def test_passwords_are_on_no_command_line() -> None:
    assert git.credentials("https://u:p%40@example.com:8/r.git") == (
        "https://example.com:8/r.git", "Authorization: Basic dTpwQA==",
    )  # fmt: skip
    assert git.credentials("ssh://git@example.com/r") == ("ssh://git@example.com/r", "")
    assert git.credentials("git@example.com:r") == ("git@example.com:r", "")


@pytest.mark.parametrize("scheme", ["git", "ssh", "https"])
def test_a_failure_shows_no_password(scheme: str) -> None:
    repository = git._Repository(
        Git(remote=f"{scheme}://user:s3cret@example.com/r"), "/", Cancellation()
    )
    error = repository._failure("fetch", b"fatal: ssh://user:s3c@ret@example.com/r: no")

    assert "s3c" not in error.message + str(error.hint)
    assert "example.com/r" in error.message


def test_what_goes_into_an_image_has_no_password() -> None:
    assert git.without_password("ssh://git:p@ss@example.com:8/r") == "ssh://git@example.com:8/r"
    for plain in ("ssh://git@example.com/r", "https://example.com/r", "git@example.com:r"):
        assert git.without_password(plain) == plain


def test_which_of_the_listed_refs_is_meant() -> None:
    listed = {"refs/heads/v1": "branch", "refs/tags/v1": "object", "refs/tags/v1^{}": "commit",
              "HEAD": "head", "refs/pull/1/head": "pull"}  # fmt: skip

    assert git.best("v1", listed) == "commit"
    assert git.best("refs/heads/v1", listed) == "branch"
    assert git.best("", listed) == "head"
    assert git.best("refs/pull/1/head", listed) == "pull"
    assert git.best("none", listed) is None


def test_an_encrypted_address_stays_encrypted() -> None:
    def allowed(remote: str, verb: str) -> str:
        repository = git._Repository(Git(remote=remote), "/", Cancellation())
        return repository._protocols((verb,))

    assert allowed("https://example.com/r.git", "fetch") == "https"
    assert "http" in allowed("https://example.com/r.git", "submodule").split(":")
    assert "http" in allowed("http://example.com/r.git", "fetch").split(":")
